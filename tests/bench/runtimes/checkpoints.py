"""The models to compare: one checkpoint for each score source, with weights drawn from a seed."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import nn

from train.checkpoint import save_checkpoint
from train.config import AttentionSpec, SynthesizerConfig
from train.synthesizer import Synthesizer

VARIANTS = ("dot_product", "dense", "factorized_dense", "random", "factorized_random", "mixture")


def add_model_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that describe the models; parsed, they are what `config` reads."""
    group = parser.add_argument_group("model")
    group.add_argument("--hidden", type=int, default=256, help="D (default: %(default)s)")
    group.add_argument("--heads", type=int, default=4, help="H (default: %(default)s)")
    group.add_argument("--layers", type=int, default=4, help="N (default: %(default)s)")
    group.add_argument("--intermediate", type=int, default=1024, help="F (default: %(default)s)")
    group.add_argument("--max-length", type=int, default=512, help="L (default: %(default)s)")
    group.add_argument("--vocabulary", type=int, default=8192, help="V (default: %(default)s)")
    group.add_argument("--rank", type=int, default=8, help="k of factorized_random (default: %(default)s)")
    group.add_argument("--activation", choices=("relu", "gelu", "gelu_new"), default="gelu")
    group.add_argument("--norm", choices=("post", "pre"), default="post")
    group.add_argument("--seed", type=int, default=1, help="of weights and token ids (default: %(default)s)")


def config(variant: str, options: argparse.Namespace) -> SynthesizerConfig:
    """The config of a variant at the size that the flags ask for, without tokenizer or classifier."""
    factorized_random = {"type": "factorized_random", "k": options.rank}
    specs = {
        "factorized_dense": {"type": "factorized_dense", "factors": _factors(options.max_length)},
        "random": {"type": "random", "trainable": True},
        "factorized_random": factorized_random,
        "mixture": {"type": "mixture", "parts": [factorized_random, {"type": "dot_product"}]},
    }
    return SynthesizerConfig.from_json(
        {
            "model_type": "synthesizer",
            "vocab_size": options.vocabulary,
            "hidden_size": options.hidden,
            "num_hidden_layers": options.layers,
            "num_attention_heads": options.heads,
            "intermediate_size": options.intermediate,
            "max_position_embeddings": options.max_length,
            "hidden_act": options.activation,
            "norm_position": options.norm,
            "attention": specs.get(variant, {"type": variant}),
        }
    )


def write(folder: Path, variant: str, options: argparse.Namespace) -> Synthesizer:
    """Writes the variant's checkpoint, all F32, and returns it as the reference."""
    torch.manual_seed(options.seed)
    model = Synthesizer(config(variant, options)).eval()
    with torch.no_grad():
        _draw(model)
    save_checkpoint(folder, model)
    return model


def is_static(spec: AttentionSpec) -> bool:
    """Whether the scores do not depend on the input."""
    if spec.type == "mixture":
        return all(is_static(part) for part in spec.parts)
    return spec.type in ("random", "factorized_random")


def _factors(length: int) -> list[int]:
    """[a, b] with a b = L, a <= b and as near to each other as can be."""
    a = max(a for a in range(1, int(length**0.5) + 1) if length % a == 0)
    return [a, length // a]


def _draw(model: Synthesizer) -> None:
    """Fills what is not drawn already so that the activations keep a size of about 1 in every layer.

    The score sources draw scores of about N(0, 1) themselves, and N(0, 1/D) in Wq and Wk does the same
    for the dot product: softmax then is neither flat nor a choice of one key.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.weight.normal_(std=module.in_features**-0.5)
            module.bias.normal_(std=0.1)
        elif isinstance(module, nn.LayerNorm):
            module.weight.normal_(mean=1.0, std=0.1)
            module.bias.normal_(std=0.1)
    for name, parameter in model.named_parameters():
        if name.endswith(("dense.b2", "mixture.a")):
            parameter.normal_(std=0.5)
