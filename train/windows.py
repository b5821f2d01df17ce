"""Attention that begins as windows, which spares pretraining from having to find them.

A sum of waves of the distance of two positions,

    S_ij = sharpness sum_m cos(2 pi (i + offset - j) / period_m),

peaks at j = i + offset. By cos(a - b) = cos a cos b + sin a sin b it is a product of factors, with two
columns for each period. With rank 8 and 64 positions the heads for one token keep 0.99 of their
attention within four positions and the one for the tokens around 0.79; with 256, where waves meet again
further away, 0.77 and 0.42 (a test has these figures). Learning goes on from there.
factorized_random holds the factors themselves; dot_product gets them by positions that begin as waves,
and by query and key projections that begin by reading them. In each layer the first three heads look at
the token before, the one behind and around; further heads begin as they are drawn.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from train.config import ConfigError
from train.synthesizer import DotProductScores, FactorizedRandomScores, Synthesizer

PERIODS = (7.0, 19.0, 53.0, 160.0)  # in positions
COLUMNS = 2 * len(PERIODS)
WINDOWS = ((-1.0, 3.0), (1.0, 3.0), (0.0, 1.5))  # (offset, sharpness) of the first heads
POSITION_SCALE = 0.1  # of the waves in the position embeddings, five times a word's numbers


def waves(length: int, offset: float = 0.0) -> Tensor:
    """cos and sin of each period at the positions: [length, COLUMNS]."""
    angle = 2 * math.pi * (torch.arange(length)[:, None] + offset) / torch.tensor(PERIODS)
    return torch.stack([angle.cos(), angle.sin()], dim=2).flatten(1)


@torch.no_grad()
def start_with_windows(model: Synthesizer) -> None:
    """Sets the first heads of each factorized_random and dot_product source of the model."""
    scores = [m for m in model.modules() if isinstance(m, FactorizedRandomScores)]
    queries = [m for m in model.modules() if isinstance(m, DotProductScores)]
    for source in scores:
        _start_factors(source)
    if queries:
        amplitude = _start_positions(model)
        for query in queries:
            _start_projections(query, amplitude)


def _start_factors(source: FactorizedRandomScores) -> None:
    r1, r2 = source.factorized_random.r1, source.factorized_random.r2
    heads, length, k = r1.shape
    if k < COLUMNS:
        raise ConfigError(f"windows: expected k of {COLUMNS} or more, got {k}")
    for head, (offset, sharpness) in zip(range(heads), WINDOWS):
        r1[head], r2[head] = 0.0, 0.0
        r1[head, :, :COLUMNS] = sharpness**0.5 * waves(length, offset)
        r2[head, :, :COLUMNS] = sharpness**0.5 * waves(length)


def _start_positions(model: Synthesizer) -> float:
    """Waves in the first columns, words in the others; gives what LayerNorm makes of a wave of 1."""
    if not hasattr(model.embeddings, "position_embeddings"):
        raise ConfigError("windows: dot_product finds them by position embeddings, there are none")
    positions = model.embeddings.position_embeddings.weight
    positions[:, :COLUMNS] = POSITION_SCALE * waves(len(positions))
    words = model.embeddings.word_embeddings.weight
    words[:, :COLUMNS] = 0.0
    energy = positions.square().mean() + words.square().mean()
    return POSITION_SCALE / math.sqrt(energy.item())


def _start_projections(source: DotProductScores, amplitude: float) -> None:
    size = source.query.out_features // source.heads
    if size < COLUMNS:
        raise ConfigError(f"windows: expected a head size of {COLUMNS} or more, got {size}")
    for head, (offset, sharpness) in zip(range(source.heads), WINDOWS):
        # Rows of the head that read the waves, so that q k / sqrt(Dh) is the sum above.
        rows = slice(head * size, head * size + COLUMNS)
        scale = math.sqrt(sharpness * math.sqrt(size)) / amplitude
        source.key.weight[rows, :COLUMNS] = scale * torch.eye(COLUMNS)
        source.query.weight[rows, :COLUMNS] = scale * _shift(offset)


def _shift(offset: float) -> Tensor:
    """The matrix that turns waves(i) into waves(i + offset): [COLUMNS, COLUMNS]."""
    turn = torch.zeros(COLUMNS, COLUMNS)
    for m, period in enumerate(PERIODS):
        angle = 2 * math.pi * offset / period
        cos, sin = math.cos(angle), math.sin(angle)
        turn[2 * m : 2 * m + 2, 2 * m : 2 * m + 2] = torch.tensor([[cos, -sin], [sin, cos]])
    return turn
