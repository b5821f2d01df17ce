"""Golden checkpoints: small random models with the reference's results beside them.

    python -m train.golden tests/golden

Each folder holds a checkpoint and golden.safetensors, computed in double precision from the
weights as they are on disk:

    token_ids I32 [T], offsets I32 [B+1]    the texts, packed; text t is offsets[t]..offsets[t+1]
    embeddings, layer_0 .., hidden F32 [T, D]   after embeddings.LayerNorm, each layer, at the end
    pooled_mean, pooled_cls, pooled_max F32 [B, D]
    logits F32 [B, C]                       with the config's own pooling

`tokenized` has a SentencePiece model too, and texts.json: texts and the token ids they become,
special tokens included, not cut to L. Those that fit L are the texts of its golden.safetensors.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from train.checkpoint import load_checkpoint, save_checkpoint
from train.config import SynthesizerConfig
from train.synthesizer import Synthesizer, pad_batch, pool
from train.tokenizer import FILE, Tokenizer, tokenizer_json, train_vocabulary

DOT = {"type": "dot_product"}
DENSE = {"type": "dense"}
FACTORIZED_DENSE = {"type": "factorized_dense", "factors": [4, 3]}
RANDOM = {"type": "random", "trainable": True}
FIXED_RANDOM = {"type": "random", "trainable": False}


def factorized_random(k: int) -> dict[str, Any]:
    """The spec of a rank-k factorized_random source."""
    return {"type": "factorized_random", "k": k}


def mixture(*parts: dict[str, Any]) -> dict[str, Any]:
    """The spec of a mixture of these parts."""
    return {"type": "mixture", "parts": list(parts)}


BASE: dict[str, Any] = {
    "model_type": "synthesizer",
    "vocab_size": 37,
    "hidden_size": 18,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 28,
    "max_position_embeddings": 12,
    "hidden_act": "gelu",
    "problem_type": "single_label_classification",
    "id2label": {"0": "first", "1": "second", "2": "third", "3": "fourth", "4": "fifth"},
}
LENGTHS = (5, 1, 12, 8, 3)

# name -> what differs from BASE, and the type on disk.
CHECKPOINTS: dict[str, tuple[dict[str, Any], str]] = {
    "dot_product": ({"attention": DOT}, "F32"),
    "dense": ({"attention": DENSE}, "F32"),
    "factorized_dense": ({"attention": FACTORIZED_DENSE}, "F32"),
    "factorized_dense_2x6": ({"attention": {**FACTORIZED_DENSE, "factors": [2, 6]}}, "F32"),
    "random": ({"attention": RANDOM}, "F32"),
    "random_fixed": ({"attention": FIXED_RANDOM}, "F32"),
    "factorized_random_k1": ({"attention": factorized_random(1)}, "F32"),
    "factorized_random_k3": ({"attention": factorized_random(3)}, "F32"),
    "factorized_random_k8": (
        {
            "attention": factorized_random(8),
            "vocab_size": 50,
            "hidden_size": 24,
            "intermediate_size": 40,
        },
        "F32",
    ),
    "mixture_factorized_random_dot": ({"attention": mixture(factorized_random(3), DOT)}, "F32"),
    "mixture_three": ({"attention": mixture(RANDOM, DENSE, FACTORIZED_DENSE)}, "F32"),
    "mixture_static": ({"attention": mixture(RANDOM, factorized_random(3))}, "F32"),
    "mixture_fixed_dense": ({"attention": mixture(FIXED_RANDOM, DENSE)}, "F32"),
    "mixture_same_twice": ({"attention": mixture(DENSE, DENSE)}, "F32"),
    "hybrid": (
        {
            "num_hidden_layers": 4,
            "attention": [
                factorized_random(3),
                DOT,
                mixture(FIXED_RANDOM, factorized_random(8)),
                FACTORIZED_DENSE,
            ],
        },
        "F32",
    ),
    "pre_dot_product": ({"attention": DOT, "norm_position": "pre"}, "F32"),
    "pre_factorized_random": (
        {"attention": factorized_random(8), "norm_position": "pre", "hidden_act": "relu"},
        "F32",
    ),
    "relu": ({"attention": factorized_random(3), "hidden_act": "relu"}, "F32"),
    "gelu_new": ({"attention": factorized_random(3), "hidden_act": "gelu_new"}, "F32"),
    "pooling_cls": ({"attention": factorized_random(3), "pooling": "cls"}, "F32"),
    "pooling_max": ({"attention": factorized_random(3), "pooling": "max"}, "F32"),
    "multi_label": (
        {"attention": factorized_random(3), "problem_type": "multi_label_classification"},
        "F32",
    ),
    "no_positions": ({"attention": RANDOM, "position_embedding_type": "none"}, "F32"),
    "bert_like": (
        {"attention": DOT, "type_vocab_size": 2, "pooling": "cls", "layer_norm_eps": 1e-5},
        "F32",
    ),
    "f16": ({"attention": mixture(factorized_random(8), DENSE)}, "F16"),
    "bf16": ({"attention": mixture(factorized_random(8), DOT)}, "BF16"),
    "no_classifier": (
        {"attention": factorized_random(3), "problem_type": None, "id2label": None},
        "F32",
    ),
    "underflow_guard": ({"attention": [RANDOM, factorized_random(2)]}, "F32"),
    "one_head": (
        {
            "num_hidden_layers": 1,
            "hidden_size": 7,
            "num_attention_heads": 1,
            "intermediate_size": 5,
            "attention": mixture(DOT, RANDOM),
        },
        "F32",
    ),
}

SENTENCES = (
    "Please book a table for four people at seven in the evening.",
    "What is the weather like in Zürich tomorrow morning?",
    "The quick brown fox jumps over the lazy dog.",
    "How much money is left on my savings account?",
    "Turn off the lights in the kitchen and lock the door.",
    "Can you tell me when the next train to the airport leaves?",
    "I would like to order a coffee without milk or sugar.",
    "Remind me to call my brother on Sunday at noon.",
    "Play something quiet, and not too loud.",
    "My card was declined in a shop; what should I do now?",
    "Translate this sentence into French, Spanish and Japanese.",
    "Where did I leave the keys of the old blue car?",
    "Set an alarm for 6:45 and another one for 7:30.",
    "There are 365 days in a year, 366 in a leap year.",
    "Which of these books have you read twice?",
    "Who wrote the letter that came with the parcel?",
)
TEXTS = (
    "Please turn off the lights.",
    "PLEASE TURN OFF THE LIGHTS.",
    "what is the weather like in zürich?",
    "what is the weather like in zu\u0308rich?",
    "Straße, ſtraße, İstanbul",  # noqa: RUF001 - a long s is meant
    "caf\u00e9 na\u00efve r\u00e9sum\u00e9 \u0141\u00f3d\u017a",
    "",
    "   ",
    "\t\n\r",
    "\u200b\ufeff",
    "a",
    "one\ttab  two   spaces \n and a line",
    " leading and trailing ",
    "\U0001f600 smile \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u6771\u4eac\u306b\u884c\u304d\u305f\u3044",
    "\uff21\uff22\uff23\u3000\uff11\uff12\uff13 \ufb01sh \u00bd \u2122",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u03ba\u03cc\u03c3\u03bc\u03b5! \u05e9\u05dc\u05d5\u05dd",
    "<s> not a special token </s> <unk> <0x41>",
    "\u2581 is the space of sentencepiece \u2581\u2581",
    "unbelievablyuninterruptedstringofletters" * 3,
    "6:45, 7:30; $12.50 (50%)!?",
    "\u0000 nul and \u007f delete \u0085 next line",
    "the quick brown fox jumps over the lazy dog " * 12,
)


def draw_weights(model: Synthesizer, seed: int) -> None:
    """Fills the model so that attention is far from uniform and every tensor matters."""
    generator = torch.Generator().manual_seed(seed)
    head_size = model.config.head_size
    for name, tensor in sorted(model.state_dict().items()):
        draw = torch.randn(tensor.shape, generator=generator)
        leaf = name.rsplit(".", 1)[-1]
        if "LayerNorm" in name:
            draw = draw * 0.2 + (1.0 if leaf == "weight" else 0.0)
        elif leaf in ("bias", "b2"):
            draw = draw * 0.3
        elif leaf in ("w2", "wa", "wb"):
            draw = draw * 2.0 * head_size**-0.5
        elif leaf == "r":
            draw = draw * 2.0
        elif leaf in ("r1", "r2"):
            draw = draw * 1.4 * tensor.shape[-1] ** -0.25
        elif leaf == "weight" and "embeddings" not in name:
            gain = 1.4 if any(part in name for part in ("query", "key", "w1")) else 1.0
            draw = draw * gain * tensor.shape[-1] ** -0.5
        tensor.copy_(draw)


def plant_late_maxima(model: Synthesizer) -> None:
    """Rows whose maximum lies beyond a prefix and more than 120 above the prefix's own.

    exp(S - rowmax) of such a prefix is 0 in float32, and its sum too.
    """
    first, second = (layer.attention.self for layer in model.encoder.layer)
    r = first.random.r  # [H, L, L]
    r[0, 0, -1] += 150.0  # the last column, seen by the longest text only
    r[1, :, 6] += 130.0  # every row, for texts of six tokens or fewer
    r[2, 2, 3] += 200.0  # a ladder: each prefix has a maximum of its own
    r[2, 2, 7] += 400.0
    r[2, 2, 11] += 600.0
    r1, r2 = second.factorized_random.r1, second.factorized_random.r2  # [H, L, k]
    r1[:, ::2, 0], r2[:, 5:, 0] = 14.0, 11.0  # 154 above in every other row, from column 5 on


def packed(padded: Tensor, mask: Tensor) -> Tensor:
    """[B, n, D] -> F32 [T, D], the padding left out."""
    return padded[mask].to(torch.float32).contiguous()


@torch.no_grad()
def golden_results(folder: Path, texts: list[list[int]]) -> dict[str, Tensor]:
    """What the checkpoint in folder gives for the texts, in double precision."""
    model = load_checkpoint(folder).double()
    token_ids, mask = pad_batch(texts)
    output = model(token_ids, mask)
    lengths = torch.tensor([0] + [len(ids) for ids in texts])
    results = {
        "token_ids": token_ids[mask].to(torch.int32),
        "offsets": lengths.cumsum(0).to(torch.int32),
        "embeddings": packed(output.embeddings, mask),
        "hidden": packed(output.hidden, mask),
    }
    for i, layer in enumerate(output.layers):
        results[f"layer_{i}"] = packed(layer, mask)
    for how in ("mean", "cls", "max"):
        results[f"pooled_{how}"] = pool(output.hidden, mask, how).float().contiguous()
    if output.logits is not None:
        results["logits"] = output.logits.float()
    if not all(math.isfinite(value.double().sum()) for value in results.values()):
        raise ValueError(f"{folder}: the reference is not finite")
    return results


def _write(folder: Path, data: dict[str, Any], dtype: str, seed: int, texts: list[list[int]]) -> None:
    config = SynthesizerConfig.from_json({key: value for key, value in {**BASE, **data}.items() if value is not None})
    model = Synthesizer(config)
    with torch.no_grad():
        draw_weights(model, seed)
        if folder.name == "underflow_guard":
            plant_late_maxima(model)
    save_checkpoint(folder, model, dtype)
    (folder / "golden.safetensors").write_bytes(save(golden_results(folder, texts)))


def _random_texts(vocab_size: int, seed: int) -> list[list[int]]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(vocab_size, (n,), generator=generator).tolist() for n in LENGTHS]


def _write_tokenized(folder: Path, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    train_vocabulary(SENTENCES, 370, folder / FILE)
    tokenizer = Tokenizer.of_checkpoint(folder, tokenizer_json())
    texts: list[dict[str, Any]] = [{"text": text, "ids": tokenizer.encode(text)} for text in TEXTS]
    (folder / "texts.json").write_text(json.dumps(texts, indent=None, separators=(",", ":")) + "\n", encoding="utf-8")
    config = {
        "vocab_size": tokenizer.vocab_size,
        "hidden_size": 12,
        "num_hidden_layers": 1,
        "max_position_embeddings": 48,
        "attention": factorized_random(8),
        "tokenizer": tokenizer_json(),
        "out_of_scope": {"score": "energy", "threshold": -2.0},
    }
    fitting = [text["ids"] for text in texts if len(text["ids"]) <= 48]
    _write(folder, config, "F16", seed, fitting)


def main() -> None:
    """Writes every golden checkpoint below the folder OUT."""
    parser = argparse.ArgumentParser(prog="train.golden", description=main.__doc__)
    parser.add_argument("out", type=Path, help="folder, such as tests/golden")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    for seed, (name, (data, dtype)) in enumerate(CHECKPOINTS.items()):
        vocab_size = data.get("vocab_size", BASE["vocab_size"])
        _write(out / name, data, dtype, seed, _random_texts(vocab_size, seed))
    _write_tokenized(out / "tokenized", len(CHECKPOINTS))
    print(f"{len(CHECKPOINTS) + 1} checkpoints in {out}")


if __name__ == "__main__":
    main()
