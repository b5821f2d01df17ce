"""Pretrains an encoder on plain text as a masked language model (Devlin et al. 2019, section 3.1).

    python -m train.pretrain --recipe train/recipes/NAME.json --text FILE [--text FILE] --run RUN

Each --text holds one text a line, plain or .xz. RUN receives recipe.json, log.jsonl, last.pt (what
--resume continues from), tokens.npz (the texts as token ids) and, at the end, best/: a checkpoint
folder without a classifier, which `train.train --init` fine-tunes and synthserve serves for Encode.
Nothing but the recipe, the texts and the seed decides the result.

15 % of the tokens of a text are picked; of these 80 % become the mask, 10 % a random token, 10 % stay.
The loss is the cross-entropy of the picked tokens. The mask is <unk>: with byte fallback no text ever
holds it. A text longer than L tokens becomes several, so nothing is left out; a batch has texts of one
length, so nothing is padded. A run may be continued to another number of `tokens` than it was begun
with; the learning rate falls to 0 at the new one. One text in a hundred is held out, to measure the loss on.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from train.checkpoint import save_checkpoint
from train.config import ConfigError, SynthesizerConfig
from train.data import DataError, read_lines
from train.optimizer import make_optimizer, set_rate, warmup_cosine
from train.recipe import copy_tokenizer, fields_from_json, make_tokenizer, read_recipe
from train.run import (
    RECIPE,
    append_log,
    check_recipe,
    cut_log,
    load_state,
    open_run,
    save_state,
    write_recipe,
)
from train.synthesizer import ACTIVATIONS, Synthesizer
from train.tokenizer import FILE, Tokenizer, tokenizer_json
from train.windows import start_with_windows

TOKENS = "tokens.npz"  # of a run: the texts as token ids


@dataclass(frozen=True)
class Pretraining:
    """The `pretraining` part of a recipe."""

    tokens: int = 20_000_000  # to train on, repeated where the texts have fewer
    batch_tokens: int = 2048
    learning_rate: float = 1e-3  # the peak, after the warm-up; then a cosine down to 0
    warmup_steps: int = 500
    score_rate: float = 1.0  # learning rate of constant scores (R, R1, R2), times the others'
    position_rate: float = 1.0  # of position embeddings, likewise
    weight_decay: float = 0.01
    gradient_norm: float = 1.0
    dropout: float = 0.0
    window_heads: int = 0  # 1: heads begin as windows around each token (windows.py)
    picked: float = 0.15  # share of the tokens that the loss asks for
    log_steps: int = 250


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


def tokenize(texts: Sequence[str], tokenizer: Tokenizer, max_length: int) -> list[np.ndarray]:
    """Token ids of the texts, each cut into pieces of at most max_length with their special tokens.

    Pieces with fewer than 4 tokens of their own say nothing and are dropped.
    """
    room = max_length - len(tokenizer.prefix) - len(tokenizer.suffix)
    pieces = []
    for ids in tokenizer.processor.encode(list(texts)):
        for start in range(0, len(ids), room):
            part = ids[start : start + room]
            if len(part) >= 4:
                pieces.append(np.array(tokenizer.prefix + part + tokenizer.suffix, np.int32))
    return pieces


def batches_of_one_length(
    lengths: np.ndarray, batch_tokens: int, rng: random.Random
) -> Iterator[np.ndarray]:
    """Row numbers in batches of rows of the same length, of up to batch_tokens tokens, shuffled."""
    order = np.random.default_rng(rng.getrandbits(63)).permutation(len(lengths))
    order = order[np.argsort(lengths[order], kind="stable")]
    edges = np.flatnonzero(np.diff(lengths[order])) + 1
    batches = []
    for rows in np.split(order, edges):
        size = max(1, batch_tokens // int(lengths[rows[0]]))
        batches += [rows[i : i + size] for i in range(0, len(rows), size)]
    rng.shuffle(batches)
    return iter(batches)


def mask(
    token_ids: Tensor, special: Tensor, mask_id: int, vocab_size: int, share: float
) -> tuple[Tensor, Tensor]:
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


class Texts:
    """The texts as token ids, in pieces of at most L tokens: one array and where each piece ends."""

    def __init__(self, ids: np.ndarray, ends: np.ndarray) -> None:
        self.ids, self.ends = ids, ends
        self.starts = np.concatenate([[0], ends[:-1]])
        self.lengths = ends - self.starts

    @staticmethod
    def read(files: Sequence[Path], tokenizer: Tokenizer, max_length: int, cache: Path) -> "Texts":
        """Tokenizes the files, or reads what an earlier run of the same folder tokenized."""
        if not cache.is_file():
            pieces: list[np.ndarray] = []
            block: list[str] = []
            for file in files:
                for line in read_lines(file):
                    block.append(line)
                    if len(block) == 10_000:
                        pieces += tokenize(block, tokenizer, max_length)
                        block.clear()
            pieces += tokenize(block, tokenizer, max_length)
            if len(pieces) < 100:
                raise DataError(f"{files[0]}: {len(pieces)} texts, expected 100 or more")
            ends = np.cumsum([len(piece) for piece in pieces])
            np.savez(cache, ids=np.concatenate(pieces), ends=ends)
        with np.load(cache) as stored:
            return Texts(stored["ids"], stored["ends"])

    def batch(self, rows: np.ndarray) -> Tensor:
        """Pieces of one length: [B, n]."""
        pieces = [self.ids[self.starts[row] : self.ends[row]] for row in rows]
        return torch.from_numpy(np.stack(pieces).astype(np.int64))


class Pretrainer:
    """One run. The randomness of a pass comes from (seed, pass), of a step from (seed, step)."""

    def __init__(
        self, recipe: dict[str, Any], files: Sequence[Path], run: Path, seed: int
    ) -> None:
        self.recipe, self.run, self.seed = recipe, run, seed
        self.options = fields_from_json(Pretraining, recipe["pretraining"], "pretraining")
        texts = (line for file in files for line in read_lines(file))
        self.tokenizer = make_tokenizer(recipe["tokenizer"], texts, run)
        self.config = SynthesizerConfig.from_json(
            {
                **recipe["model"],
                "model_type": "synthesizer",
                "vocab_size": self.tokenizer.vocab_size,
                "tokenizer": tokenizer_json(),
            }
        )
        length = self.config.max_position_embeddings
        self.texts = Texts.read(files, self.tokenizer, length, run / TOKENS)
        held_out = np.arange(len(self.texts.ends)) % 100 == 99
        self.train_rows, self.dev_rows = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        processor = self.tokenizer.processor
        self.mask_id = processor.unk_id()
        self.special = torch.tensor(self.tokenizer.prefix + self.tokenizer.suffix)
        torch.manual_seed(seed)
        self.model = MaskedLanguageModel(Synthesizer(self.config, self.options.dropout))
        if self.options.window_heads:
            start_with_windows(self.model.encoder)
        self.optimizer = make_optimizer(
            self.model,
            self.options.learning_rate,
            self.options.weight_decay,
            self.options.score_rate,
            self.options.position_rate,
        )
        self.step = self.tokens = self.passes = self.batches_done = 0
        self.seconds = 0.0

    def resume(self) -> None:
        """Continues from RUN/last.pt."""
        state = load_state(self.run, self.seed)
        begun = read_recipe(self.run / RECIPE, "pretraining")
        begun["pretraining"]["tokens"] = self.recipe["pretraining"].get("tokens")
        check_recipe(self.run, begun, self.recipe)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name in ("step", "tokens", "passes", "batches_done", "seconds"):
            setattr(self, name, state[name])
        cut_log(self.run, lambda entry: entry["step"] <= self.step)

    def fit(self, max_steps: int) -> None:
        """Trains to the recipe's end and writes RUN/best, or stops after max_steps steps in all."""
        options = self.options
        total, loss_sum = 0, 0.0
        started = time.monotonic()
        while self.tokens < options.tokens:
            batches = list(self._pass(self.train_rows, f"{self.seed}/{self.passes}"))
            for rows in batches[self.batches_done :]:
                loss_sum += self._one_step(rows)
                total += 1
                self.batches_done += 1
                done = self.tokens >= options.tokens or self.step >= max_steps
                if self.step % options.log_steps == 0 or done:
                    self.seconds += time.monotonic() - started
                    self._log(loss_sum / total)
                    total, loss_sum = 0, 0.0
                    started = time.monotonic()
                if done:
                    break
            else:
                self.passes, self.batches_done = self.passes + 1, 0
            if self.step >= max_steps:
                return
        save_checkpoint(self.run / "best", self.model.encoder)
        copy_tokenizer(self.run, self.run / "best")

    def _pass(self, rows: np.ndarray, name: str) -> Iterator[np.ndarray]:
        rng = random.Random(name)
        lengths = self.texts.lengths[rows]
        for batch in batches_of_one_length(lengths, self.options.batch_tokens, rng):
            yield rows[batch]

    def _loss(self, rows: np.ndarray) -> Tensor:
        token_ids = self.texts.batch(rows)
        seen, picked = mask(
            token_ids, self.special, self.mask_id, self.config.vocab_size, self.options.picked
        )
        return functional.cross_entropy(self.model(seen, picked), token_ids[picked])

    def _one_step(self, rows: np.ndarray) -> float:
        torch.manual_seed(random.Random(f"{self.seed}/step/{self.step}").getrandbits(63))
        self.model.train()
        options = self.options
        # Steps are of unequal size, so the schedule counts tokens.
        rate = warmup_cosine(
            options.learning_rate,
            self.tokens + 1,
            options.warmup_steps * options.batch_tokens,
            options.tokens,
        )
        set_rate(self.optimizer, rate)
        loss = self._loss(rows)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), options.gradient_norm)
        self.optimizer.step()
        self.step += 1
        self.tokens += int(self.texts.lengths[rows].sum())
        return loss.item()

    @torch.no_grad()
    def dev_loss(self, batches: int = 40) -> float:
        """The mean loss over batches of held-out texts, masked the same way each time."""
        self.model.eval()
        torch.manual_seed(0)
        rows = list(self._pass(self.dev_rows, "dev"))[:batches]
        return sum(self._loss(batch).item() for batch in rows) / len(rows)

    def _log(self, loss: float) -> None:
        entry = {
            "step": self.step,
            "tokens": self.tokens,
            "train_loss": round(loss, 4),
            "dev_loss": round(self.dev_loss(), 4),
            "seconds": round(self.seconds, 1),
        }
        append_log(self.run, entry)
        print(json.dumps(entry), flush=True)
        self._save_last()

    def _save_last(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            **{
                name: getattr(self, name)
                for name in ("seed", "step", "tokens", "passes", "batches_done", "seconds")
            },
        }
        save_state(self.run, state)


