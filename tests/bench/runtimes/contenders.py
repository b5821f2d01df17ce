"""The contenders: each a process of its own on the same core, of which one works while the others wait.

A process reads a line of JSON and answers with a line of JSON: encoder_runner.cc lists the commands, worker.py
is their Python side.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from runtimes import ROOT
from runtimes.onnx_export import Checkpoint, Export, exports, write_export

CONTENDERS = ("ours:f32", "ours:bf16", "ours:int8", "ort:f32", "ort:int8", "torch:f32")


class ContenderError(RuntimeError):
    """A contender that could not do what it was asked; the message names it and says why."""


def add_contender_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that say how contenders run."""
    group = parser.add_argument_group("contenders")
    runner = ROOT / "build/bench/tests/bench/encoder_runner"
    group.add_argument("--runner", type=Path, default=runner, help="encoder_runner (default: %(default)s)")
    group.add_argument("--torch-python", default=sys.executable, help="an interpreter with PyTorch (default: this one)")
    core = max(os.sched_getaffinity(0))
    group.add_argument("--core", type=int, default=core, help="that all of them run on (default: %(default)s)")


@dataclass(frozen=True)
class Batch:
    """Texts, one behind the other, as a file of int32 token ids."""

    file: Path
    lengths: list[int]

    @staticmethod
    def draw(file: Path, lengths: list[int], vocabulary: int, seed: int) -> Batch:
        """Texts of these lengths, of ids from a seed."""
        ids = np.random.default_rng(seed).integers(vocabulary, size=sum(lengths), dtype=np.int32)
        ids.tofile(file)
        return Batch(file, lengths)

    @property
    def tokens(self) -> int:
        return sum(self.lengths)

    def token_ids(self) -> NDArray[np.int32]:
        return np.fromfile(self.file, np.int32)

    def padded(self, file: Path) -> Batch:
        """The same texts, each padded with the id 0 to the longest."""
        rows = np.zeros((len(self.lengths), max(self.lengths)), np.int32)
        for row, text in zip(rows, np.split(self.token_ids(), np.cumsum(self.lengths)[:-1]), strict=True):
            row[: len(text)] = text
        rows.tofile(file)
        return Batch(file, [rows.shape[1]] * len(rows))


class Contender(AbstractContextManager["Contender"]):
    """A runtime with a model. The process ends with the `with` block."""

    def __init__(self, name: str, command: list[str | Path], core: int) -> None:
        self.name = name
        # OpenBLAS knows the CPU; what the environment makes it take for granted holds for other work.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        paths = {"PYTHONPATH": os.pathsep.join([str(ROOT / "tests/bench"), str(ROOT)])}
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=inherited | threads | paths,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        self.description = self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def set_batch(self, batch: Batch) -> None:
        """Makes it the batch that the other calls run."""
        self._ask(do="batch", token_ids=str(batch.file), lengths=batch.lengths, **self.batch_fields())

    def batch_fields(self) -> dict[str, str]:
        """What this contender wants to know of a batch beside its texts."""
        return {}

    def time(self, warmup: int, iterations: int) -> list[float]:
        """The seconds of each of the iterations, after some that are not timed."""
        return self._ask(do="time", warmup=warmup, iterations=iterations)["seconds"]

    def median_seconds(self, batch: Batch, repeat: int) -> float:
        """The median of so many runs of a batch, after one that is not timed."""
        self.set_batch(batch)
        return statistics.median(self.time(1, repeat))

    def hidden(self, file: Path) -> NDArray[np.float32]:
        """The hidden states [T, D], by way of a file."""
        self._ask(do="hidden", file=str(file))
        return np.load(file)

    def iterations(self, seconds: float) -> int:
        """How often the current batch runs in about so many seconds; at least 3 times."""
        return max(3, round(seconds / statistics.median(self.time(1, 3))))

    def _ask(self, **command: object) -> dict[str, Any]:
        with suppress(BrokenPipeError):  # a process that has ended: reading says how
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        answer = self._read()
        if "error" in answer:
            raise ContenderError(f"{self.name}: {answer['error']}")
        return answer

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ContenderError(f"{self.name}: {self._process.args!r} ended with {self._process.wait()}")
        return json.loads(line)


class OrtContender(Contender):
    """ONNX Runtime. `file` is the graph for the shape of the batch that is set next."""

    def __init__(self, name: str, core: int) -> None:
        super().__init__(name, [sys.executable, "-m", "runtimes.ort_worker"], core)
        self.file = Path()

    def batch_fields(self) -> dict[str, str]:
        return {"model": str(self.file)}


def start(name: str, checkpoint: Path, options: argparse.Namespace) -> Contender:
    """Starts one of CONTENDERS; OrtContender still wants its file."""
    runtime, _, precision = name.partition(":")
    if runtime == "ort":
        return OrtContender(name, options.core)
    if runtime == "torch":
        command = [options.torch_python, "-m", "runtimes.torch_worker", checkpoint]
    else:
        if not options.runner.is_file():
            raise ContenderError(f"{options.runner}: not there; `cmake --build --preset bench` builds it")
        command = [options.runner, "--model", checkpoint, "--precision", precision]
    return Contender(name, command, options.core)


def fastest_export(
    checkpoint: Checkpoint, batch: Batch, precision: str, folder: Path, core: int, seconds: float
) -> tuple[Export, Path]:
    """The export that ONNX Runtime runs a batch with the fastest, found by a short race, and its file."""
    shape = len(batch.lengths), batch.lengths[0]
    files = {export: write_export(checkpoint, *shape, export, folder) for export in exports(checkpoint, precision)}
    best = dict.fromkeys(files, float("inf"))
    with OrtContender(f"ort:{precision}", core) as ort:
        for _ in range(3):
            for export, ort.file in files.items():
                ort.set_batch(batch)
                best[export] = min(best[export], statistics.median(ort.time(1, ort.iterations(seconds / 3))))
    winner = min(best, key=best.__getitem__)
    return winner, files[winner]
