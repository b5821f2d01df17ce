"""Trains a text classifier with Synthesizer attention from a recipe.

    python -m train.train --recipe train/recipes/NAME.json --data FOLDER --run RUN --seed 1
    python -m train.train --recipe ... --data FOLDER --run RUN --init PRETRAINED

FOLDER holds train.tsv, dev.tsv (either may be .tsv.xz) and labels.txt. RUN receives recipe.json,
log.jsonl, last.pt (what --resume continues from) and best/, a checkpoint folder in F32 with the
weights of the best epoch on dev. With --init the vocabulary and all weights but the classifier's
begin as those of PRETRAINED, a folder of train.pretrain. Nothing but the recipe, that folder, the
data and the seed decides the result, so a resumed run ends where an uninterrupted one does.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from train.checkpoint import CheckpointError, initialize, save_checkpoint
from train.config import ConfigError
from train.data import DataError, batches_by_length, find, read_labels, read_tsv, targets
from train.optimizer import make_optimizer, set_rate, warmup_cosine
from train.predict import accuracy, predict
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
from train.synthesizer import Synthesizer, pad_batch
from train.tokenizer import FILE
from train.windows import start_with_windows


@dataclass(frozen=True)
class Training:
    """The `training` part of a recipe."""

    epochs: int = 30
    patience: int = 10  # epochs without a better dev accuracy before the run ends
    batch_size: int = 64
    learning_rate: float = 1e-3  # the peak, after the warm-up; then a cosine down to 0
    warmup_epochs: float = 2.0
    score_rate: float = 1.0  # learning rate of constant scores (R, R1, R2), times the others'
    weight_decay: float = 0.01  # on matrices, not on biases, norms or learned scores
    gradient_norm: float = 1.0
    dropout: float = 0.1
    label_smoothing: float = 0.0
    # 1: texts of more than L tokens show a random window each epoch, and dev reads all their windows
    sliding_windows: int = 0
    window_heads: int = 0  # 1: without --init, heads begin as windows around each token (windows.py)
    token_dropout: float = 0.0  # share of the tokens of a text that are left out
    subword_alpha: float = 0.0  # sharpness of sampled segmentations, 0: always the best one
    r_drop: float = 0.0  # weight of the divergence between two dropout passes (Liang et al. 2021)
    average_decay: float = 0.0  # of the exponential moving average of the weights, 0: none


def loss_of(logits: Tensor, wanted: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy for class numbers [B], binary cross-entropy for marks [B, C]."""
    if wanted.dim() == 2:
        marks = wanted * (1.0 - smoothing) + 0.5 * smoothing
        return functional.binary_cross_entropy_with_logits(logits, marks)
    return functional.cross_entropy(logits, wanted, label_smoothing=smoothing)


def divergence(first: Tensor, second: Tensor) -> Tensor:
    """(KL(p||q) + KL(q||p)) / 2 of softmax(first), softmax(second), the mean over rows."""
    log_p, log_q = (functional.log_softmax(logits, dim=1) for logits in (first, second))
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(dim=1).mean() / 2


