"""Configs, and checkpoint folders written and read back."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from train.checkpoint import CheckpointError, initialize, load_checkpoint, save_checkpoint
from train.config import ConfigError, SynthesizerConfig
from train.synthesizer import Synthesizer, pad_batch
from train.tests.conftest import BASE, DOT, FACTORIZED_RANDOM, make_config, make_model

TEXTS = [[1, 2, 3, 4, 5], [6], [7, 8, 9]]


@pytest.mark.parametrize("norm_position", ["post", "pre"])
def test_round_trip_gives_identical_outputs(spec: Any, norm_position: str, tmp_path: Path) -> None:
    model = make_model(attention=spec, norm_position=norm_position)
    save_checkpoint(tmp_path, model)
    loaded = load_checkpoint(tmp_path)
    assert loaded.config == model.config
    before, after = (m(*pad_batch(TEXTS)) for m in (model, loaded))
    assert torch.equal(before.hidden, after.hidden)
    assert torch.equal(before.logits, after.logits)


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_half_precision_on_disk_is_the_rounded_model(dtype: str, tmp_path: Path) -> None:
    model = make_model(attention=FACTORIZED_RANDOM)
    save_checkpoint(tmp_path, model, dtype)
    rounded = copy.deepcopy(model)
    as_type = {"F16": torch.float16, "BF16": torch.bfloat16}[dtype]
    rounded.load_state_dict({k: v.to(as_type).float() for k, v in model.state_dict().items()})
    loaded = load_checkpoint(tmp_path)
    assert torch.equal(loaded(*pad_batch(TEXTS)).logits, rounded(*pad_batch(TEXTS)).logits)


def test_what_f16_cannot_hold_is_an_error(tmp_path: Path) -> None:
    model = make_model(attention=FACTORIZED_RANDOM)
    with torch.no_grad():
        model.classifier.bias[0] = 1e6
    with pytest.raises(CheckpointError, match=r"classifier\.bias: not finite as F16"):
        save_checkpoint(tmp_path, model, "F16")


def test_missing_extra_and_misshapen_tensors_are_errors(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, make_model(attention=DOT))
    path = tmp_path / "model.safetensors"
    tensors = load_file(str(path))
    save_file({**tensors, "extra": torch.zeros(1)}, str(path))
    with pytest.raises(CheckpointError, match="does not call for the tensor extra"):
        load_checkpoint(tmp_path)
    name = "encoder.layer.0.attention.self.query.weight"
    save_file({**tensors, name: torch.zeros(3, 3)}, str(path))
    with pytest.raises(CheckpointError, match=r"query.weight is \[3, 3\], not \[10, 10\]"):
        load_checkpoint(tmp_path)
    tensors.pop(name)
    save_file(tensors, str(path))
    with pytest.raises(CheckpointError, match=f"{name} is missing"):
        load_checkpoint(tmp_path)


def test_config_round_trip(spec: Any, tmp_path: Path) -> None:
    config = make_config(
        attention=spec,
        type_vocab_size=2,
        pooling="max",
        tokenizer={"type": "sentencepiece", "file": "tokenizer.model"},
        out_of_scope={"score": "energy", "threshold": -3.5},
    )
    config.save(tmp_path / "config.json")
    assert SynthesizerConfig.load(tmp_path / "config.json") == config


def test_no_classifier_leaves_its_keys_out() -> None:
    data = {key: value for key, value in BASE.items() if key != "id2label"}
    config = SynthesizerConfig.from_json({**data, "attention": DOT, "unknown": "ignored"})
    assert not {"id2label", "problem_type"} & config.to_json().keys()
    assert not any("classifier" in name for name in Synthesizer(config).state_dict())


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"attention": {"type": "softmax"}}, "unknown score source 'softmax'"),
        ({"attention": [DOT]}, "1 specs for 2 layers"),
        ({"attention": {"type": "factorized_dense", "factors": [5, 2]}}, "5 x 2 is not L = 12"),
        ({"attention": {"type": "random"}}, "the key trainable is missing"),
        ({"attention": {"type": "mixture", "parts": [DOT]}}, "two or more"),
        (
            {"attention": {"type": "mixture", "parts": [DOT, {"type": "mixture", "parts": [DOT, DOT]}]}},
            "a mixture inside a mixture",
        ),
        ({"attention": {"type": "factorized_random", "k": 0}}, "positive integer"),
        ({"num_attention_heads": 3}, "does not divide"),
        ({"hidden_act": "mish"}, "hidden_act: expected one of relu, gelu, gelu_new, silu"),
        ({"pooling": "sum"}, "pooling"),
        ({"layer_norm_eps": 0}, "layer_norm_eps"),
        ({"id2label": {"1": "a"}}, "id2label"),
        ({"out_of_scope": {"score": "energy"}}, "threshold is missing"),
    ],
)
def test_config_errors_name_the_key(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_config(**{"attention": DOT, **changes})


def test_config_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match=str(path)):
        SynthesizerConfig.load(path)
    path.write_text(json.dumps({"model_type": "bert"}), encoding="utf-8")
    with pytest.raises(ConfigError, match="model_type"):
        SynthesizerConfig.load(path)


def test_a_model_for_fewer_positions_begins_as_the_pretrained_one(spec: Any, tmp_path: Path) -> None:
    changes = {"attention": spec, "max_position_embeddings": 7}
    if "factors" in json.dumps(spec):  # they belong to a number of positions
        with pytest.raises(ConfigError, match="factors"):
            make_config(**changes)
        return
    pretrained = make_model(attention=spec)
    save_checkpoint(tmp_path, pretrained)
    shorter = Synthesizer(make_config(**changes)).eval()
    initialize(shorter, tmp_path)
    hidden = (model(*pad_batch(TEXTS)).hidden for model in (pretrained, shorter))
    torch.testing.assert_close(*hidden)


@pytest.mark.parametrize(
    "changes, problem",
    [
        ({"attention": {**FACTORIZED_RANDOM, "k": 2}}, r"r1 is \[2, 12, 3\]"),
        ({"attention": {**FACTORIZED_RANDOM, "k": 4}}, r"r1 is \[2, 12, 3\]"),
        ({"num_hidden_layers": 1}, "has encoder.layer.1"),
        ({"num_hidden_layers": 3}, "lacks encoder.layer.2"),
        ({"num_attention_heads": 1}, "its num_attention_heads is 2, the recipe's is 1"),
        ({"hidden_act": "relu"}, "its hidden_act is gelu"),
        ({"norm_position": "pre"}, "its norm_position is post"),
        ({"max_position_embeddings": 13}, r"position_embeddings.weight is \[12, 10\]"),
    ],
)
def test_a_model_of_other_sizes_does_not_begin_as_the_pretrained_one(
    changes: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    save_checkpoint(tmp_path, make_model(attention=FACTORIZED_RANDOM))
    other = Synthesizer(make_config(**{"attention": FACTORIZED_RANDOM, **changes}))
    with pytest.raises(CheckpointError, match=problem):
        initialize(other, tmp_path)
