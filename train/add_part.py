"""Gives every layer of a checkpoint one more score source, so that training can go on from there.

    python -m train.add_part CHECKPOINT OUT --part '{"type": "dot_product"}'

OUT's attention is a mixture of what CHECKPOINT has and the new part, and OUT computes nearly what
CHECKPOINT does: both parts weigh 1/2 (a mixture begins with equal weights), the scores that are
there are doubled, and those of the new part are near 0. `train.train --init OUT` then learns what
the new part is good for. A classifier and the vocabulary are taken along.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import torch

from train.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from train.config import AttentionSpec, ConfigError
from train.recipe import copy_tokenizer
from train.synthesizer import Synthesizer, of_score_source

# The tensors of each source in which its scores are linear.
FACTORS = {
    "dot_product": ("query.weight", "query.bias"),
    "dense": ("dense.w2", "dense.b2"),
    "factorized_dense": ("factorized_dense.wa",),
    "random": ("random.r",),
    "factorized_random": ("factorized_random.r1",),
}
NEAR_ZERO = 0.02  # times a new part's scores; not 0, where a product of two factors cannot learn


def add_part(model: Synthesizer, part: AttentionSpec, seed: int = 1) -> Synthesizer:
    """A model with mixtures of `model`'s sources, doubled, and the new part, drawn from the seed."""
    for spec in model.config.attention:
        if spec.type == "mixture":
            raise ConfigError("attention: is a mixture already")
    if part.type == "mixture":
        raise ConfigError("--part: a mixture inside a mixture")
    if not part.trainable:
        raise ConfigError("--part: constants that are not trained would stay near 0")
    specs = tuple(AttentionSpec("mixture", parts=(spec, part)) for spec in model.config.attention)
    torch.manual_seed(seed)
    mixed = Synthesizer(replace(model.config, attention=specs))
    tensors = mixed.state_dict()
    for name, tensor in model.state_dict().items():
        if of_score_source(name):
            name = name.replace(".self.", ".self.mixture.0.")
        tensors[name] = tensor
    for layer, spec in enumerate(model.config.attention):
        source = f"encoder.layer.{layer}.attention.self.mixture"
        for factor in FACTORS[spec.type]:
            tensors[f"{source}.0.{factor}"] = 2.0 * tensors[f"{source}.0.{factor}"]
        for factor in FACTORS[part.type]:
            tensors[f"{source}.1.{factor}"] = NEAR_ZERO * tensors[f"{source}.1.{factor}"]
    mixed.load_state_dict(tensors)
    return mixed.eval()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="train.add_part", description="Adds a score source.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--part", type=json.loads, required=True, help="a spec of config.json")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    try:
        if arguments.out.resolve() == arguments.checkpoint.resolve():
            raise ConfigError(f"{arguments.out}: expected another folder than CHECKPOINT")
        model = load_checkpoint(arguments.checkpoint)
        length = model.config.max_position_embeddings
        part = AttentionSpec.from_json(arguments.part, length, "--part")
        save_checkpoint(arguments.out, add_part(model, part, arguments.seed))
        if model.config.tokenizer is not None:
            file = model.config.tokenizer["file"]
            copy_tokenizer(arguments.checkpoint, arguments.out, file)
    except (CheckpointError, ConfigError, FileNotFoundError) as error:
        sys.exit(f"train.add_part: {error}")


if __name__ == "__main__":
    main()
