"""What the server answers for the shipped models is what the PyTorch reference computes."""

import json
import pathlib
import sys

import pytest

from conftest import MODELS, ROOT, Synthctl

sys.path.insert(0, str(ROOT))
from train.data import Example
from train.evaluate import load, logits_of

SENTENCES = [
    "How much money did I spend on groceries last month?",
    "I did not expect to like it, and by the end I had to admit that it is the best thing they have made.",
    "Naïve — the plot, the “acting”, the score: 3/10!",
]
TEXTS = [*SENTENCES, " ".join(SENTENCES * 3), " ".join(SENTENCES * 40), "so good " * 500]


@pytest.mark.parametrize("truncation", ["end", "windows"])
@pytest.mark.parametrize("model", MODELS, ids=lambda folder: folder.name)
def test_logits_are_the_references(synthctl: Synthctl, model: pathlib.Path, truncation: str) -> None:
    arguments = ("classify", "--file", "-", "--truncation", truncation, "--logits", "--top-k", "0")
    output = synthctl("--model", model.name, *arguments, "--output", "jsonl", text="\n".join(TEXTS) + "\n")
    reference, tokenizer = load(model)
    wanted = logits_of(reference, tokenizer, [Example((), text) for text in TEXTS], truncation == "windows")
    lines = [json.loads(line) for line in output.splitlines()]
    assert len(lines) == len(TEXTS)
    for line, logits in zip(lines, wanted):
        found = {label["name"]: label["score"] for label in line["labels"]}
        assert found == pytest.approx(dict(zip(reference.config.labels, logits.tolist())), abs=1e-3)
    assert [line["windows"] > 1 for line in lines][-2:] == [truncation == "windows"] * 2
