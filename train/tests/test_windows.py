"""Heads that begin as windows attend to where the windows are."""

from __future__ import annotations

import pytest
import torch

from train.config import ConfigError, SynthesizerConfig
from train.synthesizer import Synthesizer
from train.windows import WINDOWS, _shift, start_with_windows, waves

N = 48


def model(attention: dict[str, object]) -> Synthesizer:
    config = SynthesizerConfig.from_json(
        {
            "model_type": "synthesizer",
            "vocab_size": 50,
            "hidden_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "max_position_embeddings": 64,
            "hidden_act": "gelu",
            "attention": attention,
        }
    )
    torch.manual_seed(1)
    return Synthesizer(config).eval()


@pytest.mark.parametrize("attention", [{"type": "factorized_random", "k": 8}, {"type": "dot_product"}])
@torch.no_grad()
def test_heads_look_where_their_windows_are(attention: dict[str, object]) -> None:
    encoder = model(attention)
    start_with_windows(encoder)
    x = encoder.embeddings(torch.randint(50, (1, N)))
    for layer in encoder.encoder.layer:
        weights = torch.softmax(layer.attention.self(x), dim=-1)[0]  # [H, n, n]
        inner = torch.arange(8, N - 8)
        for head, (offset, sharpness) in enumerate(WINDOWS):
            places = inner + int(offset)
            if sharpness >= 3:
                assert (weights[head, inner].argmax(dim=-1) == places).float().mean() > 0.75
            near = sum(weights[head, inner, places + step].mean() for step in range(-4, 5))
            assert near > 0.5
        x = layer(x, torch.ones(1, N, dtype=torch.bool))


@pytest.mark.parametrize("length, shares", [(64, (0.99, 0.99, 0.79)), (256, (0.77, 0.77, 0.42))])
def test_how_much_of_the_attention_is_near(length: int, shares: tuple[float, ...]) -> None:
    places = torch.arange(length)
    near = (places[:, None] - places).abs() <= 4
    for (offset, sharpness), share in zip(WINDOWS, shares):
        weights = torch.softmax(sharpness * waves(length, offset) @ waves(length).T, dim=1)
        assert (weights * near).sum(dim=1).mean().item() == pytest.approx(share, abs=0.005)


def test_shift_moves_the_waves() -> None:
    torch.testing.assert_close(waves(20) @ _shift(2.0).T, waves(20, 2.0))


def test_small_ranks_are_refused() -> None:
    with pytest.raises(ConfigError, match="expected k of 8 or more, got 4"):
        start_with_windows(model({"type": "factorized_random", "k": 4}))
