"""A server to attack: started with default options on free loopback ports, watched, and stopped."""

import json
import os
import pathlib
import resource
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 60
# What synthserve's --drain-timeout is by default, and a second for the process to end.
DRAIN_SECONDS = 21


@dataclass(frozen=True)
class Options:
    """How an attack wants its server; the default is one model and synthserve's own defaults."""

    models: tuple[str, ...] = ("intent-clinc150",)
    arguments: tuple[str, ...] = ()
    # Soft and hard limit of descriptors; None: this machine's.
    descriptors: int | None = None
    # Whether standard error is a pipe that nobody reads after the start.
    unread_log: bool = False


@dataclass(frozen=True)
class Target:
    """What an attacker knows: two addresses on the loopback interface, and how long to go on."""

    grpc_port: int
    http_port: int
    seconds: float

    @property
    def grpc(self) -> str:
        return f"127.0.0.1:{self.grpc_port}"


@dataclass
class Server:
    """One synthserve. Always leave it by `kill` or `stop`."""

    program: pathlib.Path
    options: Options
    process: subprocess.Popen[bytes] = field(init=False)
    grpc_port: int = field(init=False)
    http_port: int = field(init=False)

    def __post_init__(self) -> None:
        folders = [ROOT / "models" / name for name in self.options.models]
        command = [str(self.program), *(part for folder in folders for part in ("--model", str(folder)))]
        command += ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--lanes", "2"]
        command += ["--log-format", "json", *self.options.arguments]
        # A file takes any amount of log without a reader; a pipe is asked for by the attack on logging.
        self._log = None if self.options.unread_log else tempfile.TemporaryFile()  # noqa: SIM115  (closed with the server)
        self.process = subprocess.Popen(
            command, stderr=self._log or subprocess.PIPE, preexec_fn=self._limit_descriptors
        )
        try:
            self._await_serving()
        except BaseException:
            self.kill()
            raise

    def _limit_descriptors(self) -> None:
        if self.options.descriptors is not None:
            limits = (self.options.descriptors, self.options.descriptors)
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    def _await_serving(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for line in self._log_lines():
                event = json.loads(line)
                if event["event"] == "serving":
                    self.grpc_port, self.http_port = event["grpc_port"], event["metrics_port"]
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"{self.program} did not start, exit code {self.process.poll()}")

    def _log_lines(self) -> list[bytes]:
        if self._log is None:
            assert self.process.stderr is not None
            return [self.process.stderr.readline()]
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).splitlines()

    def target(self, seconds: float) -> Target:
        return Target(self.grpc_port, self.http_port, seconds)

    def alive(self) -> bool:
        return self.process.poll() is None

    def _memory(self, key: str) -> float:
        try:
            lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text("ascii").splitlines()
        except FileNotFoundError:
            return 0
        for line in lines:
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024 / 1e6
        return 0  # The process has ended.

    def resident_mb(self) -> float:
        return self._memory("VmRSS")

    def peak_mb(self) -> float:
        """The peak of the resident memory since `reset_peak`, in MB of a million bytes."""
        return self._memory("VmHWM")

    def reset_peak(self) -> None:
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", "ascii")

    def stop(self) -> tuple[int | None, float]:
        """Exit code and seconds after SIGTERM; None if the server had to be killed."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        seconds = time.monotonic() - start
        self.kill()
        return code, seconds

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self._log, self.process.stderr):
            if stream is not None:
                stream.close()
