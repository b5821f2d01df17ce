"""The real server, started once for all tests of this folder, and what they need to reach it."""

import json
import os
import pathlib
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = sorted(config.parent for config in (ROOT / "models").glob("*/config.json"))


def build_folder() -> pathlib.Path:
    """The CMake build folder whose programs are tested (environment SYNTH_BUILD)."""
    return pathlib.Path(os.environ.get("SYNTH_BUILD", ROOT / "build" / "dev"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


Synthctl = Callable[..., str]


@dataclass
class Server:
    process: subprocess.Popen[str]
    grpc: str  # host:port
    http: str


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """synthserve with the shipped models on free loopback ports; it must stop with exit code 0."""
    models = [argument for folder in MODELS for argument in ("--model", str(folder))]
    process = subprocess.Popen(
        [
            build_folder() / "server" / "synthserve",
            *models,
            "--listen",
            "127.0.0.1:0",
            "--metrics-listen",
            "127.0.0.1:0",
            "--log-format",
            "json",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        event = json.loads(line)
        if event["event"] == "serving":
            break
    else:
        pytest.fail("synthserve did not start")
    yield Server(process, f"127.0.0.1:{event['grpc_port']}", f"127.0.0.1:{event['metrics_port']}")
    process.terminate()
    process.stderr.read()
    assert process.wait(timeout=30) == 0


@pytest.fixture
def synthctl(server: Server) -> Synthctl:
    """Runs synthctl against the server; gives its standard output. It must end with `code`."""

    def run(*arguments: str, text: str = "", code: int = 0) -> str:
        done = subprocess.run(
            [build_folder() / "client" / "synthctl", "--server", server.grpc, *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    return run
