"""How contenders are measured and compared."""

from __future__ import annotations

import statistics
from collections.abc import Hashable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from runtimes.contenders import Contender, ContenderError

Key = TypeVar("Key", bound=Hashable)

# The largest |difference| from the reference over the largest |activation|. That of f32 is rounding; what bf16
# and int8 may lose is for the reader to judge, so theirs only tells rounding from a wrong result.
LIMITS = {"f32": 1e-4, "bf16": 0.1, "int8": 0.1}


def interleave(contenders: dict[Key, Contender], rounds: int, seconds: float) -> dict[Key, list[float]]:
    """The median seconds of one run of each contender's batch, by round.

    In each round every contender works for about so many seconds, one after the other, so that what slows the
    machine down for a while slows all of them down.
    """
    iterations = {key: contender.iterations(seconds) for key, contender in contenders.items()}
    medians: dict[Key, list[float]] = {key: [] for key in contenders}
    for _ in range(rounds):
        for key, contender in contenders.items():
            warmup = max(1, iterations[key] // 10)  # the others have had the caches meanwhile
            medians[key].append(statistics.median(contender.time(warmup, iterations[key])))
    return medians


def speed(seconds: list[float], baseline: list[float]) -> float:
    """How many times as fast as the baseline: the median of the rounds' ratios."""
    return statistics.median(theirs / ours for ours, theirs in zip(seconds, baseline, strict=True))


def error(name: str, hidden: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """max |hidden - expected| / max |expected|; ContenderError where that is no rounding error."""
    if hidden.shape != expected.shape:
        raise ContenderError(f"{name}: expected hidden states of shape {expected.shape}, found {hidden.shape}")
    relative = float(np.abs(hidden - expected).max() / np.abs(expected).max())
    limit = LIMITS[name.partition(":")[2]]
    if not relative <= limit:  # NaN too
        raise ContenderError(f"{name}: {relative:.2g} off the reference, more than {limit:g}")
    return relative
