"""Pretrains an encoder on plain text as a masked language model (Devlin et al. 2019, section 3.1).

    python -m train.pretrain --recipe train/recipes/NAME.json --text FILE [--text FILE] --run RUN

Each --text holds one text a line, plain or .xz. RUN receives recipe.json, log.jsonl, last.pt (what
--resume continues from), tokens.npz (the texts as token ids) and, at the end, best/: a checkpoint
folder without a classifier, which `train.train --init` fine-tunes and synthserve serves for Encode.
Nothing but the recipe, the texts and the seed decides the result.

15 % of the tokens of a text are picked; of these 80 % become the mask, 10 % a random token, 10 % stay.
The loss is the cross-entropy of the picked tokens. The mask is <unk>: with byte fallback no text ever
holds it. A text longer than L tokens becomes several, of which only a rest of very few tokens is left
out; a batch has texts of one length, so nothing is padded. A run may be continued to another number of `tokens`
than it was begun with; the learning rate falls to 0 at the new one. One text in a hundred is held out, to measure
the loss on.
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
from torch import Tensor, nn
from torch.nn import functional

from train.synthesizer import ACTIVATIONS, Synthesizer
from train.texts import (
    Rows,
    TextTrainer,
    TextTraining,
    batches_of_one_length,
    command_line,
    run_training,
)
from train.windows import start_with_windows


@dataclass(frozen=True)
class Pretraining(TextTraining):
    """The `pretraining` part of a recipe."""

    batch_tokens: int = 2048
    window_heads: int = 0  # 1: heads begin as windows around each token (windows.py)
    picked: float = 0.15  # share of the tokens that the loss asks for

    @property
    def step_tokens(self) -> int:
        return self.batch_tokens


class MaskedLanguageModel(nn.Module):
    """BERT's head: dense, activation, LayerNorm, then the word embeddings as output matrix."""

    def __init__(self, encoder: Synthesizer) -> None:
        super().__init__()
        config = encoder.config
        self.encoder = encoder
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = ACTIVATIONS[config.hidden_act]
        self.norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, token_ids: Tensor, picked: Tensor) -> Tensor:
        """token_ids: [B, n], all real; picked: [B, n], True at m tokens -> logits [m, V]."""
        hidden = self.encoder(token_ids, torch.ones_like(picked)).hidden[picked]
        hidden = self.norm(self.activation(self.dense(hidden)))
        words = self.encoder.embeddings.word_embeddings.weight
        return functional.linear(hidden, words, self.bias)


def mask(token_ids: Tensor, special: Tensor, mask_id: int, vocab_size: int, share: float) -> tuple[Tensor, Tensor]:
    """The ids that the model sees and which of them were picked, both [B, n]; at least one is."""
    candidates = ~torch.isin(token_ids, special)
    picked = (torch.rand(token_ids.shape) < share) & candidates
    if not picked.any():
        picked = candidates
    draw = torch.rand(token_ids.shape)
    seen = token_ids.masked_fill(picked & (draw < 0.8), mask_id)
    swapped = picked & (draw >= 0.9)
    seen[swapped] = torch.randint(vocab_size, (int(swapped.sum()),))
    return seen, picked


class Pretrainer(TextTrainer):
    """Asks for the words behind masks."""

    part = "pretraining"
    kind = Pretraining
    options: Pretraining
    model: MaskedLanguageModel

    def make_model(self, init: Path | None) -> MaskedLanguageModel:
        """A new encoder under BERT's head."""
        assert init is None, "pretraining begins anew"
        model = MaskedLanguageModel(Synthesizer(self.config, self.options.dropout))
        if self.options.window_heads:
            start_with_windows(model.encoder)
        return model

    def encoder(self) -> Synthesizer:
        """Without the head."""
        return self.model.encoder

    def batches(self, lengths: NDArray[np.int64], rng: random.Random) -> Iterator[Rows]:
        """Pieces of one length together, so that nothing is padded."""
        return batches_of_one_length(lengths, self.options.batch_tokens, rng)

    def loss(self, rows: Rows) -> Tensor:
        """Cross-entropy of the picked tokens. Pieces of one length."""
        token_ids = self.texts.batch(rows)
        special = torch.tensor(self.tokenizer.prefix + self.tokenizer.suffix)
        mask_id = self.tokenizer.processor.unk_id()
        seen, picked = mask(token_ids, special, mask_id, self.config.vocab_size, self.options.picked)
        return functional.cross_entropy(self.model(seen, picked), token_ids[picked])


def pretrain(recipe_file: Path, *arguments: Any, **options: Any) -> Path:
    """train.texts.run_training with this objective."""
    return run_training(Pretrainer, recipe_file, *arguments, **options)


def main() -> None:
    """The command line."""
    command_line(Pretrainer, "train.pretrain", needs_init=False)


if __name__ == "__main__":
    main()
