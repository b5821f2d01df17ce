"""Chooses how a checkpoint marks out-of-scope texts, and writes it into its config.json.

    python -m train.out_of_scope CHECKPOINT --data FOLDER

FOLDER holds dev.tsv (texts of the classes) and oos_dev.tsv (texts of none), plain or .xz. The
score with the better AUROC on these is taken, and the threshold at which a given share of the
in-scope texts is marked (--in-scope-marked, 0.05): wrongly refusing a good request is what costs,
and it is known more exactly than the rate of the usually few out-of-scope texts.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from torch import Tensor

from train.checkpoint import CheckpointError
from train.config import OUT_OF_SCOPE_SCORES, ConfigError
from train.data import DataError, find, read_tsv
from train.evaluate import load, logits_of, out_of_scope_report
from train.predict import auroc, out_of_scope_scores


def threshold_at(inside: Tensor, share: float) -> float:
    """The threshold above which at most this share of the in-scope scores [rows] lies."""
    ordered = inside.sort(descending=True).values
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)].item()


def choose(inside: Tensor, outside: Tensor, share: float) -> dict[str, Any]:
    """The `out_of_scope` key of config.json; logits [rows, C] of both kinds."""
    scored = {
        score: (out_of_scope_scores(inside, score), out_of_scope_scores(outside, score))
        for score in OUT_OF_SCOPE_SCORES
    }
    score = max(scored, key=lambda name: auroc(*scored[name]))
    return {"score": score, "threshold": round(threshold_at(scored[score][0], share), 4)}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="train.out_of_scope", description="Sets the threshold.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="dev and oos_dev")
    parser.add_argument("--in-scope-marked", type=float, default=0.05, metavar="SHARE")
    arguments = parser.parse_args()
    try:
        model, tokenizer = load(arguments.checkpoint)
        inside, outside = (
            logits_of(model, tokenizer, read_tsv(find(arguments.data, name)), windows=False)
            for name in ("dev.tsv", "oos_dev.tsv")
        )
    except (CheckpointError, ConfigError, DataError, FileNotFoundError) as error:
        sys.exit(f"train.out_of_scope: {error}")
    chosen = choose(inside, outside, arguments.in_scope_marked)
    model.config = dataclasses.replace(model.config, out_of_scope=chosen)
    model.config.save(arguments.checkpoint / "config.json")
    print(json.dumps({**chosen, **out_of_scope_report(model, inside, outside)}))


if __name__ == "__main__":
    main()
