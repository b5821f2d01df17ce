"""PyTorch on one thread: the reference of train/, with the attention computed ahead where it can be.

Its argument is the checkpoint folder.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from runtimes.checkpoints import is_static
from runtimes.worker import serve
from train.checkpoint import load_checkpoint
from train.synthesizer import Attention, masked_softmax, merge_heads, pad_batch, split_heads


def precompute(attention: Attention, length: int) -> None:
    """Lets an attention whose scores do not depend on the input use the weights of texts of n tokens."""
    scores = attention.self(torch.empty(1, length, attention.output.dense.in_features))  # [1, H, n, n]
    weights = masked_softmax(scores, torch.ones(1, length, dtype=torch.bool))

    def forward(x: Tensor, _: Tensor) -> Tensor:
        """x: [B, n, D] -> [B, n, D]."""
        return attention.output.dense(merge_heads(weights @ split_heads(attention.self.value(x), attention.heads)))

    # Of this one module alone: the others of its class may have other weights.
    attention.forward = forward  # type: ignore[assignment, method-assign]


class TorchEncoder:
    def __init__(self, folder: Path) -> None:
        self.model = load_checkpoint(folder)
        # Of the current batch.
        self.token_ids: Tensor
        self.mask: Tensor
        self.output: Tensor

    def set_batch(self, token_ids: NDArray[np.int32], lengths: list[int], _: dict[str, Any]) -> None:
        if len(set(lengths)) != 1:
            raise ValueError(f"lengths: expected texts of one length, found {sorted(set(lengths))}")
        self.token_ids, self.mask = pad_batch(token_ids.reshape(len(lengths), -1).tolist())
        for layer, spec in zip(self.model.encoder.layer, self.model.config.attention, strict=True):
            if is_static(spec):
                precompute(layer.attention, lengths[0])

    def forward(self) -> None:
        self.output = self.model(self.token_ids, self.mask).hidden

    def hidden(self) -> NDArray[np.float32]:
        return self.output[self.mask].numpy()


def blas() -> str:
    """Which library multiplies PyTorch's matrices, and OpenBLAS's choice of kernels."""
    torch.ones(64, 64) @ torch.ones(64, 64)
    with open("/proc/self/maps", encoding="utf-8") as maps:
        loaded = {Path(line.split()[-1]) for line in maps if "blas" in line and "numpy" not in line}
    for library in loaded:
        if library.name.startswith("libopenblas"):
            core = ctypes.CDLL(str(library)).openblas_get_corename
            core.restype = ctypes.c_char_p
            return f"{library.name} ({core().decode()})"
    for library in loaded:
        if library.parent.name == "blas":
            raise SystemExit(f"PyTorch multiplies by the reference BLAS, {library}: install libopenblas0")
    return ", ".join(library.name for library in loaded) or "PyTorch's own"


if __name__ == "__main__":
    torch.set_num_threads(1)
    with torch.inference_mode():
        serve(TorchEncoder(Path(sys.argv[1])), {"torch": torch.__version__, "blas": blas()})
