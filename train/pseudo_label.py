"""Labels more texts for training with a linear classifier (self-training by another kind of model).

    python -m train.pseudo_label --data FOLDER --text FILE [--text FILE] --out MORE [--confidence 0.8]

FOLDER is a data folder of train.train. A logistic regression on TF-IDF of words and pairs of words
learns its train.tsv, which a small encoder cannot match from as few texts; the encoder learns what it
says of many. Each --text holds one text a line, plain or .xz; left out are those that train.tsv,
dev.tsv or test.tsv has too, up to case and punctuation, and those of whose label it is less sure than
--confidence. Texts of train.tsv that dev.tsv or test.tsv has too are left out as well. MORE receives
train.tsv (FOLDER's texts with their own labels, then the new ones), dev.tsv and labels.txt. Prints one
JSON object. Needs scikit-learn (Debian's python3-sklearn).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from train.data import DataError, Example, find, read_labels, read_lines, read_tsv, write_tsv

WORD = r"\w+|[!?]"  # what counts as a word
STRENGTH = 30.0  # C, the inverse of the regularisation


def key(text: str) -> str:
    """Equal for texts that differ in case and punctuation only."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


def unseen(files: Sequence[Path], seen: set[str]) -> Iterator[str]:
    """The lines of the files whose keys are not in `seen`, each once."""
    for file in files:
        for line in read_lines(file):
            if key(line) not in seen:
                seen.add(key(line))
                yield line


class Teacher:
    """The linear classifier."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=WORD)
        features = self.words.fit_transform(example.text for example in examples)
        self.classifier = LogisticRegression(C=STRENGTH, solver="liblinear")
        self.classifier.fit(features, [example.labels[0] for example in examples])

    def label(self, texts: Iterable[str]) -> list[tuple[str, float]]:
        """For each text its likeliest label and how likely that is."""
        shares = self.classifier.predict_proba(self.words.transform(texts))
        best = shares.argmax(axis=1)
        return [(str(self.classifier.classes_[i]), float(row[i])) for i, row in zip(best, shares)]


def pseudo_label(data: Path, files: Sequence[Path], out: Path, confidence: float) -> dict[str, Any]:
    """What the command does; returns what it prints."""
    if out.resolve() == data.resolve():
        raise DataError(f"{out}: expected another folder than --data")
    given, dev, test = (read_tsv(find(data, f"{name}.tsv")) for name in ("train", "dev", "test"))
    read_labels(data, given)  # that all labels are known
    held_out = {key(example.text) for example in [*dev, *test]}
    train = [example for example in given if key(example.text) not in held_out]
    teacher = Teacher(train)
    guessed = teacher.label(example.text for example in dev)
    right = [label == e.labels[0] for (label, _), e in zip(guessed, dev)]
    seen = held_out | {key(example.text) for example in train}
    texts = list(unseen(files, seen))
    added = [
        Example((label,), text)
        for text, (label, sure) in zip(texts, teacher.label(texts) if texts else [])
        if sure >= confidence
    ]
    out.mkdir(parents=True, exist_ok=True)
    write_tsv(out / "train.tsv", [*train, *added])
    write_tsv(out / "dev.tsv", dev)
    shutil.copyfile(find(data, "labels.txt"), out / "labels.txt")
    return {
        "train_texts": len(train),
        "left_out": len(given) - len(train),
        "teacher_dev_accuracy": round(float(np.mean(right)), 4),
        "new_texts": len(texts),
        "added": len(added),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="train.pseudo_label", description="Labels more texts.")
    parser.add_argument("--data", type=Path, required=True, help="train, dev, test and labels.txt")
    parser.add_argument("--text", type=Path, action="append", required=True, help="a text a line")
    parser.add_argument("--out", type=Path, required=True, help="the data folder to write")
    parser.add_argument("--confidence", type=float, default=0.8, help="0 keeps all texts")
    arguments = parser.parse_args()
    try:
        report = pseudo_label(arguments.data, arguments.text, arguments.out, arguments.confidence)
    except DataError as error:
        sys.exit(f"train.pseudo_label: {error}")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
