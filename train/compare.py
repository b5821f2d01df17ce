"""Trains every attention variant on every data set under one budget, and keeps the results.

    python -m train.compare --recipe train/recipes/comparison.json --data DATA --runs RUNS \
        --results docs/results/comparison.jsonl [--datasets trec] [--variants dense] [--shard 0/2]

The recipe names the model's sizes, the variants, and for each data set its folder in DATA, its
files, vocabulary, positions, seeds and training options. RESULTS gets one line a run: its data
set, variant and seed, the epochs' losses and dev accuracies, the test accuracy of the epoch that
was best on dev, scored once, and what its mixtures learned. A run that is there already is left
out, one that was cut off is continued, and shards (this one of so many) may run side by side. RUNS
holds what is not kept: vocabularies and weights.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from train.checkpoint import load_checkpoint
from train.config import ConfigError
from train.data import DataError, find, read_lines, read_tsv, write_tsv
from train.evaluate import evaluate
from train.recipe import copy_tokenizer, make_tokenizer
from train.run import STATE, begin, open_run, read_log
from train.synthesizer import MixtureScores, Synthesizer, of_score_source
from train.tokenizer import FILE
from train.train import Trainer

DEV_SHARE = 0.1  # of the training texts where a data set has no dev file


@dataclass(frozen=True)
class Run:
    """One training run of the comparison."""

    dataset: str
    variant: str
    seed: int

    def folder(self, runs: Path) -> Path:
        """Where its logs and checkpoints go."""
        return runs / self.dataset / f"{self.variant}-{self.seed}"


def read_comparison(path: Path) -> dict[str, Any]:
    """The recipe: `model`, `variants` and `datasets`."""
    try:
        recipe = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    for key in ("model", "variants", "datasets"):
        if not isinstance(recipe.get(key), dict):
            raise ConfigError(f"{path}: expected an object under {key}")
    return recipe


def runs_of(recipe: dict[str, Any]) -> Iterator[Run]:
    """All runs, the first seed of every data set and variant before the second."""
    seeds = max(dataset["seeds"] for dataset in recipe["datasets"].values())
    for seed in range(1, seeds + 1):
        for name, dataset in recipe["datasets"].items():
            if seed > dataset["seeds"]:
                continue
            for variant in recipe["variants"]:
                if variant in dataset.get("variants", [variant]):
                    yield Run(name, variant, seed)


def factors(length: int) -> list[int]:
    """[a, b] with a b = length, as square as can be, a >= b."""
    b = max(f for f in range(1, int(length**0.5) + 1) if length % f == 0)
    return [length // b, b]


def attention(spec: dict[str, Any], length: int) -> dict[str, Any]:
    """A variant's spec with the factors that the data set's positions ask for."""
    if spec["type"] == "factorized_dense":
        return {**spec, "factors": factors(length)}
    if spec["type"] == "mixture":
        return {**spec, "parts": [attention(part, length) for part in spec["parts"]]}
    return spec


def recipe_of(recipe: dict[str, Any], run: Run) -> dict[str, Any]:
    """The recipe of train.train for one run."""
    dataset = recipe["datasets"][run.dataset]
    length = dataset["max_position_embeddings"]
    return {
        "model": {
            **recipe["model"],
            "max_position_embeddings": length,
            "attention": attention(recipe["variants"][run.variant], length),
        },
        "tokenizer": {"vocab_size": dataset["vocab_size"]},
        "training": {**recipe.get("training", {}), **dataset["training"]},
    }


def prepare(dataset: dict[str, Any], data: Path, out: Path) -> None:
    """Makes the folder `out`, once: train.tsv, dev.tsv, test.tsv, labels.txt and the vocabulary.

    The whole folder takes its place at once, so that another process sees all of it or none.
    """
    if out.is_dir():
        return
    folder = data / dataset["folder"]
    train = read_tsv(find(folder, dataset.get("train", "train.tsv")))
    if "dev" in dataset:
        dev = read_tsv(find(folder, dataset["dev"]))
    else:
        random.Random(0).shuffle(train)
        held_out = round(len(train) * DEV_SHARE)
        dev, train = train[:held_out], train[held_out:]
    test = read_tsv(find(folder, dataset.get("test", "test.tsv")))
    labels = list(read_lines(find(folder, "labels.txt")))
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for name, examples in (("train", train), ("dev", dev), ("test", test)):
            write_tsv(partial / f"{name}.tsv", examples)
        (partial / "labels.txt").write_text("".join(f"{label}\n" for label in labels), "utf-8")
        options = {"vocab_size": dataset["vocab_size"]}
        make_tokenizer(options, (example.text for example in train), partial)
        partial.rename(out)
    except OSError:
        if not out.is_dir():  # else another process was first
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def score_parameters(model: Synthesizer) -> int:
    """Numbers that only the scores have: those of the score sources, without value and output."""
    return sum(tensor.numel() for name, tensor in model.state_dict().items() if of_score_source(name))


def alpha(model: Synthesizer) -> list[list[list[float]]]:
    """The weights of the parts of each mixture, [layers][H][M]; empty without mixtures."""
    mixtures = [module for module in model.modules() if isinstance(module, MixtureScores)]
    return [[[round(a, 4) for a in head] for head in m.alpha().tolist()] for m in mixtures]


def execute(recipe: dict[str, Any], run: Run, data: Path, runs: Path) -> dict[str, Any]:
    """Trains, scores, and gives the line for RESULTS."""
    prepared = runs / "data" / run.dataset
    prepare(recipe["datasets"][run.dataset], data, prepared)
    folder = run.folder(runs)
    resume = (folder / STATE).is_file()
    open_run(folder, resume, leftovers=[FILE])
    copy_tokenizer(prepared, folder)
    trainer = Trainer(recipe_of(recipe, run), prepared, folder, run.seed)
    begin(trainer, resume)
    trainer.fit(sys.maxsize)
    log = read_log(folder)
    model = load_checkpoint(folder / "best")
    tokens, seconds = (sum(epoch[key] for epoch in log) for key in ("tokens", "train_seconds"))
    return {
        "dataset": run.dataset,
        "variant": run.variant,
        "seed": run.seed,
        "dev_accuracy": trainer.best["dev_accuracy"],
        "best_epoch": trainer.best["epoch"],
        "test_accuracy": evaluate(folder / "best", prepared / "test.tsv")["accuracy"],
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "score_parameters": score_parameters(model),
        "alpha": alpha(model),
        "train_tokens_per_second": round(tokens / seconds),
        "train_seconds": round(seconds, 1),
        "epochs": [{key: epoch[key] for key in ("train_loss", "dev_accuracy")} for epoch in log],
        "torch": torch.__version__,
    }


def done(results: Path) -> set[Run]:
    """The runs that RESULTS has."""
    if not results.is_file():
        return set()
    lines = map(json.loads, results.read_text(encoding="utf-8").splitlines())
    return {Run(line["dataset"], line["variant"], line["seed"]) for line in lines}


def append(results: Path, line: dict[str, Any]) -> None:
    """One write, so that shards do not mix their lines."""
    results.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(results, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, (json.dumps(line) + "\n").encode())
    finally:
        os.close(handle)


def compare(
    recipe: dict[str, Any],
    data: Path,
    runs: Path,
    results: Path,
    datasets: Sequence[str] | None = None,
    variants: Sequence[str] | None = None,
    shard: tuple[int, int] = (0, 1),
) -> None:
    """Executes what RESULTS lacks; see the top of this file."""
    for wanted, known, what in (
        (datasets, recipe["datasets"], "data set"),
        (variants, recipe["variants"], "variant"),
    ):
        for name in wanted or ():
            if name not in known:
                raise ConfigError(f"unknown {what} {name!r}, expected one of {', '.join(known)}")
    chosen = [
        run
        for run in runs_of(recipe)
        if run.dataset in (datasets or recipe["datasets"]) and run.variant in (variants or recipe["variants"])
    ]
    for run in chosen[shard[0] :: shard[1]]:
        if run not in done(results):
            line = execute(recipe, run, data, runs)
            append(results, line)
            print(json.dumps({key: line[key] for key in line if key != "epochs"}), flush=True)


def _shard(text: str) -> tuple[int, int]:
    index, slash, count = text.partition("/")
    if not slash or not 0 <= int(index) < int(count):
        raise argparse.ArgumentTypeError(f"expected I/N with I below N, got {text!r}")
    return int(index), int(count)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="train.compare", description="Compares variants.")
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--runs", type=Path, required=True, help="for what is not kept")
    parser.add_argument("--results", type=Path, required=True, help="a JSON object a line")
    parser.add_argument("--datasets", nargs="+", help="only these")
    parser.add_argument("--variants", nargs="+", help="only these")
    parser.add_argument("--shard", type=_shard, default=(0, 1), metavar="I/N")
    arguments = parser.parse_args()
    try:
        compare(
            read_comparison(arguments.recipe),
            arguments.data,
            arguments.runs,
            arguments.results,
            arguments.datasets,
            arguments.variants,
            arguments.shard,
        )
    except (ConfigError, DataError) as error:
        sys.exit(f"train.compare: {error}")


if __name__ == "__main__":
    main()
