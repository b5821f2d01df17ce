"""Times training steps of every variant of a comparison.

    python -m train.speed --recipe train/recipes/comparison.json --out docs/results/training_speed.jsonl

The runs of train.compare are timed too, but hours apart and beside other work. Here the variants take
turns at steps on texts of random tokens, as long as the model takes them, on one thread. OUT gets one
line for each number of positions that the data sets have: tokens per second by variant and round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from train.compare import attention, read_comparison
from train.config import ConfigError
from train.optimizer import make_optimizer
from train.recipe import fields_from_json, make_config
from train.synthesizer import Synthesizer
from train.train import Training

CLASSES = 10
ROUNDS = 5


class Steps:
    """Training steps of one model on one batch."""

    def __init__(self, model: dict[str, Any], options: Training, vocab_size: int) -> None:
        config = make_config(model, vocab_size, [str(i) for i in range(CLASSES)])
        torch.manual_seed(1)
        self.model = Synthesizer(config, options.dropout).train()
        self.optimizer = make_optimizer(self.model, options.learning_rate, options.weight_decay, options.score_rate)
        shape = (options.batch_size, config.max_position_embeddings)
        self.token_ids = torch.randint(vocab_size, shape)
        self.mask = torch.ones(shape, dtype=torch.bool)
        self.labels = torch.randint(CLASSES, shape[:1])

    def tokens_per_second(self, steps: int) -> float:
        """Of that many steps."""
        started = time.monotonic()
        for _ in range(steps):
            self.optimizer.zero_grad()
            logits = self.model(self.token_ids, self.mask).logits
            functional.cross_entropy(logits, self.labels).backward()
            self.optimizer.step()
        return steps * self.token_ids.numel() / (time.monotonic() - started)


def measure(recipe: dict[str, Any], length: int, variants: Sequence[str], steps: int) -> dict[str, list[float]]:
    """Tokens per second by variant and round, at one number of positions."""
    sizes = [d["vocab_size"] for d in recipe["datasets"].values()]
    running = {
        name: Steps(
            {
                **recipe["model"],
                "max_position_embeddings": length,
                "attention": attention(recipe["variants"][name], length),
            },
            fields_from_json(Training, recipe.get("training", {}), "training"),
            max(sizes),
        )
        for name in variants
    }
    speeds: dict[str, list[float]] = {name: [] for name in running}
    for candidate in running.values():
        candidate.tokens_per_second(1)  # not timed
    for _ in range(ROUNDS):
        for name, candidate in running.items():
            speeds[name].append(round(candidate.tokens_per_second(steps)))
    return speeds


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="train.speed", description="Times training steps.")
    parser.add_argument("--recipe", type=Path, required=True, help="of train.compare")
    parser.add_argument("--out", type=Path, required=True, help="a JSON object a line")
    parser.add_argument("--steps", type=int, default=3, help="of a variant in a round")
    arguments = parser.parse_args()
    try:
        recipe = read_comparison(arguments.recipe)
    except ConfigError as error:
        sys.exit(f"train.speed: {error}")
    torch.set_num_threads(1)
    lengths = sorted({d["max_position_embeddings"] for d in recipe["datasets"].values()})
    lines = []
    for length in lengths:
        speeds = measure(recipe, length, list(recipe["variants"]), arguments.steps)
        lines.append({"length": length, "tokens_per_second": speeds, "torch": torch.__version__})
        medians = {name: round(statistics.median(rounds)) for name, rounds in speeds.items()}
        print(json.dumps({"length": length, **medians}), flush=True)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
