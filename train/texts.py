"""Training on plain text: texts as token ids, and a run over so many of them.

What is asked of the model is the part of train.pretrain (a masked language model) and of
train.contrast (texts that lie near each other).
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from train.checkpoint import CheckpointError, save_checkpoint
from train.config import ConfigError
from train.data import DataError, read_lines
from train.optimizer import make_optimizer, set_rate, warmup_cosine
from train.recipe import (
    copy_tokenizer,
    fields_from_json,
    make_config,
    make_tokenizer,
    read_recipe,
)
from train.run import (
    RECIPE,
    append_log,
    begin,
    check_recipe,
    cut_log,
    load_state,
    open_run,
    save_state,
)
from train.synthesizer import Synthesizer
from train.tokenizer import FILE, Tokenizer

TOKENS = "tokens.npz"  # of a run: the texts as token ids

Ids = NDArray[np.int32]  # token ids: [n]
Rows = NDArray[np.int64]  # numbers of pieces


@dataclass(frozen=True)
class TextTraining:
    """What the recipes of every objective say."""

    tokens: int = 20_000_000  # to train on, repeated where the texts have fewer
    learning_rate: float = 1e-3  # the peak, after the warm-up; then a cosine down to 0
    warmup_steps: int = 500
    score_rate: float = 1.0  # learning rate of constant scores (R, R1, R2), times the others'
    position_rate: float = 1.0  # of position embeddings, likewise
    weight_decay: float = 0.01
    gradient_norm: float = 1.0
    dropout: float = 0.0
    log_steps: int = 250

    @property
    def step_tokens(self) -> int:
        """Tokens of a step, about; what warmup_steps are counted in."""
        raise NotImplementedError


def tokenize(texts: Sequence[str], tokenizer: Tokenizer, max_length: int) -> list[list[Ids]]:
    """For each text its pieces: token ids, at most max_length, with their special tokens.

    Pieces with fewer than 4 tokens of their own say nothing and are dropped.
    """
    room = max_length - len(tokenizer.prefix) - len(tokenizer.suffix)
    texts_pieces = []
    for ids in tokenizer.processor.encode(list(texts)):
        pieces = []
        for start in range(0, len(ids), room):
            part = ids[start : start + room]
            if len(part) >= 4:
                pieces.append(np.array(tokenizer.prefix + part + tokenizer.suffix, np.int32))
        texts_pieces.append(pieces)
    return texts_pieces


def batches_of_one_length(lengths: NDArray[np.int64], batch_tokens: int, rng: random.Random) -> Iterator[Rows]:
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


class Texts:
    """The texts as token ids, in pieces of at most L tokens: one array, where each piece ends, and of
    which text it is."""

    def __init__(self, ids: Ids, ends: NDArray[np.int64], numbers: NDArray[np.int64]) -> None:
        self.ids, self.ends, self.numbers = ids, ends, numbers
        self.starts = np.concatenate([[0], ends[:-1]])
        self.lengths = ends - self.starts

    @staticmethod
    def read(files: Sequence[Path], tokenizer: Tokenizer, max_length: int, cache: Path) -> Texts:
        """Tokenizes the files, or reads what an earlier run of the same folder tokenized."""
        if not cache.is_file():
            lines = (line for file in files for line in read_lines(file))
            texts: list[list[Ids]] = []
            while block := list(itertools.islice(lines, 10_000)):
                texts += tokenize(block, tokenizer, max_length)
            if len(texts) < 100:
                raise DataError(f"{files[0]}: {len(texts)} texts, expected 100 or more")
            pieces = [piece for text in texts for piece in text]
            np.savez(
                cache,
                ids=np.concatenate(pieces),
                ends=np.cumsum([len(piece) for piece in pieces]),
                numbers=np.repeat(np.arange(len(texts)), [len(text) for text in texts]),
            )
        with np.load(cache) as stored:
            return Texts(stored["ids"], stored["ends"], stored["numbers"])

    def batch(self, rows: Rows) -> Tensor:
        """Pieces of one length: [B, n]."""
        return torch.from_numpy(np.stack([self.piece(row) for row in rows]).astype(np.int64))

    def piece(self, row: int) -> Ids:
        """The token ids of a piece, the special ones included: [n]."""
        return self.ids[self.starts[row] : self.ends[row]]


class TextTrainer:
    """One run. The randomness of a pass comes from (seed, pass), of a step from (seed, step).

    An objective says `part` (the key of its options in a recipe), `kind` (their type), make_model,
    encoder, batches, loss and, where it does not show the model all of a piece, tokens_of.
    """

    part: ClassVar[str]
    kind: ClassVar[type[TextTraining]]

    def __init__(
        self,
        recipe: dict[str, Any],
        files: Sequence[Path],
        run: Path,
        seed: int,
        init: Path | None = None,
    ) -> None:
        self.recipe, self.run, self.seed = recipe, run, seed
        self.options = fields_from_json(self.kind, recipe[self.part], self.part)
        texts = (line for file in files for line in read_lines(file))
        vocabulary = recipe["tokenizer"] if init is None else {"file": init / FILE}
        self.tokenizer = make_tokenizer(vocabulary, texts, run)
        self.config = make_config(recipe["model"], self.tokenizer.vocab_size)
        length = self.config.max_position_embeddings
        self.texts = Texts.read(files, self.tokenizer, length, run / TOKENS)
        held_out = self.texts.numbers % 100 == 99
        self.train_rows, self.dev_rows = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        torch.manual_seed(seed)
        self.model = self.make_model(init)
        self.optimizer = make_optimizer(
            self.model,
            self.options.learning_rate,
            self.options.weight_decay,
            self.options.score_rate,
            self.options.position_rate,
        )
        self.step = self.tokens = self.passes = self.batches_done = 0
        self.seconds = 0.0

    def make_model(self, init: Path | None) -> nn.Module:
        """The module to train: new, or with the encoder of the folder `init`."""
        raise NotImplementedError

    def encoder(self) -> Synthesizer:
        """The part of the model that is kept."""
        raise NotImplementedError

    def loss(self, rows: Rows) -> Tensor:
        """Of the pieces with these numbers. Its randomness is torch's."""
        raise NotImplementedError

    def batches(self, lengths: NDArray[np.int64], rng: random.Random) -> Iterator[Rows]:
        """Row numbers of pieces of these lengths, none twice."""
        raise NotImplementedError

    def tokens_of(self, rows: Rows) -> int:
        """How many tokens of these pieces the model sees in a step."""
        return int(self.texts.lengths[rows].sum())

    def resume(self) -> None:
        """Continues from RUN/last.pt."""
        state = load_state(self.run, self.seed)
        begun = read_recipe(self.run / RECIPE, self.part)
        check_recipe(self.run, self._but_tokens(begun), self._but_tokens(self.recipe))
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name in ("step", "tokens", "passes", "batches_done", "seconds"):
            setattr(self, name, state[name])
        cut_log(self.run, lambda entry: entry["step"] <= self.step)

    def _but_tokens(self, recipe: dict[str, Any]) -> dict[str, Any]:
        """The recipe without the one number that may change."""
        options = {key: value for key, value in recipe[self.part].items() if key != "tokens"}
        return {**recipe, self.part: options}

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
            if self.step >= max_steps and self.tokens < options.tokens:
                return
        save_checkpoint(self.run / "best", self.encoder())
        copy_tokenizer(self.run, self.run / "best")

    def _pass(self, rows: Rows, name: str) -> Iterator[Rows]:
        rng = random.Random(name)
        lengths = self.texts.lengths[rows]
        for batch in self.batches(lengths, rng):
            yield rows[batch]

    def _one_step(self, rows: Rows) -> float:
        torch.manual_seed(random.Random(f"{self.seed}/step/{self.step}").getrandbits(63))
        self.model.train()
        options = self.options
        # Steps are of unequal size, so the schedule counts tokens.
        rate = warmup_cosine(
            options.learning_rate,
            self.tokens + 1,
            options.warmup_steps * options.step_tokens,
            options.tokens,
        )
        set_rate(self.optimizer, rate)
        loss = self.loss(rows)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), options.gradient_norm)
        self.optimizer.step()
        self.step += 1
        self.tokens += self.tokens_of(rows)
        return loss.item()

    @torch.no_grad()
    def dev_loss(self, batches: int = 40) -> float:
        """The mean loss over batches of held-out texts, drawn the same way each time."""
        self.model.eval()
        torch.manual_seed(0)
        rows = list(self._pass(self.dev_rows, "dev"))[:batches]
        return sum(self.loss(batch).item() for batch in rows) / len(rows)

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
            **{name: getattr(self, name) for name in ("seed", "step", "tokens", "passes", "batches_done", "seconds")},
        }
        save_state(self.run, state)


