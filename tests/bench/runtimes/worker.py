"""The side of a contender that runs: answers a line of JSON for each line of JSON, as encoder_runner.cc does."""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Encoder(Protocol):
    """One model in one runtime, and its current batch."""

    def set_batch(self, token_ids: NDArray[np.int32], lengths: list[int], command: dict[str, Any]) -> None:
        """token_ids: [T] int32, the texts one behind the other; the command may say more."""

    def forward(self) -> None:
        """Computes the hidden states: what is timed."""

    def hidden(self) -> NDArray[np.float32]:
        """The hidden states that forward computed last: [T, D]."""


def serve(encoder: Encoder, description: dict[str, Any]) -> None:
    """Describes the model, then answers commands until the input ends."""
    _answer(description)
    for line in sys.stdin:
        try:
            _answer(_do(encoder, json.loads(line)))
        except Exception as error:  # the script decides what it means
            _answer({"error": f"{type(error).__name__}: {error}"})


def _answer(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def _do(encoder: Encoder, command: dict[str, Any]) -> dict[str, Any]:
    if command["do"] == "batch":
        token_ids = np.fromfile(command["token_ids"], dtype=np.int32)
        if len(token_ids) != sum(command["lengths"]):
            raise ValueError(f"{command['token_ids']}: {len(token_ids)} ids, not {sum(command['lengths'])}")
        encoder.set_batch(token_ids, command["lengths"], command)
        return {"tokens": len(token_ids)}
    if command["do"] == "time":
        for _ in range(command["warmup"]):
            encoder.forward()
        return {"seconds": [_timed(encoder) for _ in range(command["iterations"])]}
    if command["do"] == "hidden":
        encoder.forward()
        hidden = encoder.hidden()
        np.save(command["file"], hidden)
        return {"tokens": len(hidden)}
    raise ValueError(f"do: expected batch, time or hidden, found {command['do']}")


def _timed(encoder: Encoder) -> float:
    start = time.perf_counter()
    encoder.forward()
    return time.perf_counter() - start
