"""A checkpoint as an ONNX graph for B texts of n tokens, in the forms that ONNX Runtime runs fastest.

The shapes are fixed, fused operators are written out where they are the faster ones (BiasGelu, Attention), and
all that does not depend on the input is a constant: the attention matrices of random and factorized_random, a
mixture's weights, 1/sqrt(Dh), and the value projection's bias, which moves behind the output projection because
the rows of softmax(S) sum to 1:

    (softmax(S) (X Wv^T + bv)) Wo^T + bo = softmax(S) X Wv^T Wo^T + (Wo bv + bo)

Which form of the attention is the fastest depends on the score source, n and B, so there are several; they give
the same results, and contenders.py races them:

    batched     all heads in one product, [B, H, n, n] or [H, n, n] x [B, H, n, Dh]
    per_head    a product for each head, [B, n, n] or [n, n] x [B, n, Dh]
    attention   the operator Attention, of dot products; the constant part of a mixture is its bias

Letters: as in docs/checkpoint.md, and B texts.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnxruntime.quantization import quantize_dynamic
from safetensors.numpy import load_file

from runtimes.checkpoints import is_static
from runtimes.machine import has_vnni
from runtimes.onnx_graph import Batched, Graph, PerHead
from train.config import AttentionSpec, SynthesizerConfig

MICROSOFT = "com.microsoft"
OPSET = 17  # the first with LayerNormalization
IR_VERSION = 10


def forms(config: SynthesizerConfig) -> list[str]:
    """The forms that this model's attention can take; one form is used in all layers."""
    parts = [part.type for spec in config.attention for part in (spec.parts or (spec,)) if not is_static(part)]
    one_dot_product_each = parts == ["dot_product"] * len(config.attention)
    return ["batched", "per_head"] + (["attention"] if one_dot_product_each else [])


