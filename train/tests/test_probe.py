"""The probe reads what vectors hold, and says so when they do not fit the texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from train.data import DataError
from train.probe import probe


def write(folder: Path, name: str, count: int, rng: np.random.Generator) -> tuple[Path, Path]:
    """Texts whose words say nothing and vectors that say all."""
    labels = rng.integers(0, 2, count)
    tsv, npy = folder / f"{name}.tsv", folder / f"{name}.npy"
    tsv.write_text("".join(f"{'ab'[label]}\tsome words {i}\n" for i, label in enumerate(labels)))
    np.save(npy, rng.normal(size=(count, 4)) + 5.0 * labels[:, None])
    return tsv, npy


def test_vectors_that_tell_the_classes_apart(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    train, train_vectors = write(tmp_path, "train", 80, rng)
    test, test_vectors = write(tmp_path, "test", 40, rng)
    report = probe(train, test, (train_vectors, test_vectors))
    assert report["embeddings"]["linear_probe"]["accuracy"] > 0.95
    assert report["embeddings"]["nearest_neighbours"]["accuracy"] > 0.9
    assert report["tf_idf"]["linear_probe"]["accuracy"] < 0.8
    assert report["dimensions"] == 4


def test_vectors_of_other_texts_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    train, train_vectors = write(tmp_path, "train", 20, rng)
    test, _ = write(tmp_path, "test", 10, rng)
    with pytest.raises(DataError, match="20 vectors for 10 texts"):
        probe(train, test, (train_vectors, train_vectors))
