"""Measures embeddings on labelled text that their encoder was not trained on.

    cut -f2 train.tsv | synthctl encode --file - --output npy > train.npy   # and the same of test.tsv
    python -m train.probe --train train.tsv --test test.tsv --vectors train.npy test.npy

Prints one JSON object with the test accuracy of a linear probe (logistic regression on the frozen
vectors) and of nearest neighbours (cosine), of the vectors, each number standardised by its mean and
deviation over the training texts, and of TF-IDF over words and pairs of words. The strength of the
regularisation and the number of neighbours are chosen on a tenth of the training texts. Needs
scikit-learn (Debian's python3-sklearn).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from train.data import DataError, read_tsv

STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)  # C: the inverse of the regularisation
NEIGHBOURS = (1, 3, 5, 10, 20)


def linear_probe(strength: float) -> Any:
    """Logistic regression."""
    return LogisticRegression(C=strength, max_iter=2000)


def neighbours(count: int) -> Any:
    """Nearest neighbours by cosine, closer ones weighing more."""
    return KNeighborsClassifier(count, metric="cosine", weights="distance")


def choose(make: Callable[[Any], Any], options: Sequence[Any], features: Any, labels: NDArray[np.str_]) -> Any:
    """The option that is best on a tenth of the rows, learned from the others."""
    rows = np.random.default_rng(0).permutation(len(labels))
    dev, fit = np.split(rows, [max(1, len(rows) // 10)])
    scores = [make(option).fit(features[fit], labels[fit]).score(features[dev], labels[dev]) for option in options]
    return options[int(np.argmax(scores))]


def measure(train: Any, train_labels: NDArray[np.str_], test: Any, test_labels: NDArray[np.str_]) -> dict[str, Any]:
    """Test accuracy of both readings, and what was chosen for them. train, test: [rows, D]."""
    report = {}
    for name, make, options in (
        ("linear_probe", linear_probe, STRENGTHS),
        ("nearest_neighbours", neighbours, NEIGHBOURS),
    ):
        chosen = choose(make, options, train, train_labels)
        accuracy = make(chosen).fit(train, train_labels).score(test, test_labels)
        report[name] = {"accuracy": round(accuracy, 4), "chosen": chosen}
    return report


def probe(train: Path, test: Path, vectors: tuple[Path, Path]) -> dict[str, Any]:
    """What the command prints."""
    train_examples, test_examples = read_tsv(train), read_tsv(test)
    labels = [np.array([e.labels[0] for e in part]) for part in (train_examples, test_examples)]
    embedded = [np.load(path) for path in vectors]
    for path, rows, wanted in zip(vectors, embedded, labels):
        if len(rows) != len(wanted):
            raise DataError(f"{path}: {len(rows)} vectors for {len(wanted)} texts")
    scaler = StandardScaler().fit(embedded[0])  # no dimension outweighs another
    scaled = [scaler.transform(rows) for rows in embedded]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    counted = [
        words.fit_transform([e.text for e in train_examples]),
        words.transform([e.text for e in test_examples]),
    ]
    return {
        "train_texts": len(train_examples),
        "test_texts": len(test_examples),
        "dimensions": int(embedded[0].shape[1]),
        "embeddings": measure(scaled[0], labels[0], scaled[1], labels[1]),
        "tf_idf": measure(counted[0], labels[0], counted[1], labels[1]),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="train.probe", description="Measures embeddings.")
    parser.add_argument("--train", type=Path, required=True, help="label<TAB>text lines")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--vectors", type=Path, nargs=2, required=True, metavar=("TRAIN", "TEST"))
    arguments = parser.parse_args()
    try:
        report = probe(arguments.train, arguments.test, tuple(arguments.vectors))
    except (DataError, OSError, ValueError) as error:
        sys.exit(f"train.probe: {error}")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
