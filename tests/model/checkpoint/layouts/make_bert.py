"""Writes checkpoints of Hugging Face's BERT with random weights, and what transformers computes with them.

    python3 -m venv --system-site-packages /tmp/venv && /tmp/venv/bin/pip install transformers==4.30.2 safetensors
    /tmp/venv/bin/python tests/model/checkpoint/layouts/make_bert.py tests/golden

The folders are like those of train/golden.py, but saved by transformers itself.
"""

import argparse
import json
import pathlib
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save, save_file

SIZES: dict[str, Any] = {
    "vocab_size": 37,
    "hidden_size": 18,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 28,
    "max_position_embeddings": 12,
}
LENGTHS = (1, 12, 5, 2, 7)
# name, class of transformers, more of the config
CHECKPOINTS: list[tuple[str, str, dict[str, Any]]] = [
    ("bert_model", "BertModel", {}),
    ("bert_masked_lm", "BertForMaskedLM", {"hidden_act": "gelu_new", "layer_norm_eps": 1e-5}),
    ("bert_classifier", "BertForSequenceClassification", {"num_labels": 4}),
    ("bert_two_labels", "BertForSequenceClassification", {"hidden_act": "relu"}),
]


def draw_weights(model: torch.nn.Module) -> None:
    """Far from transformers' start, where every layer is close to the identity."""
    for parameter in model.parameters():
        parameter.copy_(torch.randn(parameter.shape) * (0.5 if parameter.dim() > 1 else 0.3))
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.weight.add_(1)


def golden_results(model: Any, texts: list[list[int]]) -> dict[str, torch.Tensor]:
    """Text by text, so that no padding takes part, in double precision."""
    rows: dict[str, list[torch.Tensor]] = {}

    def add(name: str, value: torch.Tensor) -> None:
        rows.setdefault(name, []).append(value.float())

    for ids in texts:
        output = model(torch.tensor([ids]), output_hidden_states=True)
        states = output.hidden_states
        add("embeddings", states[0][0])
        for i, state in enumerate(states[1:]):
            add(f"layer_{i}", state[0])
        hidden = states[-1][0]
        add("hidden", hidden)
        add("pooled_mean", hidden.mean(0, keepdim=True))
        add("pooled_cls", hidden[:1])
        add("pooled_max", hidden.max(0, keepdim=True).values)
        if isinstance(model, transformers.BertForSequenceClassification):
            add("logits", output.logits)
    results = {name: torch.cat(values).contiguous() for name, values in rows.items()}
    results["token_ids"] = torch.tensor([token for ids in texts for token in ids], dtype=torch.int32)
    lengths = torch.tensor([0] + [len(ids) for ids in texts])
    results["offsets"] = lengths.cumsum(0).to(torch.int32)
    return results


@torch.no_grad()
def write(folder: pathlib.Path, kind: str, more: dict[str, Any], seed: int) -> None:
    torch.manual_seed(seed)
    config = transformers.BertConfig(**SIZES, **more)
    model = getattr(transformers, kind)(config).eval()
    draw_weights(model)
    model.save_pretrained(folder, safe_serialization=True)
    (folder / "generation_config.json").unlink(missing_ok=True)
    # transformers writes its own version, which would change with it.
    path = folder / "config.json"
    data = json.loads(path.read_text("utf-8"))
    del data["transformers_version"]
    path.write_text(json.dumps(data, indent=2) + "\n", "utf-8")
    save_file(load_file(folder / "model.safetensors"), folder / "model.safetensors", {"format": "pt"})
    texts = [torch.randint(SIZES["vocab_size"], (n,)).tolist() for n in LENGTHS]
    (folder / "golden.safetensors").write_bytes(save(golden_results(model.double(), texts)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    for seed, (name, kind, more) in enumerate(CHECKPOINTS):
        write(out / name, kind, more, seed)


if __name__ == "__main__":
    main()
