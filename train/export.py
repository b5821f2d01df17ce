"""Writes a run's best weights as a checkpoint folder that synthserve loads.

python -m train.export RUN OUT --dtype F16
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from train.checkpoint import DTYPES, CheckpointError, load_checkpoint, save_checkpoint
from train.config import ConfigError
from train.recipe import copy_tokenizer


def export(run: Path, out: Path, dtype: str) -> None:
    """config.json, model.safetensors in dtype and the tokenizer of RUN/best."""
    best = run / "best"
    if not best.is_dir():
        raise CheckpointError(f"{best}: no such folder; expected a run of train.train")
    model = load_checkpoint(best)
    save_checkpoint(out, model, dtype)
    if model.config.tokenizer is not None:
        copy_tokenizer(best, out, model.config.tokenizer["file"])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="train.export", description="Exports a run.")
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dtype", choices=sorted(DTYPES), default="F16")
    arguments = parser.parse_args()
    try:
        export(arguments.run, arguments.out, arguments.dtype)
    except (CheckpointError, ConfigError, FileNotFoundError) as error:
        sys.exit(f"train.export: {error}")


if __name__ == "__main__":
    main()
