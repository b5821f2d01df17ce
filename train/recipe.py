"""Recipes: JSON files that say what to train. A run is a recipe, its data and a seed."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from train.config import ConfigError, SynthesizerConfig
from train.tokenizer import FILE, Tokenizer, tokenizer_json, train_vocabulary

Options = TypeVar("Options")
COUNTS = ("epochs", "batch_size", "batch_tokens", "pairs", "tokens", "log_steps")  # 1 or more


def read_recipe(path: Path, part: str) -> dict[str, Any]:
    """A recipe: `model` (config.json's keys), `tokenizer` and `part`, the options of the training."""
    try:
        recipe = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    for key in ("model", "tokenizer", part):
        if not isinstance(recipe.get(key), dict):
            raise ConfigError(f"{path}: expected an object under {key}")
    return recipe


def make_config(model: dict[str, Any], vocab_size: int, classes: Sequence[str] = ()) -> SynthesizerConfig:
    """A recipe's model with a vocabulary's size, the tokenizer's names and the classes, if any."""
    return SynthesizerConfig.from_json(
        {
            **model,
            "model_type": "synthesizer",
            "vocab_size": vocab_size,
            "tokenizer": tokenizer_json(),
            **({"id2label": {str(i): label for i, label in enumerate(classes)}} if classes else {}),
        }
    )


def fields_from_json(kind: type[Options], data: dict[str, Any], where: str) -> Options:
    """A dataclass of numbers. Unknown keys are errors: a misspelt one would train something else."""
    known = [item.name for item in fields(kind)]  # type: ignore[arg-type]
    for key, value in data.items():
        if key not in known:
            raise ConfigError(f"{where}.{key}: unknown, expected one of {', '.join(known)}")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise ConfigError(f"{where}.{key}: expected a number of 0 or more, got {value!r}")
        if key in COUNTS and (value < 1 or value != int(value)):
            raise ConfigError(f"{where}.{key}: expected a whole number of 1 or more, got {value!r}")
    return kind(**data)


def make_tokenizer(options: dict[str, Any], texts: Iterable[str], run: Path) -> Tokenizer:
    """RUN/tokenizer.model: kept if there, else copied from `file`, else trained on the texts.

    options: `file`, or `vocab_size` and, for a vocabulary from fewer of the texts, `texts`: how many.
    """
    path = run / FILE
    if not path.is_file():
        if "file" in options:
            shutil.copyfile(options["file"], path)
        elif "vocab_size" in options:
            if "texts" in options:
                texts = sample(texts, options["texts"])
            train_vocabulary(texts, options["vocab_size"], path)
        else:
            raise ConfigError("tokenizer: expected file or vocab_size")
    data = tokenizer_json()
    return Tokenizer(path, data["cls_token"], data["sep_token"])


def copy_tokenizer(source: Path, target: Path, file: str = FILE) -> None:
    """The folder `target` gets the vocabulary of the folder `source`."""
    shutil.copyfile(source / file, target / file)


def sample(texts: Iterable[str], size: int) -> list[str]:
    """`size` of the texts, each as likely as another (reservoir sampling), the same every time."""
    rng = random.Random(0)
    kept: list[str] = []
    for number, text in enumerate(texts):
        if number < size:
            kept.append(text)
        elif (place := rng.randrange(number + 1)) < size:
            kept[place] = text
    return kept
