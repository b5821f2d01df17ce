"""A checkpoint with one more score source, which begins as the model that it was."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from train.add_part import add_part
from train.config import AttentionSpec, ConfigError
from train.synthesizer import pad_batch
from train.tests.conftest import DENSE, DOT, FACTORIZED_DENSE, FACTORIZED_RANDOM, RANDOM, make_model

BATCH = pad_batch([[1, 2, 3, 4, 5], [6], [7, 8, 9]])
SOURCES = [DOT, DENSE, FACTORIZED_DENSE, RANDOM, FACTORIZED_RANDOM]


@pytest.mark.parametrize("new", SOURCES, ids=lambda spec: spec["type"])
@pytest.mark.parametrize("old", SOURCES, ids=lambda spec: spec["type"])
def test_the_mixture_begins_near_the_model_and_can_learn(old: Any, new: Any) -> None:
    model = make_model(attention=old)
    mixed = add_part(model, AttentionSpec.from_json(new, 12))
    before, after = model(*BATCH), mixed(*BATCH)
    assert (before.pooled - after.pooled).abs().max() < 0.1 * before.pooled.abs().max()
    after.logits.square().sum().backward()
    for name, parameter in mixed.named_parameters():
        # A key's bias moves all scores of a query alike, which softmax does not see.
        if ".mixture.1." in name and "key.bias" not in name:
            assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("old", SOURCES, ids=lambda spec: spec["type"])
def test_with_a_silent_part_it_is_the_model(old: Any) -> None:
    model = make_model(attention=old)
    mixed = add_part(model, AttentionSpec.from_json(DOT, 12))
    with torch.no_grad():
        for layer in mixed.encoder.layer:
            for parameter in getattr(layer.attention.self.mixture, "1").query.parameters():
                parameter.zero_()
    torch.testing.assert_close(mixed(*BATCH).logits, model(*BATCH).logits)


def test_the_model_stays_as_it_was() -> None:
    model = make_model(attention=FACTORIZED_RANDOM)
    before = copy.deepcopy(model.state_dict())
    add_part(model, AttentionSpec.from_json(DOT, 12))
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_a_mixture_gets_no_further_part() -> None:
    model = make_model(attention={"type": "mixture", "parts": [DOT, DENSE]})
    with pytest.raises(ConfigError, match="is a mixture already"):
        add_part(model, AttentionSpec.from_json(RANDOM, 12))
