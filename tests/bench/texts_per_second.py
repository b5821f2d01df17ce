"""How many texts of each data set the engine encodes in a second, by attention variant.

    cmake --preset bench && cmake --build --preset bench --target encoder_runner
    $(scripts/python-env.sh bench) tests/bench/texts_per_second.py --runs RUNS --json docs/results/texts_per_second.json

RUNS is the folder of `python -m train.compare`: the checkpoints of its first seed, be they trained to the end or
not, and its test texts are what is measured. The variants of a data set take turns on one core, with the same batches of texts in the file's order, cut
to the model's positions as the server cuts them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from runtimes import ROOT, contenders, machine, report
from runtimes.contenders import Batch, Contender

from train.config import SynthesizerConfig
from train.data import read_tsv
from train.tokenizer import Tokenizer

FIRST_SEED = "-1"  # the end of its folders' names


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="what train.compare was given")
    parser.add_argument("--contender", default="ours:f32", choices=["ours:f32", "ours:bf16", "ours:int8"])
    parser.add_argument("--tokens", type=int, default=2048, help="of a batch, at most (default: %(default)s)")
    parser.add_argument("--batches", type=int, default=4, help="of a data set (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=5, help="runs of a batch in a round (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=ROOT / "build/bench/texts_per_second.json", help="results")
    contenders.add_contender_flags(parser)
    return parser.parse_args()


def checkpoints_of(runs: Path) -> dict[str, dict[str, Path]]:
    """The checkpoint folders by data set and variant."""
    found: dict[str, dict[str, Path]] = {}
    for config in sorted(runs.glob(f"*/*{FIRST_SEED}/best/config.json")):
        run = config.parent.parent
        found.setdefault(run.parent.name, {})[run.name.removesuffix(FIRST_SEED)] = config.parent
    return found


def batches_of(tests: Path, checkpoint: Path, folder: Path, options: argparse.Namespace) -> list[Batch]:
    """The first test texts, in batches filled up to the number of tokens."""
    config = SynthesizerConfig.load(checkpoint / "config.json")
    tokenizer = Tokenizer.of_checkpoint(checkpoint, config.tokenizer)
    batches: list[list[list[int]]] = [[]]
    for example in read_tsv(tests):
        ids = tokenizer.encode(example.text, config.max_position_embeddings)
        if batches[-1] and sum(map(len, batches[-1])) + len(ids) > options.tokens:
            if len(batches) == options.batches:
                break
            batches.append([])
        batches[-1].append(ids)
    written = []
    for i, batch in enumerate(batches):
        file = folder / str(i)
        np.concatenate([np.array(ids, np.int32) for ids in batch]).tofile(file)
        written.append(Batch(file, [len(ids) for ids in batch]))
    return written


def seconds_of(contender: Contender, batches: list[Batch], repeat: int) -> float:
    """The sum over the batches of each one's median."""
    total = 0.0
    for batch in batches:
        contender.set_batch(batch)
        total += statistics.median(contender.time(1, repeat))
    return total


def run_data_set(name: str, checkpoints: dict[str, Path], options: argparse.Namespace) -> dict:
    """Texts per second by variant and round."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tests = options.runs / "data" / name / "test.tsv"
        batches = batches_of(tests, next(iter(checkpoints.values())), folder, options)
        running = {
            variant: stack.enter_context(contenders.start(options.contender, checkpoint, options))
            for variant, checkpoint in checkpoints.items()
        }
        texts = sum(len(batch.lengths) for batch in batches)
        speeds: dict[str, list[float]] = {variant: [] for variant in running}
        for _ in range(options.rounds):
            for variant, contender in running.items():
                speeds[variant].append(round(texts / seconds_of(contender, batches, options.repeat), 1))
    print(name, file=sys.stderr, flush=True)
    tokens = sum(batch.tokens for batch in batches)
    return {"texts": texts, "tokens": tokens, "texts_per_second": speeds}


def main() -> None:
    options = parse()
    found = checkpoints_of(options.runs)
    if not found:
        sys.exit(f"texts_per_second: {options.runs}: no checkpoints of train.compare")
    machine.leave_core(options.core)
    try:
        results = {name: run_data_set(name, checkpoints, options) for name, checkpoints in found.items()}
    except contenders.ContenderError as error:
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
