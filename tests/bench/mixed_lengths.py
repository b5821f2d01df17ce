"""What texts of mixed lengths cost beside texts that are all of the mean length.

The engine takes a batch as packed tokens. ONNX Runtime gets the same batches padded to their longest text, and
is spared the mask that padding needs, so its figure is the most that it could reach; only real tokens count.

    cmake --preset bench && cmake --build --preset bench --target encoder_runner
    $(scripts/python-env.sh bench) tests/bench/mixed_lengths.py [--help]
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from runtimes import ROOT, checkpoints, contenders, machine, report
from runtimes.contenders import Batch, Contender, OrtContender, fastest_export
from runtimes.onnx_export import Checkpoint, write_export


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    choices = [name for name in contenders.CONTENDERS if not name.startswith("torch:")]
    parser.add_argument("--contenders", nargs="+", choices=choices, default=["ours:f32", "ort:f32"])
    parser.add_argument("--variants", nargs="+", choices=checkpoints.VARIANTS, default=checkpoints.VARIANTS)
    parser.add_argument("--mean", type=int, default=40, help="tokens per text (default: %(default)s)")
    parser.add_argument("--longest", type=int, default=256, help="tokens (default: %(default)s)")
    parser.add_argument("--shortest", type=int, default=3, help="tokens (default: %(default)s)")
    parser.add_argument("--sigma", type=float, default=0.7, help="of the logarithm (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=2048, help="of a batch, at most (default: %(default)s)")
    parser.add_argument("--batches", type=int, default=8, help="of mixed lengths (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of a batch in a round (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=ROOT / "build/bench/mixed_lengths.json", help="results")
    contenders.add_contender_flags(parser)
    checkpoints.add_model_flags(parser)
    options = parser.parse_args()
    if options.longest > min(options.max_length, options.tokens):
        parser.error(f"--longest: {options.longest} does not fit --max-length or --tokens")
    return options


def draw_lengths(options: argparse.Namespace) -> list[list[int]]:
    """Log-normal lengths, cut to what is allowed, in batches filled up to the number of tokens."""
    generator = np.random.default_rng(options.seed)
    mu = math.log(options.mean) - options.sigma**2 / 2  # of the logarithm: E[exp N(mu, sigma)] = mean
    batches: list[list[int]] = [[]]
    while True:
        drawn = round(generator.lognormal(mu, options.sigma))
        length = min(max(drawn, options.shortest), options.longest)
        if sum(batches[-1]) + length > options.tokens:
            if len(batches) == options.batches:
                return batches
            batches.append([])
        batches[-1].append(length)


def prepare(
    contender: Contender, checkpoint: Path, batches: list[Batch], files: Path, core: int
) -> list[tuple[Batch, Path]]:
    """The batches as the contender takes them, and the file of each one's graph, for ONNX Runtime."""
    if not isinstance(contender, OrtContender):
        return [(batch, Path()) for batch in batches]
    padded = [batch.padded(batch.file.with_suffix(".padded")) for batch in batches]
    read = Checkpoint(checkpoint)
    export, _ = fastest_export(read, padded[0], contender.name.partition(":")[2], files, core, 0.3)
    return [(batch, write_export(read, len(batch.lengths), batch.lengths[0], export, files)) for batch in padded]


def median_seconds(contender: Contender, work: list[tuple[Batch, Path]], repeat: int) -> float:
    """The sum over the batches of each one's median."""
    total = 0.0
    for batch, file in work:
        if isinstance(contender, OrtContender):
            contender.file = file
        total += contender.median_seconds(batch, repeat)
    return total


def run_variant(variant: str, lengths: dict[str, list[list[int]]], options: argparse.Namespace) -> dict[str, Any]:
    """Tokens per second by contender, kind of batches and round."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        checkpoints.write(folder, variant, options)
        running, work = {}, {}
        for name in options.contenders:
            running[name] = stack.enter_context(contenders.start(name, folder, options))
            for kind, batches in lengths.items():
                drawn = [
                    Batch.draw(folder / f"{kind}_{i}", batch, options.vocabulary, options.seed + i)
                    for i, batch in enumerate(batches)
                ]
                work[name, kind] = prepare(running[name], folder, drawn, folder, options.core)
        tokens = {kind: sum(map(sum, batches)) for kind, batches in lengths.items()}
        speeds: dict[str, Any] = {name: {kind: [] for kind in lengths} for name in options.contenders}
        for _ in range(options.rounds):
            for (name, kind), prepared in work.items():
                speeds[name][kind].append(tokens[kind] / median_seconds(running[name], prepared, options.repeat))
    print(variant, file=sys.stderr, flush=True)
    return {"variant": variant, "tokens_per_second": speeds}


def row(result: dict[str, Any]) -> list[str]:
    """Thousands of tokens per second, mixed and of one length, and the rounds' median ratio of the two."""
    cells = [result["variant"]]
    for speeds in result["tokens_per_second"].values():
        cells += [f"{statistics.median(speeds[kind]) / 1e3:.1f}" for kind in ("mixed", "uniform")]
        ratios = [mixed / uniform for mixed, uniform in zip(speeds["mixed"], speeds["uniform"], strict=True)]
        cells.append(f"{statistics.median(ratios):.2f}")
    return cells


def main() -> None:
    options = parse()
    machine.leave_core(options.core)
    mixed = draw_lengths(options)
    lengths = {"mixed": mixed, "uniform": [[options.mean] * (options.tokens // options.mean)]}
    try:
        results = [run_variant(variant, lengths, options) for variant in options.variants]
    except contenders.ContenderError as error:
        sys.exit(f"mixed_lengths: {error}")
    report.write_json(options.json, vars(options), {"lengths": mixed, "variants": results})
    texts = [length for batch in mixed for length in batch]
    padded = sum(len(batch) * max(batch) for batch in mixed)
    print(
        f"{len(texts)} texts of {min(texts)} to {max(texts)} tokens, {statistics.mean(texts):.1f} in the mean, "
        f"in {len(mixed)} batches; padded, {padded / sum(texts):.2f} times the tokens\n"
    )
    columns = [f"{name} {what}" for name in options.contenders for what in ("mixed", "all alike", "ratio")]
    print(report.markdown(["attention, 1000 tokens/s", *columns], [row(result) for result in results]))
    print(f"raw figures: {options.json}", file=sys.stderr)


if __name__ == "__main__":
    main()
