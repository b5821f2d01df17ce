"""Compares the engine with ONNX Runtime and PyTorch on the same encoders, one for each score source.

Every contender is a process of its own; all are pinned to one core and take turns on it. Each result is checked
against the reference in double precision first. docs/performance.md says how the figures are meant.

    cmake --preset bench && cmake --build --preset bench --target encoder_runner
    $(scripts/python-env.sh bench) tests/bench/compare_runtimes.py [--quick] [--help]
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
import torch
from numpy.typing import NDArray

from runtimes import ROOT, checkpoints, contenders, machine, measure, report
from runtimes.contenders import Batch, Contender, OrtContender, fastest_export
from runtimes.onnx_export import Checkpoint
from train.synthesizer import Synthesizer

# Half a minute: whether everything works and agrees.
QUICK = {
    "hidden": 48,
    "heads": 3,
    "layers": 2,
    "intermediate": 80,
    "max_length": 40,
    "vocabulary": 100,
    "lengths": [7, 24],
    "batches": [1, 3],
    "rounds": 2,
    "seconds": 0.01,
}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny models and few repeats: a test, no figures")
    parser.add_argument("--contenders", nargs="+", choices=contenders.CONTENDERS, default=contenders.CONTENDERS)
    parser.add_argument("--baseline", help="what speeds are relative to (default: ort:f32, or else the first)")
    parser.add_argument("--variants", nargs="+", choices=checkpoints.VARIANTS, default=checkpoints.VARIANTS)
    parser.add_argument("--lengths", nargs="+", type=int, default=[40, 128], help="tokens per text")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32], help="texts per batch")
    parser.add_argument("--rounds", type=int, default=9, help="(default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.3, help="of a contender in a round")
    parser.add_argument("--json", type=Path, default=ROOT / "build/bench/compare_runtimes.json", help="results")
    contenders.add_contender_flags(parser)
    checkpoints.add_model_flags(parser)
    if parser.parse_known_args()[0].quick:
        parser.set_defaults(**QUICK)
    options = parser.parse_args()
    if options.baseline is None:
        options.baseline = "ort:f32" if "ort:f32" in options.contenders else options.contenders[0]
    if options.baseline not in options.contenders:
        parser.error(f"--baseline: {options.baseline} is not among the contenders")
    if max(options.lengths) > options.max_length:
        parser.error(f"--lengths: {max(options.lengths)} is more than --max-length {options.max_length}")
    return options


@torch.no_grad()
def expected_hidden(model: Synthesizer, batch: Batch) -> NDArray[np.float32]:
    """What the reference gives in double precision: [T, D]."""
    token_ids = torch.from_numpy(batch.token_ids().reshape(len(batch.lengths), -1)).long()
    return model(token_ids, torch.ones_like(token_ids, dtype=torch.bool)).hidden.flatten(0, 1).numpy()


def run_case(
    folder: Path, batch: Batch, expected: NDArray[np.float32], options: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    """What each contender does with a batch of the model in folder."""
    results: dict[str, dict[str, Any]] = {}
    running: dict[str, Contender] = {}
    with ExitStack() as stack:
        files = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        for name in options.contenders:
            results[name] = {}
            running[name] = contender = stack.enter_context(contenders.start(name, folder, options))
            if isinstance(contender, OrtContender):
                precision = name.partition(":")[2]
                export, contender.file = fastest_export(
                    Checkpoint(folder), batch, precision, files, options.core, options.seconds
                )
                results[name]["export"] = str(export)
            contender.set_batch(batch)
            results[name]["error"] = measure.error(name, contender.hidden(files / "hidden.npy"), expected)
            results[name]["process"] = contender.description
        seconds = measure.interleave(running, options.rounds, options.seconds)
    for name, result in results.items():
        result["seconds"] = seconds[name]
        result["speed"] = measure.speed(seconds[name], seconds[options.baseline])
    return results


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every variant, length and batch size."""
    cases = []
    for variant in options.variants:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            reference = checkpoints.write(folder, variant, options).double()
            for length in options.lengths:
                for texts in options.batches:
                    batch = Batch.draw(folder / "ids", [length] * texts, options.vocabulary, options.seed)
                    results = run_case(folder, batch, expected_hidden(reference, batch), options)
                    cases.append({"variant": variant, "length": length, "texts": texts, "contenders": results})
                    figures = [
                        f"{name} {report.milliseconds(statistics.median(result['seconds']))} ms"
                        f" (error {result['error']:.1e})"
                        for name, result in results.items()
                    ]
                    print(f"{variant}, {texts} x {length}: {', '.join(figures)}", file=sys.stderr, flush=True)
    return cases


def main() -> None:
    options = parse()
    machine.leave_core(options.core)
    torch.set_num_threads(1)
    try:
        cases = run(options)
    except contenders.ContenderError as error:
        sys.exit(f"compare_runtimes: {error}")
    report.write_json(options.json, vars(options), {"cases": cases})
    print(report.comparison(cases, options.contenders, options.baseline))
    worst = {name: max(case["contenders"][name]["error"] for case in cases) for name in options.contenders}
    print("\nlargest error: " + ", ".join(f"{name} {error:.1e}" for name, error in worst.items()))
    print(f"raw figures: {options.json}", file=sys.stderr)


if __name__ == "__main__":
    main()
