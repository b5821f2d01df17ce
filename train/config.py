"""The shape of a model: config.json of docs/checkpoint.md, read, checked and written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACTIVATIONS = ("relu", "gelu", "gelu_new", "silu")
NORM_POSITIONS = ("post", "pre")
POSITION_EMBEDDINGS = ("absolute", "none")
POOLINGS = ("mean", "cls", "max")
PROBLEM_TYPES = ("single_label_classification", "multi_label_classification")
OUT_OF_SCOPE_SCORES = ("max_probability", "energy")


class ConfigError(ValueError):
    """A config that describes no model; the message names the key and what was expected."""


def _positive_int(value: Any, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{key}: expected a positive integer, got {value!r}")
    return value


def _one_of(value: Any, key: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ConfigError(f"{key}: expected one of {', '.join(allowed)}, got {value!r}")
    return value


def _object(value: Any, key: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{key}: expected an object, got {value!r}")
    return value


def _key(data: dict[str, Any], key: str, where: str = "config.json") -> Any:
    if key not in data:
        raise ConfigError(f"{where}: the key {key} is missing")
    return data[key]


@dataclass(frozen=True)
class AttentionSpec:
    """The score source of one layer. Fields that the type does not use keep their defaults."""

    type: str
    trainable: bool = True
    k: int = 0
    factors: tuple[int, int] = (0, 0)
    parts: tuple[AttentionSpec, ...] = ()

    @staticmethod
    def from_json(data: Any, max_length: int, where: str = "attention") -> AttentionSpec:
        """Reads one spec; max_length is L, which the factors of factorized_dense must give."""
        kind = _key(_object(data, where), "type", where)
        if kind in ("dot_product", "dense"):
            return AttentionSpec(kind)
        if kind == "factorized_dense":
            factors = _key(data, "factors", where)
            if not isinstance(factors, list) or len(factors) != 2:
                raise ConfigError(f"{where}.factors: expected [a, b], got {factors!r}")
            a, b = (_positive_int(factor, f"{where}.factors") for factor in factors)
            if a * b != max_length:
                raise ConfigError(f"{where}.factors: {a} x {b} is not L = {max_length}")
            return AttentionSpec(kind, factors=(a, b))
        if kind == "random":
            trainable = _key(data, "trainable", where)
            if not isinstance(trainable, bool):
                raise ConfigError(f"{where}.trainable: expected true or false, got {trainable!r}")
            return AttentionSpec(kind, trainable=trainable)
        if kind == "factorized_random":
            return AttentionSpec(kind, k=_positive_int(_key(data, "k", where), f"{where}.k"))
        if kind == "mixture":
            parts = _key(data, "parts", where)
            if not isinstance(parts, list) or len(parts) < 2:
                raise ConfigError(f"{where}.parts: expected two or more specs, got {parts!r}")
            read = tuple(
                AttentionSpec.from_json(part, max_length, f"{where}.parts[{m}]") for m, part in enumerate(parts)
            )
            if any(part.type == "mixture" for part in read):
                raise ConfigError(f"{where}.parts: a mixture inside a mixture")
            return AttentionSpec(kind, parts=read)
        raise ConfigError(f"{where}.type: unknown score source {kind!r}")

    def to_json(self) -> dict[str, Any]:
        """The spec as docs/checkpoint.md writes it."""
        data: dict[str, Any] = {"type": self.type}
        if self.type == "factorized_dense":
            data["factors"] = list(self.factors)
        elif self.type == "random":
            data["trainable"] = self.trainable
        elif self.type == "factorized_random":
            data["k"] = self.k
        elif self.type == "mixture":
            data["parts"] = [part.to_json() for part in self.parts]
        return data


@dataclass(frozen=True)
class SynthesizerConfig:
    """config.json. In the letters of docs/checkpoint.md: V, D, N, H, F, L in this order."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    attention: tuple[AttentionSpec, ...]  # one per layer
    type_vocab_size: int = 0
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12
    norm_position: str = "post"
    position_embedding_type: str = "absolute"
    pooling: str = "mean"
    problem_type: str = "single_label_classification"
    labels: tuple[str, ...] = ()  # empty: no classifier
    tokenizer: dict[str, Any] | None = None
    out_of_scope: dict[str, Any] | None = field(default=None)

    @property
    def head_size(self) -> int:
        """Dh = D / H."""
        return self.hidden_size // self.num_attention_heads

    @staticmethod
    def from_json(data: Any) -> SynthesizerConfig:
        """Checks every known key; unknown keys are ignored."""
        data = _object(data, "config.json")
        _one_of(_key(data, "model_type"), "model_type", ("synthesizer",))
        sizes = {
            key: _positive_int(_key(data, key), key)
            for key in (
                "vocab_size",
                "hidden_size",
                "num_hidden_layers",
                "num_attention_heads",
                "intermediate_size",
                "max_position_embeddings",
            )
        }
        if sizes["hidden_size"] % sizes["num_attention_heads"] != 0:
            raise ConfigError("num_attention_heads: does not divide hidden_size")
        types = data.get("type_vocab_size", 0)
        if isinstance(types, bool) or not isinstance(types, int) or types < 0:
            raise ConfigError(f"type_vocab_size: expected 0 or more, got {types!r}")
        eps = data.get("layer_norm_eps", 1e-12)
        if isinstance(eps, bool) or not isinstance(eps, (int, float)) or eps <= 0:
            raise ConfigError(f"layer_norm_eps: expected a number above 0, got {eps!r}")
        labels = _labels(data)
        problem = data.get("problem_type", PROBLEM_TYPES[0])
        return SynthesizerConfig(
            **sizes,
            attention=_layer_specs(
                _key(data, "attention"),
                sizes["num_hidden_layers"],
                sizes["max_position_embeddings"],
            ),
            type_vocab_size=types,
            hidden_act=_one_of(_key(data, "hidden_act"), "hidden_act", ACTIVATIONS),
            layer_norm_eps=float(eps),
            norm_position=_one_of(data.get("norm_position", "post"), "norm_position", NORM_POSITIONS),
            position_embedding_type=_one_of(
                data.get("position_embedding_type", "absolute"),
                "position_embedding_type",
                POSITION_EMBEDDINGS,
            ),
            pooling=_one_of(data.get("pooling", "mean"), "pooling", POOLINGS),
            problem_type=_one_of(problem, "problem_type", PROBLEM_TYPES),
            labels=labels,
            tokenizer=_tokenizer(data.get("tokenizer")),
            out_of_scope=_out_of_scope(data.get("out_of_scope")),
        )

    def to_json(self) -> dict[str, Any]:
        """The keys of docs/checkpoint.md, those that may be left out only where they say much."""
        specs = [spec.to_json() for spec in self.attention]
        same = all(spec == specs[0] for spec in specs)
        data: dict[str, Any] = {
            "model_type": "synthesizer",
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "num_hidden_layers": self.num_hidden_layers,
            "num_attention_heads": self.num_attention_heads,
            "intermediate_size": self.intermediate_size,
            "max_position_embeddings": self.max_position_embeddings,
            "type_vocab_size": self.type_vocab_size,
            "hidden_act": self.hidden_act,
            "layer_norm_eps": self.layer_norm_eps,
            "norm_position": self.norm_position,
            "position_embedding_type": self.position_embedding_type,
            "pooling": self.pooling,
            "attention": specs[0] if same else specs,
        }
        if self.labels:
            data["problem_type"] = self.problem_type
            data["id2label"] = {str(i): label for i, label in enumerate(self.labels)}
        if self.tokenizer is not None:
            data["tokenizer"] = self.tokenizer
        if self.out_of_scope is not None:
            data["out_of_scope"] = self.out_of_scope
        return data

    @staticmethod
    def load(path: Path) -> SynthesizerConfig:
        """Reads a config.json."""
        try:
            return SynthesizerConfig.from_json(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise ConfigError(f"{path}: {error}") from error

    def save(self, path: Path) -> None:
        """Writes a config.json."""
        text = json.dumps(self.to_json(), indent=2, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")


def _layer_specs(data: Any, layers: int, max_length: int) -> tuple[AttentionSpec, ...]:
    if isinstance(data, list):
        if len(data) != layers:
            raise ConfigError(f"attention: {len(data)} specs for {layers} layers")
        return tuple(AttentionSpec.from_json(spec, max_length, f"attention[{i}]") for i, spec in enumerate(data))
    return (AttentionSpec.from_json(data, max_length),) * layers


def _labels(data: dict[str, Any]) -> tuple[str, ...]:
    if "id2label" not in data:
        return ()
    id2label = _object(data["id2label"], "id2label")
    if not id2label or set(id2label) != {str(i) for i in range(len(id2label))}:
        raise ConfigError('id2label: expected the keys "0" to "C-1"')
    return tuple(id2label[str(i)] for i in range(len(id2label)))


def _tokenizer(data: Any) -> dict[str, Any] | None:
    if data is None:
        return None
    _one_of(_key(_object(data, "tokenizer"), "type", "tokenizer"), "tokenizer.type", ("sentencepiece",))
    _key(data, "file", "tokenizer")
    return data


def _out_of_scope(data: Any) -> dict[str, Any] | None:
    if data is None:
        return None
    _one_of(_key(_object(data, "out_of_scope"), "score", "out_of_scope"), "out_of_scope.score", OUT_OF_SCOPE_SCORES)
    threshold = _key(data, "threshold", "out_of_scope")
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)):
        raise ConfigError(f"out_of_scope.threshold: expected a number, got {threshold!r}")
    return data
