"""The reference model against the equations."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from train.config import AttentionSpec
from train.synthesizer import Group, MixtureScores, make_scores, masked_softmax, pad_batch, pool
from train.tests.conftest import (
    DENSE,
    DOT,
    FACTORIZED_DENSE,
    FACTORIZED_RANDOM,
    FIXED_RANDOM,
    RANDOM,
    SPECS,
    make_config,
    make_model,
)

D, H, L, DH = 10, 2, 12, 5  # make_config's


def scores_of(spec: Any) -> Group:
    config = make_config(attention=spec)
    return make_scores(config, AttentionSpec.from_json(spec, L))


@pytest.mark.parametrize(
    "spec, expected",
    [
        (DOT, 2 * D * D + 2 * D),
        (DENSE, D * D + D + D * L + H * L),
        (FACTORIZED_DENSE, D * D + D + D * (4 + 3)),
        (RANDOM, H * L * L),
        (FACTORIZED_RANDOM, 2 * H * L * 3),
        ({"type": "mixture", "parts": [RANDOM, DENSE]}, H * L * L + D * D + D + D * L + H * L + 4),
    ],
)
def test_parameter_counts(spec: Any, expected: int) -> None:
    assert sum(parameter.numel() for parameter in scores_of(spec).parameters()) == expected


def test_fixed_random_has_no_parameters_but_is_in_the_state_dict() -> None:
    scores = scores_of(FIXED_RANDOM)
    assert list(scores.parameters()) == []
    assert scores.state_dict()["random.r"].shape == (H, L, L)


def test_gradients_reach_every_learned_tensor(spec: Any) -> None:
    model = make_model(attention=spec)
    token_ids, mask = pad_batch([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [3, 4]])
    model(token_ids, mask).logits.square().sum().backward()
    for name, parameter in model.named_parameters():
        if name.endswith(".key.bias"):
            continue  # the same amount on a whole row of scores, which softmax ignores
        assert parameter.grad is not None and parameter.grad.abs().max() > 1e-7, name


def test_fixed_random_survives_an_optimizer_step_and_the_rest_moves() -> None:
    model = make_model(attention={"type": "mixture", "parts": [FIXED_RANDOM, FACTORIZED_RANDOM]})
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    model(*pad_batch([[1, 2, 3, 4, 5]])).logits.square().sum().backward()
    optimizer.step()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]) == name.endswith("random.r"), name


@pytest.mark.parametrize("norm_position", ["post", "pre"])
def test_padding_never_changes_a_result(spec: Any, norm_position: str) -> None:
    model = make_model(attention=spec, norm_position=norm_position).double()
    texts = [[4, 5, 6], [7], list(range(12)), [1, 2, 3, 4, 5]]
    token_ids, mask = pad_batch(texts)
    token_ids[~mask] = 9  # whatever stands there
    together = model(token_ids, mask)
    for row, ids in enumerate(texts):
        alone = model(*pad_batch([ids]))
        together_hidden = together.hidden[row, : len(ids)]
        assert torch.allclose(together_hidden, alone.hidden[0], rtol=0, atol=1e-6)
        assert torch.allclose(together.logits[row], alone.logits[0], rtol=0, atol=1e-6)
        for how in ("mean", "cls", "max"):
            pooled = pool(together.hidden, mask, how)[row]
            assert torch.allclose(pooled, pool(alone.hidden, mask[row : row + 1, : len(ids)], how)[0])


def test_softmax_is_over_the_real_keys_only() -> None:
    scores = torch.randn(1, H, 4, 4)
    mask = torch.tensor([[True, True, True, False], [True, False, False, False]])
    weights = masked_softmax(scores, mask)
    assert (weights[0, :, :, 3] == 0).all() and (weights[1, :, :, 1:] == 0).all()
    assert torch.allclose(weights.sum(-1), torch.ones(2, H, 4))
    assert torch.allclose(weights[0, :, :3, :3], scores[0, :, :3, :3].softmax(-1))


@pytest.mark.parametrize("name", ["random", "random_fixed", "factorized_random"])
def test_static_scores_are_the_leading_block(name: str) -> None:
    scores = scores_of(SPECS[name])
    full = scores(torch.randn(1, L, D))
    for n in (1, 5, L):
        assert torch.allclose(scores(torch.randn(3, n, D)), full[:, :, :n, :n])


@pytest.mark.parametrize("name", ["dot_product", "dense", "factorized_dense", "mixture_of_all"])
def test_dynamic_scores_of_a_prefix_are_the_leading_block(name: str) -> None:
    scores = scores_of(SPECS[name])
    x = torch.randn(2, L, D)
    for n in (1, 5):
        assert torch.allclose(scores(x[:, :n]), scores(x)[:, :, :n, :n], atol=1e-6)


def test_scores_element_by_element() -> None:
    x = torch.randn(1, 7, D)
    dot, dense, factorized = (scores_of(spec) for spec in (DOT, DENSE, FACTORIZED_DENSE))
    for h, i, j in ((0, 0, 0), (1, 6, 2), (0, 3, 6), (1, 5, 5)):
        rows = slice(h * DH, (h + 1) * DH)
        expected = dot.query(x)[0, i, rows] @ dot.key(x)[0, j, rows] / DH**0.5
        assert torch.allclose(dot(x)[0, h, i, j], expected)
        u = dense.dense.w1(x)[0, i, rows].relu()
        expected = u @ dense.dense.w2[h, :, j] + dense.dense.b2[h, j]
        assert torch.allclose(dense(x)[0, h, i, j], expected)
        weights = factorized.factorized_dense
        u = weights.w1(x)[0, i, rows].relu()
        expected = (u @ weights.wa[h])[j % 4] * (u @ weights.wb[h])[j // 4]
        assert torch.allclose(factorized(x)[0, h, i, j], expected)


def test_factorized_dense_has_a_times_b_distinct_columns() -> None:
    scores = scores_of(FACTORIZED_DENSE)(torch.rand(1, L, D) + 0.5)[0, 0]  # [n, n]
    columns = {tuple(column.tolist()) for column in scores.t()}
    assert len(columns) == 4 * 3


def test_mixture_weights_sum_to_one_and_mix_the_parts() -> None:
    scores = scores_of(SPECS["mixture"])
    assert isinstance(scores, MixtureScores)
    nn.init.normal_(scores.mixture.a)
    alpha = scores.alpha()
    assert torch.allclose(alpha.sum(dim=-1), torch.ones(H))
    x = torch.randn(2, 5, D)
    first, second = (part(x) for part in scores.mixture.children())
    for h in range(H):
        mixed = alpha[h, 0] * first[0, h] + alpha[h, 1] * second[1, h]
        assert torch.allclose(scores(x)[1, h], mixed, atol=1e-6)


def test_tensor_names_of_a_bert_encoder() -> None:
    names = set(make_model(attention=DOT, type_vocab_size=2, num_hidden_layers=1).state_dict())
    layer = "encoder.layer.0."
    linear = ["attention.self.query", "attention.self.key", "attention.self.value"]
    linear += ["attention.output.dense", "attention.output.LayerNorm"]
    linear += ["intermediate.dense", "output.dense", "output.LayerNorm"]
    expected = {f"{layer}{name}.{leaf}" for name in linear for leaf in ("weight", "bias")}
    expected |= {f"embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type")}
    expected |= {f"{name}.{leaf}" for name in ("embeddings.LayerNorm", "classifier") for leaf in ("weight", "bias")}
    assert names == expected


def test_tensor_names_of_a_pre_norm_mixture() -> None:
    names = set(
        make_model(
            attention={"type": "mixture", "parts": [FACTORIZED_DENSE, DOT, FACTORIZED_RANDOM]},
            norm_position="pre",
            num_hidden_layers=1,
        ).state_dict()
    )
    layer = "encoder.layer.0."
    for name in (
        "attention.self.mixture.a",
        "attention.self.mixture.0.factorized_dense.wa",
        "attention.self.mixture.1.query.weight",
        "attention.self.mixture.2.factorized_random.r2",
        "attention.LayerNorm.weight",
        "intermediate.LayerNorm.bias",
    ):
        assert layer + name in names
    assert {"LayerNorm.weight", "LayerNorm.bias"} <= names
    assert layer + "output.LayerNorm.weight" not in names


@pytest.mark.parametrize("norm_position", ["post", "pre"])
def test_dot_product_layer_is_pytorchs_transformer_layer(norm_position: str) -> None:
    model = make_model(attention=DOT, norm_position=norm_position)
    layer = model.encoder.layer[0]
    pre = norm_position == "pre"
    theirs = nn.TransformerEncoderLayer(
        D,
        H,
        14,
        dropout=0.0,
        activation="gelu",
        batch_first=True,
        norm_first=pre,
        layer_norm_eps=1e-12,
    )
    attention, source = layer.attention, layer.attention.self
    projections = (source.query, source.key, source.value)
    first, second = (
        (attention.LayerNorm, layer.intermediate.LayerNorm)
        if pre
        else (attention.output.LayerNorm, layer.output.LayerNorm)
    )
    pairs = {
        "self_attn.out_proj": attention.output.dense,
        "linear1": layer.intermediate.dense,
        "linear2": layer.output.dense,
        "norm1": first,
        "norm2": second,
    }
    weights = {f"{name}.{leaf}": getattr(module, leaf) for name, module in pairs.items() for leaf in ("weight", "bias")}
    for leaf in ("weight", "bias"):
        weights[f"self_attn.in_proj_{leaf}"] = torch.cat([getattr(p, leaf) for p in projections])
    theirs.load_state_dict(weights)
    x, mask = torch.randn(2, 6, D), torch.ones(2, 6, dtype=torch.bool)
    mask[1, 4:] = False
    expected = theirs(x, src_key_padding_mask=~mask)
    assert torch.allclose(layer(x, mask)[mask], expected[mask], atol=1e-5)