class Trainer:
    """One run. All randomness of an epoch comes from (seed, epoch), which makes resuming exact."""

    def __init__(
        self,
        recipe: dict[str, Any],
        data: Path,
        run: Path,
        seed: int,
        init: Path | None = None,
    ) -> None:
        self.recipe = recipe
        self.options = fields_from_json(Training, recipe["training"], "training")
        self.run = run
        self.seed = seed
        problem = recipe["model"].get("problem_type", "")
        multi_label = problem == "multi_label_classification"
        if multi_label and self.options.r_drop > 0:
            raise ConfigError("training.r_drop: for single-label data only")
        train_file, dev_file = find(data, "train.tsv"), find(data, "dev.tsv")
        self.train, dev = (read_tsv(path, multi_label) for path in (train_file, dev_file))
        classes = read_labels(data, self.train)
        options = recipe["tokenizer"] if init is None else {"file": init / FILE}
        self.tokenizer = make_tokenizer(options, (example.text for example in self.train), run)
        config = make_config(recipe["model"], self.tokenizer.vocab_size, classes)
        self.max_length = config.max_position_embeddings
        self.wanted = targets(self.train, classes, train_file, multi_label)
        self.dev_wanted = targets(dev, classes, dev_file, multi_label)
        self.dev_texts = self.tokenizer.pieces(
            (item.text for item in dev), self.max_length, self.options.sliding_windows > 0
        )
        torch.manual_seed(seed)
        self.model = Synthesizer(config, self.options.dropout)
        if init is not None:
            initialize(self.model, init)
        elif self.options.window_heads:
            start_with_windows(self.model)
        self.average = copy.deepcopy(self.model).eval()
        self.optimizer = make_optimizer(
            self.model,
            self.options.learning_rate,
            self.options.weight_decay,
            self.options.score_rate,
        )
        self.epoch = 0
        self.step = 0
        self.best = {"epoch": 0, "dev_accuracy": -1.0}

    def resume(self) -> None:
        """Continues from RUN/last.pt."""
        state = load_state(self.run, self.seed)
        check_recipe(self.run, read_recipe(self.run / RECIPE, "training"), self.recipe)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.step, self.best = state["epoch"], state["step"], state["best"]
        cut_log(self.run, lambda entry: entry["epoch"] <= self.epoch)

    def fit(self, max_epochs: int) -> None:
        """Trains until the recipe's end, early stopping, or max_epochs epochs in all."""
        while self.epoch < min(self.options.epochs, max_epochs):
            if self.epoch - self.best["epoch"] >= self.options.patience:
                break
            self._one_epoch()

    def _one_epoch(self) -> None:
        started = time.monotonic()
        rng = random.Random(f"{self.seed}/{self.epoch}")
        torch.manual_seed(rng.getrandbits(63))
        texts = [self._augment(example.text, rng) for example in self.train]
        batches = list(batches_by_length([len(ids) for ids in texts], self.options.batch_size, rng))
        self.model.train()
        total = 0.0
        for i, rows in enumerate(tqdm(batches, desc=f"epoch {self.epoch + 1}", mininterval=5)):
            rate = warmup_cosine(
                self.options.learning_rate,
                self.epoch + (i + 1) / len(batches),
                self.options.warmup_epochs,
                self.options.epochs,
            )
            total += self._one_step([texts[row] for row in rows], self.wanted[rows], rate)
        self.epoch += 1
        train_seconds = time.monotonic() - started
        dev = accuracy(predict(self.average, self.dev_texts), self.dev_wanted)
        if dev > self.best["dev_accuracy"]:
            self.best = {"epoch": self.epoch, "dev_accuracy": dev}
            self._save_best()
        entry = {
            "epoch": self.epoch,
            "train_loss": round(total / len(batches), 4),
            "dev_accuracy": round(dev, 4),
            "best_dev_accuracy": round(self.best["dev_accuracy"], 4),
            "tokens": sum(map(len, texts)),
            "train_seconds": round(train_seconds, 3),
            "seconds": round(time.monotonic() - started, 1),
        }
        append_log(self.run, entry)
        self._save_last()

    def _one_step(self, texts: list[list[int]], wanted: Tensor, rate: float) -> float:
        loss, penalty = self._losses(*pad_batch(texts), wanted)
        set_rate(self.optimizer, rate)
        self.optimizer.zero_grad()
        (loss + penalty).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.options.gradient_norm)
        self.optimizer.step()
        self.step += 1
        self._update_average()
        return loss.item()

    def _losses(self, token_ids: Tensor, mask: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """The loss, which is logged, and R-Drop's penalty on top of it."""
        smoothing, r_drop = self.options.label_smoothing, self.options.r_drop
        if r_drop == 0:
            loss = loss_of(self.model(token_ids, mask).logits, wanted, smoothing)
            return loss, torch.zeros(())
        logits = self.model(token_ids.repeat(2, 1), mask.repeat(2, 1)).logits
        first, second = logits.chunk(2)  # the same texts under two dropout masks
        loss = (loss_of(first, wanted, smoothing) + loss_of(second, wanted, smoothing)) / 2
        return loss, r_drop * divergence(first, second)

    @torch.no_grad()
    def _update_average(self) -> None:
        """average <- decay average + (1 - decay) weights, with a shorter memory at first."""
        decay = min(self.options.average_decay, (1 + self.step) / (10 + self.step))
        for kept, new in zip(self.average.parameters(), self.model.parameters()):
            kept.lerp_(new, 1.0 - decay)

    def _augment(self, text: str, rng: random.Random) -> list[int]:
        length = None if self.options.sliding_windows else self.max_length
        if self.options.subword_alpha > 0:
            ids = self.tokenizer.sample(text, length, self.options.subword_alpha, rng)
        else:
            ids = self.tokenizer.encode(text, length)
        if self.options.sliding_windows:
            ids = self.tokenizer.any_window(ids, self.max_length, rng)
        if self.options.token_dropout > 0:
            kept = [token for token in ids if rng.random() >= self.options.token_dropout]
            ids = kept or ids
        return ids

    def _save_best(self) -> None:
        save_checkpoint(self.run / "best", self.average)
        copy_tokenizer(self.run, self.run / "best")

    def _save_last(self) -> None:
        state = {
            "seed": self.seed,
            "epoch": self.epoch,
            "step": self.step,
            "best": self.best,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        save_state(self.run, state)


def train(
    recipe_file: Path,
    data: Path,
    run: Path,
    seed: int,
    resume: bool = False,
    max_epochs: int = sys.maxsize,
    init: Path | None = None,
) -> dict[str, Any]:
    """Trains into the folder `run`; returns the best epoch and its dev accuracy."""
    recipe = read_recipe(recipe_file, "training")
    open_run(run, resume, leftovers=[FILE])
    trainer = Trainer(recipe, data, run, seed, init)
    begin(trainer, resume)
    trainer.fit(max_epochs)
    return trainer.best


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="train.train", description="Trains from a recipe.")
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="train, dev and labels.txt")
    parser.add_argument("--run", type=Path, required=True, help="folder for logs and checkpoints")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="continue from RUN/last.pt")
    parser.add_argument("--init", type=Path, help="a pretrained checkpoint folder to start from")
    parser.add_argument("--max-epochs", type=int, default=sys.maxsize, help="stop after as many")
    arguments = parser.parse_args()
    try:
        best = train(
            arguments.recipe,
            arguments.data,
            arguments.run,
            arguments.seed,
            arguments.resume,
            arguments.max_epochs,
            arguments.init,
        )
    except (CheckpointError, ConfigError, DataError, FileNotFoundError) as error:
        sys.exit(f"train.train: {error}")
    print(json.dumps(best))


if __name__ == "__main__":
    main()
