"""The comparison: every run once, a line each, whatever was interrupted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from train.compare import Run, attention, compare, done, factors, runs_of
from train.config import ConfigError


@pytest.fixture(name="comparison")
def comparison_recipe(recipe: Path) -> dict[str, Any]:
    """Two variants on the tiny data, with and without a dev file of its own."""
    single = json.loads(recipe.read_text(encoding="utf-8"))
    model = {key: value for key, value in single["model"].items() if key != "attention"}
    sizes = {"folder": "data", "test": "dev.tsv", "vocab_size": 290, "max_position_embeddings": 24}
    training = {"epochs": 2, "patience": 2}
    return {
        "model": {key: value for key, value in model.items() if "position" not in key},
        "training": {"batch_size": 8},
        "variants": {
            "factorized_dense": {"type": "factorized_dense"},
            "random": {"type": "random", "trainable": True},
        },
        "datasets": {
            "own_dev": {**sizes, "dev": "dev.tsv", "seeds": 2, "training": training},
            "held_out": {**sizes, "seeds": 1, "variants": ["random"], "training": training},
        },
    }


def test_every_run_has_one_line_and_none_is_repeated(
    comparison: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results.jsonl"
    compare(comparison, data.parent, runs, results, shard=(1, 2))
    assert done(results) == set(list(runs_of(comparison))[1::2])
    compare(comparison, data.parent, runs, results)
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    assert {Run(line["dataset"], line["variant"], line["seed"]) for line in lines} == {
        Run("own_dev", "factorized_dense", 1),
        Run("own_dev", "random", 1),
        Run("own_dev", "factorized_dense", 2),
        Run("own_dev", "random", 2),
        Run("held_out", "random", 1),
    }
    assert len(lines) == 5
    by_variant = {line["variant"]: line["score_parameters"] for line in lines}
    assert by_variant["random"] == 2 * 24 * 24
    assert all(len(line["epochs"]) == 2 and 0 <= line["test_accuracy"] <= 1 for line in lines)
    before = results.read_bytes()
    compare(comparison, data.parent, runs, results)
    assert results.read_bytes() == before


def test_factors_are_as_square_as_can_be() -> None:
    assert [factors(length) for length in (64, 128, 256, 24, 7)] == [
        [8, 8],
        [16, 8],
        [16, 16],
        [6, 4],
        [7, 1],
    ]
    mixed = {"type": "mixture", "parts": [{"type": "factorized_dense"}, {"type": "dense"}]}
    assert attention(mixed, 64)["parts"][0]["factors"] == [8, 8]


def test_unknown_names_are_refused(comparison: dict[str, Any], data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown variant 'rnadom', expected one of"):
        compare(comparison, data.parent, tmp_path, tmp_path / "r", variants=["rnadom"])
