"""What the tests share: one core, small models of every score source, tiny data."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from train.config import SynthesizerConfig
from train.golden import draw_weights
from train.synthesizer import Synthesizer

torch.set_num_threads(1)

DOT = {"type": "dot_product"}
DENSE = {"type": "dense"}
FACTORIZED_DENSE = {"type": "factorized_dense", "factors": [4, 3]}
RANDOM = {"type": "random", "trainable": True}
FIXED_RANDOM = {"type": "random", "trainable": False}
FACTORIZED_RANDOM = {"type": "factorized_random", "k": 3}

SPECS: dict[str, Any] = {
    "dot_product": DOT,
    "dense": DENSE,
    "factorized_dense": FACTORIZED_DENSE,
    "random": RANDOM,
    "random_fixed": FIXED_RANDOM,
    "factorized_random": FACTORIZED_RANDOM,
    "mixture": {"type": "mixture", "parts": [FACTORIZED_RANDOM, DOT]},
    "mixture_of_all": {
        "type": "mixture",
        "parts": [DOT, DENSE, FACTORIZED_DENSE, RANDOM, FIXED_RANDOM, FACTORIZED_RANDOM],
    },
    "hybrid": [FACTORIZED_RANDOM, DOT],
}
BASE: dict[str, Any] = {
    "model_type": "synthesizer",
    "vocab_size": 19,
    "hidden_size": 10,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 14,
    "max_position_embeddings": 12,
    "hidden_act": "gelu",
    "id2label": {"0": "a", "1": "b", "2": "c"},
}


def make_config(**changes: Any) -> SynthesizerConfig:
    """A small config; `attention` must be among the changes."""
    return SynthesizerConfig.from_json({**BASE, **changes})


def make_model(**changes: Any) -> Synthesizer:
    """A small model, every tensor drawn so that attention is far from uniform."""
    model = Synthesizer(make_config(**changes))
    with torch.no_grad():
        draw_weights(model, seed=3)
    return model.eval()


@pytest.fixture(params=list(SPECS))
def spec(request: pytest.FixtureRequest) -> Any:
    """Each score source, mixtures and a hybrid."""
    return SPECS[request.param]


SUBJECTS = ("the lamp", "a song", "my account", "the weather", "this door", "an alarm")
VERBS = {
    "on": ("turn on", "start", "open"),
    "off": ("turn off", "stop", "close"),
    "ask": ("tell me about", "what is", "explain"),
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with 54 training texts of three classes; `oos` labels none of them."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [f"{label}\t{verb} {subject}\n" for label, verbs in VERBS.items() for verb in verbs for subject in SUBJECTS]
    (folder / "train.tsv").write_text("".join(rows), encoding="utf-8")
    (folder / "dev.tsv").write_text("".join(rows[::5]), encoding="utf-8")
    (folder / "oos_dev.tsv").write_text("oos\tzebras gallop\noos\tnothing\n", encoding="utf-8")
    (folder / "labels.txt").write_text("ask\non\noff\noos\n", encoding="utf-8")
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe small enough for a test, with every kind of augmentation on."""
    path = tmp_path / "recipe.json"
    model = {
        "hidden_size": 12,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 24,
        "hidden_act": "gelu",
        "attention": {"type": "factorized_random", "k": 2},
    }
    training = {
        "epochs": 4,
        "warmup_epochs": 1,
        "batch_size": 8,
        "learning_rate": 0.01,
        "dropout": 0.2,
        "label_smoothing": 0.1,
        "token_dropout": 0.1,
        "subword_alpha": 0.5,
        "r_drop": 0.5,
        "average_decay": 0.9,
    }
    content = {"model": model, "tokenizer": {"vocab_size": 290}, "training": training}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


WORDS = [
    "the",
    "a",
    "red",
    "blue",
    "old",
    "new",
    "house",
    "tree",
    "river",
    "dog",
    "cat",
    "runs",
    "sits",
    "sees",
    "near",
    "under",
]


@pytest.fixture(name="text")
def text_file(tmp_path: Path) -> Path:
    """Enough short texts for a vocabulary and two hundred pieces."""
    rng = random.Random(1)
    lines = [" ".join(rng.choices(WORDS, k=rng.randrange(5, 40))) for _ in range(300)]
    path = tmp_path / "text.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
