"""Trains an encoder so that the vectors of texts about the same thing lie near each other.

    python -m train.contrast --recipe train/recipes/NAME.json --init PRE/best --text FILE --run RUN

For what train.pretrain made: a masked language model is asked for words and leaves the mean of its
last layer where it falls. Here two spans of one text are a pair, and the loss asks which of the
batch's other spans belongs to a span (InfoNCE, van den Oord et al. 2018; spans as in DeCLUTR, Giorgi
et al. 2021). The spans of a text do not overlap; texts too short for two are left out. The vectors are
pooled as the config says and compared by their cosine.

RUN receives what a run of train.pretrain receives, best/ with the vocabulary and sizes of --init. The
loss is in nats; that of a guess is the logarithm of `pairs`, or of the held-out texts if they are fewer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from train.checkpoint import initialize
from train.config import ConfigError
from train.synthesizer import Synthesizer, pad_batch
from train.texts import Ids, Rows, TextTrainer, TextTraining, command_line, run_training


@dataclass(frozen=True)
class Contrast(TextTraining):
    """The `contrast` part of a recipe."""

    pairs: int = 128  # texts of a batch
    shortest: int = 8  # tokens of a span, special ones not counted
    longest: int = 48
    token_dropout: float = 0.1  # share of a span's tokens that are left out
    temperature: float = 0.05

    @property
    def step_tokens(self) -> int:
        return self.pairs * 2 * self.longest


class ContrastTrainer(TextTrainer):
    """Asks which spans belong together."""

    part = "contrast"
    kind = Contrast
    options: Contrast
    model: Synthesizer

    def make_model(self, init: Path | None) -> Synthesizer:
        """The encoder of the folder `init`."""
        model = Synthesizer(self.config, self.options.dropout)
        if init is not None:
            initialize(model, init)
        return model

    def encoder(self) -> Synthesizer:
        """All of it."""
        return self.model

    def batches(self, lengths: NDArray[np.int64], rng: random.Random) -> Iterator[Rows]:
        """Pieces of any lengths together, those too short and the last few left out."""
        special = len(self.tokenizer.prefix) + len(self.tokenizer.suffix)
        enough = np.flatnonzero(lengths - special >= 2 * self.options.shortest)
        if len(enough) < 2:
            raise ConfigError(f"contrast.shortest: {len(enough)} texts are long enough for two spans")
        order = np.random.default_rng(rng.getrandbits(63)).permutation(enough)
        size = min(self.options.pairs, len(order))
        return iter(np.split(order[: len(order) // size * size], len(order) // size))

    def tokens_of(self, rows: Rows) -> int:
        """No more than two spans of each."""
        return int(np.minimum(self.texts.lengths[rows], 2 * self.options.longest).sum())

    def loss(self, rows: Rows) -> Tensor:
        """The mean over both directions of the cross-entropy of finding the other span."""
        drawn = np.random.default_rng(int(torch.randint(2**62, ())))
        pairs = [self.spans(self.texts.piece(row), drawn) for row in rows]
        spans = [first for first, _ in pairs] + [second for _, second in pairs]
        vectors = functional.normalize(self.model(*pad_batch(spans)).pooled, dim=1)
        first, second = vectors.chunk(2)
        likeness = first @ second.T / self.options.temperature  # [pairs, pairs]
        own = torch.arange(len(rows))
        forth = functional.cross_entropy(likeness, own)
        return (forth + functional.cross_entropy(likeness.T, own)) / 2

    def spans(self, piece: Ids, drawn: np.random.Generator) -> tuple[list[int], list[int]]:
        """Two spans of a piece, special tokens around each."""
        prefix, suffix = self.tokenizer.prefix, self.tokenizer.suffix
        body = piece[len(prefix) : len(piece) - len(suffix)]
        shortest, longest = self.options.shortest, self.options.longest
        cut = int(drawn.integers(shortest, len(body) - shortest + 1))
        parts = [body[:cut], body[cut:]]
        if drawn.random() < 0.5:
            parts.reverse()
        first, second = (prefix + self.thinned(self.window(part, longest, drawn), drawn) + suffix for part in parts)
        return first, second

    @staticmethod
    def window(part: Ids, longest: int, drawn: np.random.Generator) -> Ids:
        """At most `longest` tokens of it, from anywhere."""
        start = int(drawn.integers(max(1, len(part) - longest + 1)))
        return part[start : start + longest]

    def thinned(self, span: Ids, drawn: np.random.Generator) -> list[int]:
        """Without some of its tokens, but not without all."""
        kept = span[drawn.random(len(span)) >= self.options.token_dropout]
        result: list[int] = (kept if len(kept) else span).tolist()
        return result


def contrast(recipe_file: Path, *arguments: Any, **options: Any) -> Path:
    """train.texts.run_training with this objective."""
    return run_training(ContrastTrainer, recipe_file, *arguments, **options)


def main() -> None:
    """The command line."""
    command_line(ContrastTrainer, "train.contrast", needs_init=True)


if __name__ == "__main__":
    main()
