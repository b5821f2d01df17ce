"""An ONNX graph that is being written, and the two ways to lay out attention heads in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from train.config import SynthesizerConfig


class Graph:
    """Nodes and constants of a graph that is being written; tensors are known by their names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []
        self.linear_nodes: list[str] = []  # the products that may be quantized

    def constant(self, array: NDArray[Any]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def ops(self, op: str, inputs: Iterable[str], outputs: int, domain: str = "", **attributes: Any) -> list[str]:
        name = f"{op}_{len(self.nodes)}"
        names = [f"{name}:{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=name, domain=domain, **attributes))
        return names

    def op(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        return self.ops(op, inputs, 1, domain, **attributes)[0]

    def linear(self, x: str, weight: NDArray[np.float32], bias: NDArray[np.float32] | None = None) -> str:
        """x weight + bias; weight: [in, out]."""
        product = self.op("MatMul", x, self.constant(weight))
        if weight.ndim == 2:  # of more dimensions, ONNX Runtime cannot
            self.linear_nodes.append(self.nodes[-1].name)
        return product if bias is None else self.op("Add", product, self.constant(bias))

    def reshape(self, x: str, *shape: int) -> str:
        return self.op("Reshape", x, self.constant(np.array(shape, np.int64)))


class Batched:
    """The heads as a dimension of one tensor: [B, n, D] <-> [B, H, n, Dh]."""

    def __init__(self, graph: Graph, config: SynthesizerConfig, texts: int, length: int) -> None:
        self.graph = graph
        self.shape = (texts, length, config.num_attention_heads, config.head_size)
        self.leading = (texts, config.num_attention_heads)  # of a score tensor [..., n, n]

    def split(self, x: str) -> list[str]:
        return [self.graph.op("Transpose", self.graph.reshape(x, *self.shape), perm=[0, 2, 1, 3])]

    def constants(self, heads: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """heads: [H, ...] -> [1, H, ...]."""
        return [heads[None]]

    def transposed(self, x: str) -> str:
        return self.graph.op("Transpose", x, perm=[0, 1, 3, 2])

    def merge(self, heads: list[str]) -> str:
        texts, length, count, size = self.shape
        rows = self.graph.op("Transpose", heads[0], perm=[0, 2, 1, 3])
        return self.graph.reshape(rows, texts, length, count * size)


class PerHead:
    """The heads as tensors of their own: [B, n, D] <-> H of [B, n, Dh]."""

    def __init__(self, graph: Graph, config: SynthesizerConfig, texts: int) -> None:
        self.graph = graph
        self.heads = config.num_attention_heads
        self.sizes = np.full(self.heads, config.head_size, np.int64)
        self.leading = (texts,)

    def split(self, x: str) -> list[str]:
        return self.graph.ops("Split", [x, self.graph.constant(self.sizes)], self.heads, axis=2)

    def constants(self, heads: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """heads: [H, ...] -> H of [...]."""
        return list(heads)

    def transposed(self, x: str) -> str:
        return self.graph.op("Transpose", x, perm=[0, 2, 1])

    def merge(self, heads: list[str]) -> str:
        return self.graph.op("Concat", *heads, axis=2)