def pretrain(
    recipe_file: Path,
    files: Sequence[Path],
    run: Path,
    seed: int,
    resume: bool = False,
    max_steps: int = sys.maxsize,
) -> Path:
    """Pretrains into the folder `run`; returns the checkpoint folder."""
    recipe = read_recipe(recipe_file, "pretraining")
    open_run(run, resume, leftovers=[FILE, TOKENS])
    trainer = Pretrainer(recipe, files, run, seed)
    if resume:
        trainer.resume()
    else:
        write_recipe(run, recipe)
    trainer.fit(max_steps)
    return run / "best"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="train.pretrain", description="Pretrains from a recipe.")
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--text", type=Path, action="append", required=True, help="a text a line")
    parser.add_argument("--run", type=Path, required=True, help="folder for logs and checkpoints")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="continue from RUN/last.pt")
    parser.add_argument("--max-steps", type=int, default=sys.maxsize, help="stop after as many")
    arguments = parser.parse_args()
    try:
        best = pretrain(
            arguments.recipe,
            arguments.text,
            arguments.run,
            arguments.seed,
            arguments.resume,
            arguments.max_steps,
        )
    except (ConfigError, DataError, FileNotFoundError) as error:
        sys.exit(f"train.pretrain: {error}")
    print(best)


if __name__ == "__main__":
    main()