class Checkpoint:
    """config.json and the tensors, as float32 arrays."""

    def __init__(self, folder: Path) -> None:
        self.config = SynthesizerConfig.load(folder / "config.json")
        self._tensors = load_file(str(folder / "model.safetensors"))
        config = self.config
        if config.position_embedding_type != "absolute" or config.type_vocab_size or config.labels:
            raise ValueError(f"{folder}: expected absolute positions, no token types and no classifier")

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return self._tensors[name].astype(np.float32)

    def linear(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The weight as ONNX multiplies it, [in, out], and the bias."""
        return self[f"{name}.weight"].T, self[f"{name}.bias"]


@dataclass
class Scores:
    """What the softmax of a layer gets: the constant part and the specs of the others, each with its weight."""

    constant: NDArray[np.float32] | None  # [H, n, n], None where there is no constant part
    dynamic: list[tuple[AttentionSpec, str, NDArray[np.float32]]]  # spec, prefix of its tensors, weight alpha [H]


def scores_of(checkpoint: Checkpoint, layer: int, length: int) -> Scores:
    """S = constant + sum_m alpha_m S_m, the constant parts added up."""
    spec = checkpoint.config.attention[layer]
    prefix = f"encoder.layer.{layer}.attention.self."
    heads = checkpoint.config.num_attention_heads
    parts = [(spec, prefix, np.ones(heads, np.float32))]
    if spec.type == "mixture":
        alpha = softmax(checkpoint[prefix + "mixture.a"])  # [H, M]
        parts = [(part, f"{prefix}mixture.{m}.", alpha[:, m]) for m, part in enumerate(spec.parts)]
    constant = [
        alpha[:, None, None] * static_scores(checkpoint, part, where, length)
        for part, where, alpha in parts
        if is_static(part)
    ]
    return Scores(reduce(np.add, constant) if constant else None, [part for part in parts if not is_static(part[0])])


def static_scores(checkpoint: Checkpoint, spec: AttentionSpec, prefix: str, length: int) -> NDArray[np.float32]:
    """S [H, n, n] of random or factorized_random."""
    if spec.type == "random":
        return checkpoint[prefix + "random.r"][:, :length, :length]
    r1, r2 = (checkpoint[f"{prefix}factorized_random.{name}"][:, :length] for name in ("r1", "r2"))
    return r1 @ r2.transpose(0, 2, 1)


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Over the last axis, computed in double precision."""
    e = np.exp(scores.astype(np.float64) - scores.max(-1, keepdims=True))
    return (e / e.sum(-1, keepdims=True)).astype(np.float32)


class Exporter:
    """Writes one model, for B texts of n tokens, in one form."""

    def __init__(self, checkpoint: Checkpoint, texts: int, length: int, form: str) -> None:
        self.checkpoint, self.config = checkpoint, checkpoint.config
        self.texts, self.length, self.form = texts, length, form
        self.graph = Graph()
        if form == "batched":
            self.heads: Batched | PerHead = Batched(self.graph, self.config, texts, length)
        else:
            self.heads = PerHead(self.graph, self.config, texts)

    def model(self) -> onnx.ModelProto:
        """token_ids I32 [B, n] -> hidden F32 [B, n, D]."""
        graph, config = self.graph, self.config
        hidden = self.encode(self.embed("token_ids"))
        graph.nodes.append(helper.make_node("Identity", [hidden], ["hidden"]))
        shape = [self.texts, self.length]
        inputs = [helper.make_tensor_value_info("token_ids", TensorProto.INT32, shape)]
        outputs = [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, [*shape, config.hidden_size])]
        return helper.make_model(
            helper.make_graph(graph.nodes, "encoder", inputs, outputs, graph.constants),
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)],
            ir_version=IR_VERSION,
        )

    def norm(self, x: str, name: str) -> str:
        weight, bias = (self.graph.constant(self.checkpoint[f"{name}.{leaf}"]) for leaf in ("weight", "bias"))
        return self.graph.op("LayerNormalization", x, weight, bias, epsilon=self.config.layer_norm_eps, axis=-1)

    def embed(self, ids: str) -> str:
        """LN(word + position)."""
        words = self.graph.constant(self.checkpoint["embeddings.word_embeddings.weight"])
        positions = self.checkpoint["embeddings.position_embeddings.weight"][: self.length]
        total = self.graph.op("Add", self.graph.op("Gather", words, ids), self.graph.constant(positions))
        return self.norm(total, "embeddings.LayerNorm")

    def encode(self, x: str) -> str:
        """All layers.

        post: x = LN(x + Attention(x)); x = LN(x + FeedForward(x)).
        pre: x = x + Attention(LN(x)); x = x + FeedForward(LN(x)); behind the last layer x = LN(x).
        """
        add = partial(self.graph.op, "Add")
        for i in range(self.config.num_hidden_layers):
            layer = f"encoder.layer.{i}"
            if self.config.norm_position == "post":
                x = self.norm(add(x, self.attention(x, i)), f"{layer}.attention.output.LayerNorm")
                x = self.norm(add(x, self.feed_forward(x, i)), f"{layer}.output.LayerNorm")
            else:
                x = add(x, self.attention(self.norm(x, f"{layer}.attention.LayerNorm"), i))
                x = add(x, self.feed_forward(self.norm(x, f"{layer}.intermediate.LayerNorm"), i))
        return self.norm(x, "LayerNorm") if self.config.norm_position == "pre" else x

    def feed_forward(self, x: str, layer: int) -> str:
        """act(x W1^T + b1) W2^T + b2."""
        weight, bias = self.checkpoint.linear(f"encoder.layer.{layer}.intermediate.dense")
        if self.config.hidden_act == "relu":
            inner = self.graph.op("Relu", self.graph.linear(x, weight, bias))
        else:
            op = {"gelu": "BiasGelu", "gelu_new": "FastGelu"}[self.config.hidden_act]
            inner = self.graph.op(op, self.graph.linear(x, weight), self.graph.constant(bias), domain=MICROSOFT)
        return self.graph.linear(inner, *self.checkpoint.linear(f"encoder.layer.{layer}.output.dense"))

    def attention(self, x: str, layer: int) -> str:
        """softmax(S) X Wv^T Wo^T + (Wo bv + bo)."""
        name = f"encoder.layer.{layer}.attention"
        value, value_bias = self.checkpoint.linear(f"{name}.self.value")
        output, output_bias = self.checkpoint.linear(f"{name}.output.dense")
        scores = scores_of(self.checkpoint, layer, self.length)
        if self.form == "attention":
            mixed = self.fused_attention(x, scores, value)
        else:
            mixed = self.mix(self.weights(x, scores), self.graph.linear(x, value))
        return self.graph.linear(mixed, output, value_bias @ output + output_bias)

    def mix(self, weights: list[str], values: str) -> str:
        """weights: [H, n, n] or [B, H, n, n], in one tensor or one per head; values: [B, n, D] -> [B, n, D]."""
        products = zip(weights, self.heads.split(values), strict=True)
        return self.heads.merge([self.graph.op("MatMul", w, v) for w, v in products])

    def weights(self, x: str, scores: Scores) -> list[str]:
        """softmax(S), S made from x: [B, n, D]; a constant where S is one."""
        graph, heads = self.graph, self.heads
        if not scores.dynamic:
            assert scores.constant is not None  # scores have a part
            return [graph.constant(w) for w in heads.constants(softmax(scores.constant))]
        terms = [self.source(x, *part) for part in scores.dynamic]
        if scores.constant is not None:
            terms.append([graph.constant(s) for s in heads.constants(scores.constant)])
        totals = [reduce(partial(graph.op, "Add"), head) for head in zip(*terms, strict=True)]
        return [graph.op("Softmax", total, axis=-1) for total in totals]

    def source(self, x: str, spec: AttentionSpec, prefix: str, alpha: NDArray[np.float32]) -> list[str]:
        """alpha S of one dynamic score source, in one tensor or one per head."""
        sources = {
            "dot_product": self.dot_product,
            "dense": self.dense,
            "factorized_dense": self.factorized_dense,
        }
        return sources[spec.type](x, spec, prefix, alpha)

    def scaled_query(self, prefix: str, alpha: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Wq^T and bq times alpha_h / sqrt(Dh)."""
        size = self.config.head_size
        weight, bias = self.checkpoint.linear(f"{prefix}query")
        scale = np.repeat(alpha / np.float32(math.sqrt(size)), size)
        return weight * scale, bias * scale

    def dot_product(self, x: str, _: AttentionSpec, prefix: str, alpha: NDArray[np.float32]) -> list[str]:
        """(x Wq^T + bq) (x Wk^T + bk)^T / sqrt(Dh)."""
        graph, heads = self.graph, self.heads
        q = heads.split(graph.linear(x, *self.scaled_query(prefix, alpha)))
        k = heads.split(graph.linear(x, *self.checkpoint.linear(f"{prefix}key")))
        return [graph.op("MatMul", q_h, heads.transposed(k_h)) for q_h, k_h in zip(q, k, strict=True)]

    def dense(self, x: str, _: AttentionSpec, prefix: str, alpha: NDArray[np.float32]) -> list[str]:
        """relu(x W1^T + b1) W2 + b2, the first n columns."""
        graph, heads = self.graph, self.heads
        u = graph.op("Relu", graph.linear(x, *self.checkpoint.linear(f"{prefix}dense.w1")))
        w2, b2 = (self.checkpoint[f"{prefix}dense.{leaf}"][..., : self.length] for leaf in ("w2", "b2"))
        weights = heads.constants(alpha[:, None, None] * w2)  # of [H, Dh, n]
        biases = heads.constants((alpha[:, None] * b2)[:, None])  # of [H, 1, n]
        return [graph.linear(u_h, w, b) for u_h, w, b in zip(heads.split(u), weights, biases, strict=True)]

    def factorized_dense(self, x: str, spec: AttentionSpec, prefix: str, alpha: NDArray[np.float32]) -> list[str]:
        """S_ij = A_i[j mod a] B_i[j div a]; of B only what the first n columns need."""
        graph, heads, n = self.graph, self.heads, self.length
        a = spec.factors[0]
        b = -(-n // a)
        u = graph.op("Relu", graph.linear(x, *self.checkpoint.linear(f"{prefix}factorized_dense.w1")))
        wa, wb = (self.checkpoint[f"{prefix}factorized_dense.{leaf}"] for leaf in ("wa", "wb"))
        result = []
        factors = heads.constants(alpha[:, None, None] * wa), heads.constants(wb[..., :b])
        for u_h, wa_h, wb_h in zip(heads.split(u), *factors, strict=True):
            tile = graph.reshape(graph.linear(u_h, wa_h), *heads.leading, n, 1, a)
            repeat = graph.reshape(graph.linear(u_h, wb_h), *heads.leading, n, b, 1)
            scores = graph.reshape(graph.op("Mul", repeat, tile), *heads.leading, n, b * a)
            if b * a > n:
                ends = [graph.constant(np.array([end], np.int64)) for end in (0, n, -1)]
                scores = graph.op("Slice", scores, *ends)
            result.append(scores)
        return result

    def fused_attention(self, x: str, scores: Scores, value: NDArray[np.float32]) -> str:
        """softmax(Q K^T + constant) V by one operator; alpha / sqrt(Dh) is in Q."""
        graph, config = self.graph, self.config
        ((_, prefix, alpha),) = scores.dynamic
        query, query_bias = self.scaled_query(prefix, alpha)
        key, key_bias = self.checkpoint.linear(f"{prefix}key")
        bias = graph.constant(np.concatenate([query_bias, key_bias, np.zeros_like(key_bias)]))
        weights = graph.constant(np.concatenate([query, key, value], axis=1))
        constant = "" if scores.constant is None else graph.constant(scores.constant[None])
        inputs = [x, weights, bias, "", "", constant]  # without a mask and a past
        attributes = {"num_heads": config.num_attention_heads, "scale": 1.0}
        mixed = graph.op("Attention", *inputs, domain=MICROSOFT, **attributes)
        if scores.constant is None:  # quantized, it would lose its bias
            graph.linear_nodes.append(graph.nodes[-1].name)
        return mixed


@dataclass(frozen=True)
class Export:
    """One way to write a checkpoint as a graph: a form, and of int8 what a weight's scale belongs to."""

    form: str
    scale: str | None = None  # "tensor" or "channel"; None: f32

    def __str__(self) -> str:
        return self.form if self.scale is None else f"{self.form}, scale per {self.scale}"


def exports(checkpoint: Checkpoint, precision: str) -> list[Export]:
    """All ways to export a checkpoint in f32 or int8."""
    scales = {"f32": (None,), "int8": ("tensor", "channel")}[precision]
    return [Export(form, scale) for form in forms(checkpoint.config) for scale in scales]


def write_export(checkpoint: Checkpoint, texts: int, length: int, export: Export, folder: Path) -> Path:
    """Writes the graph for B texts of n tokens; its file."""
    plain = folder / f"{export.form}_{texts}x{length}.onnx"
    exporter = Exporter(checkpoint, texts, length, export.form)
    onnx.save(exporter.model(), str(plain))
    if export.scale is None:
        return plain
    out = plain.with_suffix(f".{export.scale}.onnx")
    _quantize(plain, exporter.graph.linear_nodes, export.scale == "channel", out)
    return out


def _quantize(path: Path, nodes: list[str], per_channel: bool, out: Path) -> None:
    """ONNX Runtime's dynamic quantization: int8 weights, and uint8 activations scaled anew in each run."""
    logging.getLogger().setLevel(logging.ERROR)  # it advises preprocessing, which is for graphs without shapes
    quantize_dynamic(
        path,
        out,
        op_types_to_quantize=["MatMul", "Attention"],
        nodes_to_quantize=nodes,
        per_channel=per_channel,
        # Without VNNI, 8-bit weights overflow the 16 bits that two products are added up in.
        reduce_range=not has_vnni(),
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
