"""Pretraining: masks, batches of one length, resuming, and what fine-tuning takes from it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from train.checkpoint import CheckpointError, load_checkpoint
from train.config import ConfigError
from train.pretrain import Pretrainer, mask, pretrain
from train.texts import batches_of_one_length
from train.train import train


def recipe_file(tmp_path: Path, **changes: Any) -> Path:
    """A tiny encoder for a few steps."""
    recipe = {
        "model": {
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "max_position_embeddings": 24,
            "hidden_act": "gelu",
            "attention": {"type": "factorized_random", "k": 8},
        },
        "tokenizer": {"vocab_size": 290, "texts": 200},
        "pretraining": {"tokens": 3000, "batch_tokens": 200, "log_steps": 4, "window_heads": 1},
    }
    recipe["pretraining"].update(changes)  # type: ignore[attr-defined]
    path = tmp_path / "pretrain.json"
    path.write_text(json.dumps(recipe), encoding="utf-8")
    return path


def log_of(run: Path) -> list[dict[str, Any]]:
    """The log without what a clock says."""
    lines = map(json.loads, (run / "log.jsonl").read_text(encoding="utf-8").splitlines())
    return [{key: line[key] for key in line if key != "seconds"} for line in lines]


def test_mask_leaves_special_tokens_and_picks_what_the_share_says() -> None:
    torch.manual_seed(1)
    ids = torch.randint(3, 90, (50, 40))
    ids[:, 0], ids[:, -1] = 1, 2
    seen, picked = mask(ids, torch.tensor([1, 2]), 0, 90, 0.15)
    assert not picked[:, 0].any() and not picked[:, -1].any()
    assert 0.12 < picked.float().mean() < 0.17
    assert torch.equal(seen[~picked], ids[~picked])
    assert 0.75 < (seen[picked] == 0).float().mean() < 0.85
    assert 0.06 < (seen[picked] == ids[picked]).float().mean() < 0.15


def test_mask_picks_something_of_every_batch() -> None:
    ids = torch.tensor([[1, 7, 2]])
    _, picked = mask(ids, torch.tensor([1, 2]), 0, 90, 0.0)
    assert picked.tolist() == [[False, True, False]]


def test_batches_hold_every_row_once_and_one_length() -> None:
    lengths = np.array([3, 5, 3, 9, 5, 3, 40] * 5)
    batches = list(batches_of_one_length(lengths, 12, random.Random(1)))
    assert sorted(np.concatenate(batches).tolist()) == list(range(35))
    for rows in batches:
        assert len(set(lengths[rows])) == 1
        assert lengths[rows].sum() <= 12 or len(rows) == 1


def test_interrupted_and_resumed_equals_uninterrupted(text: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    recipe = recipe_file(tmp_path)
    pretrain(recipe, [text], whole, seed=3)
    pretrain(recipe, [text], parts, seed=3, max_steps=8)
    assert not (parts / "best").exists()
    pretrain(recipe, [text], parts, seed=3, resume=True)
    assert log_of(whole) == log_of(parts)
    assert log_of(whole)[-1]["dev_loss"] < log_of(whole)[0]["dev_loss"]
    first, second = (load_checkpoint(run / "best").state_dict() for run in (whole, parts))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_continues_to_another_number_of_tokens(text: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    pretrain(recipe_file(tmp_path, tokens=1500), [text], run, seed=3)
    before = log_of(run)
    pretrain(recipe_file(tmp_path, tokens=3000), [text], run, seed=3, resume=True)
    assert log_of(run)[: len(before)] == before
    assert log_of(run)[-1]["tokens"] >= 3000
    with pytest.raises(ConfigError, match="another recipe"):
        pretrain(recipe_file(tmp_path, batch_tokens=100), [text], run, seed=3, resume=True)


def test_a_recipe_need_not_say_tokens_to_be_resumed(text: Path, tmp_path: Path) -> None:
    path = recipe_file(tmp_path)
    recipe = json.loads(path.read_text(encoding="utf-8"))
    del recipe["pretraining"]["tokens"]
    path.write_text(json.dumps(recipe), encoding="utf-8")
    pretrain(path, [text], tmp_path / "run", seed=3, max_steps=2)
    pretrain(path, [text], tmp_path / "run", seed=3, max_steps=4, resume=True)
    assert log_of(tmp_path / "run")[-1]["step"] == 4


def test_no_text_is_on_both_sides(text: Path, tmp_path: Path) -> None:
    recipe = json.loads(recipe_file(tmp_path).read_text(encoding="utf-8"))
    recipe["model"]["max_position_embeddings"] = 8
    run = tmp_path / "run"
    run.mkdir()
    trainer = Pretrainer(recipe, [text], run, seed=1)
    numbers = trainer.texts.numbers
    assert len(set(numbers[trainer.dev_rows])) == 3 < len(trainer.dev_rows)
    assert not set(numbers[trainer.dev_rows]) & set(numbers[trainer.train_rows])


def test_fine_tuning_begins_with_the_pretrained_weights(text: Path, recipe: Path, data: Path, tmp_path: Path) -> None:
    pretrained = pretrain(recipe_file(tmp_path), [text], tmp_path / "pre", seed=3)
    tuned = json.loads(recipe.read_text(encoding="utf-8"))
    tuned["model"] = json.loads((tmp_path / "pretrain.json").read_text(encoding="utf-8"))["model"]
    tuned["training"].update(epochs=1, learning_rate=0.0)
    own = tmp_path / "tuned.json"
    own.write_text(json.dumps(tuned), encoding="utf-8")
    train(own, data, tmp_path / "tuned", seed=1, init=pretrained)
    before = load_checkpoint(pretrained).state_dict()
    after = load_checkpoint(tmp_path / "tuned" / "best").state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert set(after) - set(before) == {"classifier.weight", "classifier.bias"}

    tuned["model"]["max_position_embeddings"] = 20
    own.write_text(json.dumps(tuned), encoding="utf-8")
    train(own, data, tmp_path / "shorter", seed=1, init=pretrained)
    shorter = load_checkpoint(tmp_path / "shorter" / "best").state_dict()
    for name, positions in (
        ("embeddings.position_embeddings.weight", 0),
        ("encoder.layer.0.attention.self.factorized_random.r1", 1),
    ):
        assert torch.equal(shorter[name], before[name].narrow(positions, 0, 20))

    tuned["model"]["hidden_size"] = 32
    own.write_text(json.dumps(tuned), encoding="utf-8")
    with pytest.raises(CheckpointError, match="the recipe's model has"):
        train(own, data, tmp_path / "other", seed=1, init=pretrained)