def run_training(
    trainer_type: type[TextTrainer],
    recipe_file: Path,
    files: Sequence[Path],
    run: Path,
    seed: int,
    resume: bool = False,
    max_steps: int = sys.maxsize,
    init: Path | None = None,
) -> Path:
    """Trains into the folder `run`; returns the checkpoint folder, not there after max_steps."""
    recipe = read_recipe(recipe_file, trainer_type.part)
    open_run(run, resume, leftovers=[FILE, TOKENS])
    trainer = trainer_type(recipe, files, run, seed, init)
    begin(trainer, resume)
    trainer.fit(max_steps)
    return run / "best"


def command_line(trainer_type: type[TextTrainer], prog: str, needs_init: bool) -> None:
    """The command line of an objective."""
    parser = argparse.ArgumentParser(prog=prog, description="Trains on plain text from a recipe.")
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--text", type=Path, action="append", required=True, help="a text a line")
    parser.add_argument("--run", type=Path, required=True, help="folder for logs and checkpoints")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="continue from RUN/last.pt")
    parser.add_argument("--max-steps", type=int, default=sys.maxsize, help="stop after as many")
    if needs_init:
        parser.add_argument("--init", type=Path, required=True, help="the checkpoint to begin with")
    arguments = parser.parse_args()
    try:
        best = run_training(
            trainer_type,
            arguments.recipe,
            arguments.text,
            arguments.run,
            arguments.seed,
            arguments.resume,
            arguments.max_steps,
            arguments.init if needs_init else None,
        )
    except (CheckpointError, ConfigError, DataError, FileNotFoundError) as error:
        sys.exit(f"{prog}: {error}")
    print(best if best.is_dir() else f"{arguments.run}: continue it with --resume")
