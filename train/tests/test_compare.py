"""The comparison: every run once, a line each, whatever was interrupted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from train.compare import Run, attention, compare, done, factors, prepare, runs_of
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


def test_every_run_has_one_line_and_none_is_repeated(comparison: dict[str, Any], data: Path, tmp_path: Path) -> None:
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


def test_a_run_that_was_cut_off_has_the_line_of_one_that_was_not(
    comparison: dict[str, Any], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off behind the first line of its log, before its state was saved."""

    def cut_off(_: Path, __: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    runs, results = tmp_path / "runs", tmp_path / "results.jsonl"
    only: dict[str, Any] = {"datasets": ["held_out"], "variants": ["random"]}
    compare(comparison, data.parent, tmp_path / "others", tmp_path / "whole.jsonl", **only)
    with monkeypatch.context() as patch:
        patch.setattr("train.train.save_state", cut_off)
        with pytest.raises(KeyboardInterrupt):
            compare(comparison, data.parent, runs, results, **only)
    folder = runs / "held_out" / "random-1"
    assert len((folder / "log.jsonl").read_text().splitlines()) == 1
    compare(comparison, data.parent, runs, results, **only)
    lines = [json.loads(path.read_text()) for path in (tmp_path / "whole.jsonl", results)]
    for line in lines:
        for key in ("train_seconds", "train_tokens_per_second"):
            del line[key]
    assert lines[0] == lines[1] and len(lines[1]["epochs"]) == 2


def test_data_is_prepared_once_and_whole(comparison: dict[str, Any], data: Path) -> None:
    out = data.parent / "prepared" / "own_dev"
    prepare(comparison["datasets"]["own_dev"], data.parent, out)
    names = {"train.tsv", "dev.tsv", "test.tsv", "labels.txt", "tokenizer.model"}
    assert {path.name for path in out.iterdir()} == names
    assert [path.name for path in out.parent.iterdir()] == ["own_dev"]
    (out / "train.tsv").write_text("kept", encoding="utf-8")
    prepare(comparison["datasets"]["own_dev"], data.parent, out)
    assert (out / "train.tsv").read_text(encoding="utf-8") == "kept"


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
