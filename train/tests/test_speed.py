"""Every variant of a comparison can be timed."""

from __future__ import annotations

from pathlib import Path

from train.compare import read_comparison
from train.speed import ROUNDS, measure

RECIPE = Path(__file__).parents[1] / "recipes" / "comparison.json"


def test_times_every_variant_in_every_round() -> None:
    recipe = read_comparison(RECIPE)
    recipe["model"].update(hidden_size=8, intermediate_size=8)
    recipe["training"]["batch_size"] = 2
    for dataset in recipe["datasets"].values():
        dataset["vocab_size"] = 20
    speeds = measure(recipe, 6, list(recipe["variants"]), steps=1)
    assert list(speeds) == list(recipe["variants"])
    assert all(len(rounds) == ROUNDS and min(rounds) > 0 for rounds in speeds.values())
