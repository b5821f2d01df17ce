"""Writes checkpoints of Hugging Face's encoders with random weights, and what transformers computes with them.

    python3 -m venv --system-site-packages /tmp/venv && /tmp/venv/bin/pip install transformers==4.30.2 safetensors
    /tmp/venv/bin/python tests/model/checkpoint/layouts/make_encoders.py tests/golden

The folders are like those of train/golden.py, but saved by transformers itself.
"""

import argparse
import json
import pathlib
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save, save_file

VOCABULARY = 37
BERT: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 18,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 28,
    "max_position_embeddings": 12,
}
DISTILBERT: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "dim": 18,
    "n_layers": 2,
    "n_heads": 3,
    "hidden_dim": 28,
    "max_position_embeddings": 12,
}
# Positions begin behind that of padding, token 1, which the texts below have in them too.
ROBERTA: dict[str, Any] = BERT | {"max_position_embeddings": 14, "type_vocab_size": 1}
LENGTHS = (1, 12, 5, 2, 7)
# name, class of transformers, its config, bytes of a shard
CHECKPOINTS: list[tuple[str, str, dict[str, Any], int | None]] = [
    ("bert_model", "BertModel", BERT, None),
    ("bert_masked_lm", "BertForMaskedLM", BERT | {"hidden_act": "gelu_new", "layer_norm_eps": 1e-5}, None),
    ("bert_classifier", "BertForSequenceClassification", BERT | {"num_labels": 4}, None),
    ("bert_two_labels", "BertForSequenceClassification", BERT | {"hidden_act": "relu"}, None),
    ("bert_silu", "BertModel", BERT | {"hidden_act": "silu"}, None),
    ("bert_regression", "BertForSequenceClassification", BERT | {"num_labels": 1}, None),
    ("distilbert_model", "DistilBertModel", DISTILBERT | {"sinusoidal_pos_embds": True}, None),
    ("distilbert_masked_lm", "DistilBertForMaskedLM", DISTILBERT | {"activation": "relu"}, None),
    ("distilbert_classifier", "DistilBertForSequenceClassification", DISTILBERT | {"num_labels": 3}, None),
    ("roberta_model", "RobertaModel", ROBERTA, None),
    ("roberta_masked_lm", "RobertaForMaskedLM", ROBERTA | {"pad_token_id": 0}, None),
    ("roberta_classifier", "RobertaForSequenceClassification", ROBERTA | {"num_labels": 3}, None),
    ("xlm_roberta_model", "XLMRobertaModel", ROBERTA, None),
    ("xlm_roberta_classifier", "XLMRobertaForSequenceClassification", ROBERTA | {"num_labels": 1}, None),
    ("bert_shards", "BertModel", BERT, 12_000),
    ("bert_pairs", "BertForSequenceClassification", BERT | {"num_labels": 1}, None),
]
# Tokens of type 0 in each text, the first ones; the others have type 1.
FIRST_SEGMENTS = {"bert_pairs": (1, 7, 1, 2, 4)}


def draw_weights(model: torch.nn.Module) -> None:
    """Far from transformers' start, where every layer is close to the identity."""
    for parameter in model.parameters():
        parameter.copy_(torch.randn(parameter.shape) * (0.5 if parameter.dim() > 1 else 0.3))
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.weight.add_(1)


def golden_results(
    model: Any, texts: list[list[int]], first_segments: tuple[int, ...] | None
) -> dict[str, torch.Tensor]:
    """Text by text, so that no padding takes part, in double precision."""
    rows: dict[str, list[torch.Tensor]] = {}

    def add(name: str, value: torch.Tensor) -> None:
        rows.setdefault(name, []).append(value.float())

    for ids, first in zip(texts, first_segments or map(len, texts), strict=True):
        types = {"token_type_ids": torch.tensor([[0] * first + [1] * (len(ids) - first)])} if first_segments else {}
        output = model(torch.tensor([ids]), output_hidden_states=True, **types)
        states = output.hidden_states
        add("embeddings", states[0][0])
        for i, state in enumerate(states[1:]):
            add(f"layer_{i}", state[0])
        hidden = states[-1][0]
        add("hidden", hidden)
        add("pooled_mean", hidden.mean(0, keepdim=True))
        add("pooled_cls", hidden[:1])
        add("pooled_max", hidden.max(0, keepdim=True).values)
        if "SequenceClassification" in type(model).__name__:
            add("logits", output.logits)
    results = {name: torch.cat(values).contiguous() for name, values in rows.items()}
    if first_segments:
        results["first_segments"] = torch.tensor(first_segments, dtype=torch.int32)
    results["token_ids"] = torch.tensor([token for ids in texts for token in ids], dtype=torch.int32)
    lengths = torch.tensor([0] + [len(ids) for ids in texts])
    results["offsets"] = lengths.cumsum(0).to(torch.int32)
    return results


@torch.no_grad()
def write(folder: pathlib.Path, kind: str, sizes: dict[str, Any], shard: int | None, seed: int) -> None:
    torch.manual_seed(seed)
    architecture = getattr(transformers, kind)
    config = architecture.config_class(**sizes)
    model = architecture(config).eval()
    draw_weights(model)
    model.save_pretrained(folder, safe_serialization=True, max_shard_size=shard or "10GB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    # transformers writes its own version, which would change with it.
    path = folder / "config.json"
    data = json.loads(path.read_text("utf-8"))
    del data["transformers_version"]
    path.write_text(json.dumps(data, indent=2) + "\n", "utf-8")
    for file in folder.glob("model*.safetensors"):
        save_file(load_file(file), file, {"format": "pt"})
    texts = [torch.randint(VOCABULARY, (n,)).tolist() for n in LENGTHS]
    (folder / "golden.safetensors").write_bytes(
        save(golden_results(model.double(), texts, FIRST_SEGMENTS.get(folder.name)))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    for seed, (name, kind, sizes, shard) in enumerate(CHECKPOINTS):
        write(out / name, kind, sizes, shard, seed)


if __name__ == "__main__":
    main()
