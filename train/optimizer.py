"""AdamW as all training here uses it, and how its learning rate moves."""

from __future__ import annotations

import math

import torch
from torch import nn


def make_optimizer(
    model: nn.Module,
    rate: float,
    weight_decay: float,
    score_rate: float = 1.0,
    position_rate: float = 1.0,
) -> torch.optim.Optimizer:
    """AdamW in four groups.

    Weight decay is for the matrices of linear layers and word embeddings only. The constants of
    random and factorized_random scores have no input to scale their gradients and get a learning
    rate of their own: `score_rate` times the rate of the others. So do position embeddings, which
    steps of Adam's size soon carry away from where windows (windows.py) put them.
    """
    groups: dict[str, list[nn.Parameter]] = {name: [] for name in ("matrices", "scores", "positions", "others")}
    for name, parameter in model.named_parameters():
        leaf = name.rsplit(".", 1)[-1]
        if leaf in ("r", "r1", "r2"):
            groups["scores"].append(parameter)
        elif "position_embeddings" in name:
            groups["positions"].append(parameter)
        elif leaf == "weight" and parameter.dim() > 1:  # not LayerNorm's
            groups["matrices"].append(parameter)
        else:
            groups["others"].append(parameter)
    return torch.optim.AdamW(
        [
            {"params": groups["matrices"], "weight_decay": weight_decay, "scale": 1.0},
            {"params": groups["scores"], "weight_decay": 0.0, "scale": score_rate},
            {"params": groups["positions"], "weight_decay": 0.0, "scale": position_rate},
            {"params": groups["others"], "weight_decay": 0.0, "scale": 1.0},
        ],
        lr=rate,
        betas=(0.9, 0.98),
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Each group's learning rate, from the rate that its scale is relative to."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]


def warmup_cosine(peak: float, progress: float, warmup: float, end: float) -> float:
    """The rate at `progress`: linear up to `peak` at `warmup`, then half a cosine to 0 at `end`."""
    if progress < warmup:
        return peak * progress / warmup
    rest = (progress - warmup) / max(end - warmup, 1e-9)
    return peak * 0.5 * (1.0 + math.cos(math.pi * min(rest, 1.0)))
