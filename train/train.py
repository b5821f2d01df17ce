"""Trains a text classifier with Synthesizer attention from a recipe.

    python -m train.train --recipe train/recipes/NAME.json --data FOLDER --run RUN --seed 1

FOLDER holds train.tsv, dev.tsv (either may be .tsv.xz) and labels.txt. RUN receives recipe.json,
log.jsonl, last.pt (what --resume continues from) and best/, a checkpoint folder in F32 with the
weights of the best epoch on dev. Nothing but the recipe, the data and the seed decides the
result, so a resumed run ends where an uninterrupted one does.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import shutil
import sys
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from train.checkpoint import save_checkpoint
from train.config import ConfigError, SynthesizerConfig
from train.data import DataError, Example, batches_by_length, find, read_labels, read_tsv, targets
from train.predict import accuracy, predict
from train.synthesizer import Synthesizer, pad_batch
from train.tokenizer import FILE, Tokenizer, tokenizer_json, train_vocabulary


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
    token_dropout: float = 0.0  # share of the tokens of a text that are left out
    subword_alpha: float = 0.0  # sharpness of sampled segmentations, 0: always the best one
    r_drop: float = 0.0  # weight of the divergence between two dropout passes (Liang et al. 2021)
    average_decay: float = 0.0  # of the exponential moving average of the weights, 0: none

    @staticmethod
    def from_json(data: dict[str, Any]) -> "Training":
        """Unknown keys are errors: a misspelt one would train something else."""
        known = {item.name: item.type for item in fields(Training)}
        for key, value in data.items():
            if key not in known:
                raise ConfigError(f"training.{key}: unknown, expected one of {', '.join(known)}")
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
                raise ConfigError(f"training.{key}: expected a number of 0 or more, got {value!r}")
        return Training(**data)


def read_recipe(path: Path) -> dict[str, Any]:
    """A recipe: `model` (config.json's keys), `tokenizer` and `training`."""
    try:
        recipe = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    for key in ("model", "tokenizer", "training"):
        if not isinstance(recipe.get(key), dict):
            raise ConfigError(f"{path}: expected an object under {key}")
    return recipe


def make_tokenizer(
    options: dict[str, Any], train: Sequence[Example], run: Path
) -> Tokenizer:
    """RUN/tokenizer.model: kept if there, else copied from `file`, else trained."""
    path = run / FILE
    if not path.is_file():
        if "file" in options:
            shutil.copyfile(options["file"], path)
        elif "vocab_size" in options:
            train_vocabulary((example.text for example in train), options["vocab_size"], path)
        else:
            raise ConfigError("tokenizer: expected file or vocab_size")
    data = tokenizer_json()
    return Tokenizer(path, data["cls_token"], data["sep_token"])


def make_config(
    model: dict[str, Any], tokenizer: Tokenizer, classes: Sequence[str]
) -> SynthesizerConfig:
    """The recipe's model with the vocabulary and the classes of the data."""
    return SynthesizerConfig.from_json(
        {
            **model,
            "model_type": "synthesizer",
            "vocab_size": tokenizer.vocab_size,
            "id2label": {str(i): label for i, label in enumerate(classes)},
            "tokenizer": tokenizer_json(),
        }
    )


def make_optimizer(model: Synthesizer, options: Training) -> torch.optim.Optimizer:
    """AdamW in three groups.

    Weight decay is for the matrices of linear layers and word embeddings only. The constants of
    random and factorized_random scores have no input to scale their gradients and get a learning
    rate of their own: `scale` times the rate of the others.
    """
    groups: dict[str, list[nn.Parameter]] = {"matrices": [], "scores": [], "others": []}
    for name, parameter in model.named_parameters():
        leaf = name.rsplit(".", 1)[-1]
        if leaf in ("r", "r1", "r2"):
            groups["scores"].append(parameter)
        elif leaf == "weight" and "LayerNorm" not in name and "position" not in name:
            groups["matrices"].append(parameter)
        else:
            groups["others"].append(parameter)
    return torch.optim.AdamW(
        [
            {"params": groups["matrices"], "weight_decay": options.weight_decay, "scale": 1.0},
            {"params": groups["scores"], "weight_decay": 0.0, "scale": options.score_rate},
            {"params": groups["others"], "weight_decay": 0.0, "scale": 1.0},
        ],
        lr=options.learning_rate,
        betas=(0.9, 0.98),
    )


def learning_rate(options: Training, progress: float) -> float:
    """The rate after `progress` epochs: a linear warm-up, then half a cosine down to 0."""
    if progress < options.warmup_epochs:
        return options.learning_rate * progress / options.warmup_epochs
    rest = (progress - options.warmup_epochs) / max(options.epochs - options.warmup_epochs, 1e-9)
    return options.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(rest, 1.0)))


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

    def __init__(self, recipe: dict[str, Any], data: Path, run: Path, seed: int) -> None:
        self.recipe = recipe
        self.options = Training.from_json(recipe["training"])
        self.run = run
        self.seed = seed
        problem = recipe["model"].get("problem_type", "")
        multi_label = problem == "multi_label_classification"
        if multi_label and self.options.r_drop > 0:
            raise ConfigError("training.r_drop: for single-label data only")
        train_file, dev_file = find(data, "train.tsv"), find(data, "dev.tsv")
        self.train, dev = (read_tsv(path, multi_label) for path in (train_file, dev_file))
        classes = read_labels(data, self.train)
        self.tokenizer = make_tokenizer(recipe["tokenizer"], self.train, run)
        config = make_config(recipe["model"], self.tokenizer, classes)
        self.max_length = config.max_position_embeddings
        self.wanted = targets(self.train, classes, train_file, multi_label)
        self.dev_wanted = targets(dev, classes, dev_file, multi_label)
        self.dev_texts = [self.tokenizer.encode(item.text, self.max_length) for item in dev]
        torch.manual_seed(seed)
        self.model = Synthesizer(config, self.options.dropout)
        self.average = copy.deepcopy(self.model).eval()
        self.optimizer = make_optimizer(self.model, self.options)
        self.epoch = 0
        self.step = 0
        self.best = {"epoch": 0, "dev_accuracy": -1.0}

    def resume(self) -> None:
        """Continues from RUN/last.pt."""
        path = self.run / "last.pt"
        if not path.is_file():
            raise ConfigError(f"{path}: nothing to resume")
        state = torch.load(path, map_location="cpu")
        if read_recipe(self.run / "recipe.json") != self.recipe:
            raise ConfigError(f"{self.run}: was begun with another recipe, see its recipe.json")
        if state["seed"] != self.seed:
            raise ConfigError(f"{path}: was begun with --seed {state['seed']}")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.step, self.best = state["epoch"], state["step"], state["best"]
        log = self.run / "log.jsonl"
        lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
        log.write_text("".join(lines[: self.epoch]), encoding="utf-8")

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
        batches = list(
            batches_by_length([len(ids) for ids in texts], self.options.batch_size, rng)
        )
        self.model.train()
        total = 0.0
        for i, rows in enumerate(tqdm(batches, desc=f"epoch {self.epoch + 1}", mininterval=5)):
            rate = learning_rate(self.options, self.epoch + (i + 1) / len(batches))
            total += self._one_step([texts[row] for row in rows], self.wanted[rows], rate)
        self.epoch += 1
        dev = accuracy(predict(self.average, self.dev_texts), self.dev_wanted)
        if dev > self.best["dev_accuracy"]:
            self.best = {"epoch": self.epoch, "dev_accuracy": dev}
            self._save_best()
        entry = {
            "epoch": self.epoch,
            "train_loss": round(total / len(batches), 4),
            "dev_accuracy": round(dev, 4),
            "best_dev_accuracy": round(self.best["dev_accuracy"], 4),
            "seconds": round(time.monotonic() - started, 1),
        }
        with open(self.run / "log.jsonl", "a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")
        self._save_last()

    def _one_step(self, texts: list[list[int]], wanted: Tensor, rate: float) -> float:
        loss, penalty = self._losses(*pad_batch(texts), wanted)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
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
        if self.options.subword_alpha > 0:
            ids = self.tokenizer.sample(text, self.max_length, self.options.subword_alpha, rng)
        else:
            ids = self.tokenizer.encode(text, self.max_length)
        if self.options.token_dropout > 0:
            kept = [token for token in ids if rng.random() >= self.options.token_dropout]
            ids = kept or ids
        return ids

    def _save_best(self) -> None:
        save_checkpoint(self.run / "best", self.average)
        shutil.copyfile(self.run / FILE, self.run / "best" / FILE)

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
        partial = self.run / "last.pt.partial"
        torch.save(state, partial)
        partial.replace(self.run / "last.pt")


def train(
    recipe_file: Path,
    data: Path,
    run: Path,
    seed: int,
    resume: bool = False,
    max_epochs: int = sys.maxsize,
) -> dict[str, Any]:
    """Trains into the folder `run`; returns the best epoch and its dev accuracy."""
    recipe = read_recipe(recipe_file)
    run.mkdir(parents=True, exist_ok=True)
    if not resume and (run / "log.jsonl").exists():
        raise ConfigError(f"{run}: holds a run already; continue it with --resume")
    if not resume:
        (run / FILE).unlink(missing_ok=True)  # of a run that failed before its first epoch
    trainer = Trainer(recipe, data, run, seed)
    if resume:
        trainer.resume()
    else:
        (run / "recipe.json").write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")
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
        )
    except (ConfigError, DataError, FileNotFoundError) as error:
        sys.exit(f"train.train: {error}")
    print(json.dumps(best))


if __name__ == "__main__":
    main()
