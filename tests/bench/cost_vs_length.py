"""What a token costs the engine, by the length of its text and the source of the scores.

Batches have about the same number of tokens at every length, so that only the attention's share grows with it.
The models take turns on one core, each in a process of its own.

    cmake --preset bench && cmake --build --preset bench --target encoder_runner
    $(scripts/python-env.sh bench) tests/bench/cost_vs_length.py [--help]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from runtimes import ROOT, checkpoints, contenders, machine, measure, picture, report
from runtimes.contenders import Batch


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ours = [name for name in contenders.CONTENDERS if name.startswith("ours:")]
    parser.add_argument("--contender", choices=ours, default=ours[0], help="(default: %(default)s)")
    parser.add_argument("--variants", nargs="+", choices=checkpoints.VARIANTS, default=checkpoints.VARIANTS)
    parser.add_argument("--lengths", nargs="+", type=int, default=[32, 48, 64, 96, 128, 192, 256, 384, 512])
    parser.add_argument("--tokens", type=int, default=2048, help="of a batch, about (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="(default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.3, help="of a model in a round (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=ROOT / "build/bench/cost_vs_length.json", help="results")
    parser.add_argument("--svg", type=Path, default=ROOT / "docs/images/cost_vs_length.svg", help="picture")
    contenders.add_contender_flags(parser)
    checkpoints.add_model_flags(parser)
    options = parser.parse_args()
    if max(options.lengths) > options.max_length:
        parser.error(f"--lengths: {max(options.lengths)} is more than --max-length {options.max_length}")
    return options


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """For each length, the seconds of a batch by variant and round."""
    results = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        running = {}
        for variant in options.variants:
            checkpoints.write(folder / variant, variant, options)
            contender = contenders.start(options.contender, folder / variant, options)
            running[variant] = stack.enter_context(contender)
        for length in options.lengths:
            texts = max(1, round(options.tokens / length))
            batch = Batch.draw(folder / "ids", [length] * texts, options.vocabulary, options.seed)
            for contender in running.values():
                contender.set_batch(batch)
            seconds = measure.interleave(running, options.rounds, options.seconds)
            cost = {variant: statistics.median(s) / batch.tokens * 1e6 for variant, s in seconds.items()}
            results.append({"length": length, "texts": texts, "seconds": seconds, "us_per_token": cost})
            print(f"{texts} x {length}", file=sys.stderr, flush=True)
    return results


def main() -> None:
    options = parse()
    machine.leave_core(options.core)
    try:
        results = run(options)
    except contenders.ContenderError as error:
        sys.exit(f"cost_vs_length: {error}")
    report.write_json(options.json, vars(options), {"lengths": results})
    cost = {variant: [result["us_per_token"][variant] for result in results] for variant in options.variants}
    rows = [[variant, *(f"{value:.2f}" for value in values)] for variant, values in cost.items()]
    print(report.markdown(["µs per token", *map(str, options.lengths)], rows))
    title = (
        f"One core, {options.contender.partition(':')[2]}; hidden {options.hidden}, {options.heads} heads, "
        f"{options.layers} layers, intermediate {options.intermediate}; batches of {options.tokens} tokens"
    )
    picture.draw_cost(options.lengths, cost, title, options.svg)
    print(f"raw figures: {options.json}; picture: {options.svg}", file=sys.stderr)


if __name__ == "__main__":
    main()
