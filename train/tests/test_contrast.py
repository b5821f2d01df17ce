"""Contrastive training: spans, batches, resuming, and what it is for."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from train.checkpoint import load_checkpoint
from train.config import ConfigError
from train.contrast import ContrastTrainer, contrast
from train.pretrain import pretrain
from train.run import read_log
from train.tests.test_pretrain import log_of, recipe_file


@pytest.fixture(name="pretrained")
def pretrained_folder(text: Path, tmp_path: Path) -> Path:
    """A checkpoint of a short pretraining on the same texts."""
    return pretrain(recipe_file(tmp_path), [text], tmp_path / "pre", seed=3)


def contrast_recipe(tmp_path: Path, **changes: Any) -> Path:
    """The same encoder, a few steps."""
    recipe = json.loads((tmp_path / "pretrain.json").read_text(encoding="utf-8"))
    recipe["tokenizer"] = {}
    del recipe["pretraining"]
    recipe["contrast"] = {
        "tokens": 20000,
        "warmup_steps": 2,
        "learning_rate": 0.01,
        "pairs": 32,
        "shortest": 3,
        "longest": 8,
        "log_steps": 5,
        **changes,
    }
    path = tmp_path / "contrast.json"
    path.write_text(json.dumps(recipe), encoding="utf-8")
    return path


def trainer_of(recipe: Path, text: Path, pretrained: Path, run: Path) -> ContrastTrainer:
    """A run that has not begun."""
    run.mkdir()
    content = json.loads(recipe.read_text(encoding="utf-8"))
    return ContrastTrainer(content, [text], run, 1, pretrained)


def test_spans_of_a_text_are_apart(text: Path, pretrained: Path, tmp_path: Path) -> None:
    recipe = contrast_recipe(tmp_path, token_dropout=0.0)
    trainer = trainer_of(recipe, text, pretrained, tmp_path / "run")
    drawn = np.random.default_rng(1)
    long = np.array([1, *range(10, 30), 2])
    orders = set()
    for _ in range(200):
        first, second = (span[1:-1] for span in trainer.spans(long, drawn))
        assert not set(first) & set(second)
        for span in (first, second):
            assert 3 <= len(span) <= 8 and span == list(range(span[0], span[0] + len(span)))
        orders.add(first[0] < second[0])
    assert orders == {True, False}


def test_thinned_spans_keep_something(text: Path, pretrained: Path, tmp_path: Path) -> None:
    recipe = contrast_recipe(tmp_path, token_dropout=0.9)
    trainer = trainer_of(recipe, text, pretrained, tmp_path / "run")
    drawn = np.random.default_rng(1)
    lengths = [len(trainer.thinned(np.arange(6), drawn)) for _ in range(300)]
    assert min(lengths) == 1 and max(lengths) == 6


def test_batches_hold_no_row_twice(text: Path, pretrained: Path, tmp_path: Path) -> None:
    trainer = trainer_of(contrast_recipe(tmp_path), text, pretrained, tmp_path / "run")
    lengths = np.array([7, 8] * 100)  # with the special tokens: 7 is too short for two spans of 3
    batches = list(trainer.batches(lengths, random.Random(1)))
    rows = np.concatenate(batches)
    assert [len(batch) for batch in batches] == [32, 32, 32] and len(set(rows.tolist())) == 96
    assert (lengths[rows] == 8).all()
    with pytest.raises(ConfigError, match="shortest"):
        trainer.batches(np.array([7, 7, 8]), random.Random(1))


def test_learns_which_spans_belong_together(text: Path, pretrained: Path, tmp_path: Path) -> None:
    lines = []
    rng = random.Random(2)
    for number in range(400):  # each text is about a word of its own
        word = f"{'aeiou'[number % 5]}{'bdfgk'[number // 5 % 5]}{'lmnrs'[number // 25 % 5]}"
        lines.append(" ".join(rng.choices(["the", "near", "a", word, word], k=24)))
    text.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run = tmp_path / "run"
    contrast(contrast_recipe(tmp_path), [text], run, seed=1, init=pretrained)
    log = read_log(run)
    assert min(line["train_loss"] for line in log) < 0.7 * log[0]["train_loss"]
    before, after = (load_checkpoint(folder).state_dict() for folder in (pretrained, run / "best"))
    assert before.keys() == after.keys()


def test_interrupted_and_resumed_equals_uninterrupted(text: Path, pretrained: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    recipe = contrast_recipe(tmp_path, tokens=6000, dropout=0.1)
    contrast(recipe, [text], whole, seed=3, init=pretrained)
    contrast(recipe, [text], parts, seed=3, init=pretrained, max_steps=5)
    contrast(recipe, [text], parts, seed=3, init=pretrained, resume=True)
    assert log_of(whole) == log_of(parts)
    first, second = (load_checkpoint(run / "best").state_dict() for run in (whole, parts))
    assert all(torch.equal(first[name], second[name]) for name in first)
