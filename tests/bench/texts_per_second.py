"""How many texts of each data set the engine encodes in a second, by attention variant.

    cmake --preset bench && cmake --build --preset bench --target encoder_runner
    $(scripts/python-env.sh bench) tests/bench/texts_per_second.py --recipe train/recipes/comparison.json --data DATA

The models are those of `python -m train.compare` as they are before training, with the vocabulary of the data set's
training texts: what weights are makes no difference to the time. The variants of a data set take turns on one core,
with the same batches of its test texts in the file's order, cut to the model's positions as the server cuts them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from runtimes import ROOT, contenders, machine, report
from runtimes.contenders import Batch
from train.checkpoint import save_checkpoint
from train.compare import prepare, read_comparison, recipe_of, runs_of
from train.config import ConfigError
from train.data import DataError, read_labels, read_tsv
from train.recipe import copy_tokenizer, make_config
from train.synthesizer import Synthesizer
from train.tokenizer import Tokenizer, tokenizer_json


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, required=True, help="of train.compare")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--contender", default="ours:f32", choices=["ours:f32", "ours:bf16", "ours:int8"])
    parser.add_argument("--tokens", type=int, default=2048, help="of a batch, at most (default: %(default)s)")
    parser.add_argument("--batches", type=int, default=4, help="of a data set (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=5, help="runs of a batch in a round (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=ROOT / "build/bench/texts_per_second.json", help="results")
    contenders.add_contender_flags(parser)
    return parser.parse_args()


def write_checkpoints(
    recipe: dict[str, Any], name: str, prepared: Path, folder: Path
) -> tuple[Tokenizer, dict[str, Path]]:
    """The data set's vocabulary, and a checkpoint folder for each of its variants."""
    labels = read_labels(prepared, read_tsv(prepared / "train.tsv"))
    recipes = {run.variant: recipe_of(recipe, run) for run in runs_of(recipe) if run.dataset == name and run.seed == 1}
    tokenizer = Tokenizer.of_checkpoint(prepared, tokenizer_json())
    written = {variant: folder / variant for variant in recipes}
    for variant, own in recipes.items():
        save_checkpoint(written[variant], Synthesizer(make_config(own["model"], tokenizer.vocab_size, labels)))
        copy_tokenizer(prepared, written[variant])
    return tokenizer, written


def write_batches(
    tests: Path, tokenizer: Tokenizer, length: int, folder: Path, options: argparse.Namespace
) -> list[Batch]:
    """The first test texts, cut to `length` tokens, in batches filled up to the number of tokens."""
    batches: list[list[list[int]]] = [[]]
    for example in read_tsv(tests):
        ids = tokenizer.encode(example.text, length)
        if batches[-1] and sum(map(len, batches[-1])) + len(ids) > options.tokens:
            if len(batches) == options.batches:
                break
            batches.append([])
        batches[-1].append(ids)
    written = []
    for i, batch in enumerate(batches):
        file = folder / f"batch_{i}"
        np.concatenate([np.array(ids, np.int32) for ids in batch]).tofile(file)
        written.append(Batch(file, [len(ids) for ids in batch]))
    return written


def run_data_set(recipe: dict[str, Any], name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Texts per second by variant and round."""
    dataset = recipe["datasets"][name]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        prepared = folder / "data"
        prepare(dataset, options.data, prepared)
        tokenizer, checkpoints = write_checkpoints(recipe, name, prepared, folder)
        length = dataset["max_position_embeddings"]
        batches = write_batches(prepared / "test.tsv", tokenizer, length, folder, options)
        running = {
            variant: stack.enter_context(contenders.start(options.contender, checkpoint, options))
            for variant, checkpoint in checkpoints.items()
        }
        texts = sum(len(batch.lengths) for batch in batches)
        speeds: dict[str, list[float]] = {variant: [] for variant in running}
        for _ in range(options.rounds):
            for variant, contender in running.items():
                seconds = sum(contender.median_seconds(batch, options.repeat) for batch in batches)
                speeds[variant].append(round(texts / seconds, 1))
    print(name, file=sys.stderr, flush=True)
    tokens = sum(batch.tokens for batch in batches)
    return {"texts": texts, "tokens": tokens, "texts_per_second": speeds}


def main() -> None:
    options = parse()
    machine.leave_core(options.core)
    try:
        recipe = read_comparison(options.recipe)
        results = {name: run_data_set(recipe, name, options) for name in recipe["datasets"]}
    except (ConfigError, DataError, contenders.ContenderError) as error:
        sys.exit(f"texts_per_second: {error}")
    report.write_json(options.json, vars(options), {"data_sets": results})
    variants = sorted({variant for result in results.values() for variant in result["texts_per_second"]})
    rows = [
        [
            variant,
            *(
                f"{statistics.median(speeds):.0f}" if (speeds := result["texts_per_second"].get(variant)) else ""
                for result in results.values()
            ),
        ]
        for variant in variants
    ]
    print(report.markdown(["texts per second", *results], rows))
    print(f"raw figures: {options.json}", file=sys.stderr)


if __name__ == "__main__":
    main()
