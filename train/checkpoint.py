"""Checkpoint folders of docs/checkpoint.md: config.json and model.safetensors."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from train.config import SynthesizerConfig
from train.synthesizer import Synthesizer

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class CheckpointError(ValueError):
    """A folder that is no checkpoint; the message names the file and what was expected."""


def save_checkpoint(folder: Path, model: Synthesizer, dtype: str = "F32") -> None:
    """Writes config.json and model.safetensors; dtype is one of DTYPES."""
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save(folder / "config.json")
    tensors = {
        name: tensor.detach().cpu().to(DTYPES[dtype]).contiguous() for name, tensor in model.state_dict().items()
    }
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor.float()).all():
            raise CheckpointError(f"{name}: not finite as {dtype}")
    (folder / "model.safetensors").write_bytes(save(tensors))


def load_checkpoint(folder: Path) -> Synthesizer:
    """Reads a checkpoint folder; weights become F32 whatever they are on disk."""
    config = SynthesizerConfig.load(folder / "config.json")
    path = folder / "model.safetensors"
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    model = Synthesizer(config)
    tensors = {name: tensor.float() for name, tensor in load_file(str(path)).items()}
    _check_names_and_shapes(path, model.state_dict(), tensors)
    model.load_state_dict(tensors)
    return model.eval()


def _check_names_and_shapes(path: Path, wanted: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    for name in sorted(wanted.keys() - found.keys()):
        raise CheckpointError(f"{path}: the tensor {name} is missing")
    for name in sorted(found.keys() - wanted.keys()):
        raise CheckpointError(f"{path}: config.json does not call for the tensor {name}")
    for name, tensor in wanted.items():
        if found[name].shape != tensor.shape:
            raise CheckpointError(f"{path}: {name} is {list(found[name].shape)}, not {list(tensor.shape)}")


# The dimensions that count positions, of tensors whose names end so.
POSITION_DIMENSIONS = {
    "position_embeddings.weight": (0,),  # [L, D]
    ".random.r": (1, 2),  # [H, L, L]
    ".factorized_random.r1": (1,),  # [H, L, k]
    ".factorized_random.r2": (1,),
    ".dense.w2": (2,),  # [H, Dh, L]
    ".dense.b2": (1,),  # [H, L]
}
# What of a config no tensor's shape tells, and a pretrained encoder computes with.
COMPUTED_WITH = ("num_attention_heads", "hidden_act", "norm_position")


def leading_positions(name: str, tensor: Tensor, like: Tensor) -> Tensor:
    """The block of the tensor for the first positions, as many as `like` has."""
    for end, dimensions in POSITION_DIMENSIONS.items():
        if name.endswith(end) and tensor.dim() == like.dim():
            for dimension in dimensions:
                size = min(tensor.shape[dimension], like.shape[dimension])
                tensor = tensor.narrow(dimension, 0, size)
    return tensor


def initialize(model: Synthesizer, folder: Path) -> None:
    """Copies a pretrained checkpoint's tensors, all but a classifier's, into the model.

    A model for fewer positions takes the first of them: what is learned for positions is used by
    its leading block at any length.
    """
    source = load_checkpoint(folder)
    for key in COMPUTED_WITH:
        has, wanted = getattr(source.config, key), getattr(model.config, key)
        if has != wanted:
            raise CheckpointError(f"{folder}: its {key} is {has}, the recipe's is {wanted}")
    pretrained, own = source.state_dict(), model.state_dict()
    for name in pretrained:
        if name not in own and not name.startswith("classifier."):
            raise CheckpointError(f"{folder}: has {name}, which the recipe's model lacks")
    for name, tensor in own.items():
        if name.startswith("classifier."):
            continue
        if name not in pretrained:
            raise CheckpointError(f"{folder}: lacks {name}, which the recipe's model has")
        found = leading_positions(name, pretrained[name], tensor)
        if found.shape != tensor.shape:
            raise CheckpointError(
                f"{folder}: {name} is {list(pretrained[name].shape)}, the recipe's model has {list(tensor.shape)}"
            )
        own[name] = found
    model.load_state_dict(own)
