"""Logits of many texts, and what is computed from them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from train.data import batches_by_length
from train.synthesizer import Synthesizer, pad_batch


@torch.no_grad()
def embed(model: Synthesizer, texts: Sequence[list[int]], batch_size: int = 128) -> Tensor:
    """Pooled vectors [rows, D] of token id lists, in the texts' order."""
    training = model.training
    model.eval()
    pooled = torch.empty(len(texts), model.config.hidden_size)
    for rows in batches_by_length([len(ids) for ids in texts], batch_size):
        pooled[rows] = model(*pad_batch([texts[row] for row in rows])).pooled
    model.train(training)
    return pooled


@torch.no_grad()
def predict(model: Synthesizer, texts: Sequence[Sequence[list[int]]]) -> Tensor:
    """Logits [rows, C] of texts, each given by the token ids of its windows.

    A text's vector is the mean of its windows' vectors, or their largest values, as in the server.
    """
    vectors = embed(model, [window for text in texts for window in text])
    parts = vectors.split([len(text) for text in texts])
    largest = model.config.pooling == "max"
    pooled = torch.stack([part.amax(0) if largest else part.mean(0) for part in parts])
    logits: Tensor = model.classifier(pooled)
    return logits


def accuracy(logits: Tensor, wanted: Tensor) -> float:
    """The share of rows whose best class, or whose whole set of classes, is right.

    wanted: class numbers [rows], or zeros and ones [rows, C] (a logit above 0 is a yes).
    """
    if wanted.dim() == 2:
        right = ((logits > 0) == (wanted > 0.5)).all(dim=1)
    else:
        right = logits.argmax(dim=1) == wanted
    return right.double().mean().item()


def out_of_scope_scores(logits: Tensor, score: str) -> Tensor:
    """Scores [rows], higher is further out of scope, from logits z [rows, C].

    max_probability: 1 - max softmax(z); energy: -log sum exp(z) (Liu et al. 2020).
    """
    logits = logits.double()
    if score == "max_probability":
        return 1.0 - functional.softmax(logits, dim=1).amax(dim=1)
    if score == "energy":
        return -logits.logsumexp(dim=1)
    raise ValueError(f"unknown out-of-scope score {score!r}")


def auroc(inside: Tensor, outside: Tensor) -> float:
    """P(score of an out-of-scope text > score of an in-scope one), ties counted half."""
    ordered = inside.sort().values
    below = torch.searchsorted(ordered, outside, right=False).double()
    not_above = torch.searchsorted(ordered, outside, right=True).double()
    return ((below + not_above) / 2).mean().item() / len(inside)
