"""A linear teacher labels what it is sure of, and nothing that the data set holds already."""

from __future__ import annotations

from pathlib import Path

import pytest

from train.data import DataError, read_tsv
from train.pseudo_label import pseudo_label


@pytest.fixture
def labelled(data: Path) -> Path:
    """The tests' data with a test file, and dev texts of its own."""
    (data / "dev.tsv").write_text("off\tstop everything now\nask\twhat is a song\n", "utf-8")
    (data / "test.tsv").write_text("on\tplease turn on everything\n", encoding="utf-8")
    return data


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "more.txt"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def test_adds_sure_and_new_texts_behind_the_given_ones(labelled: Path, tmp_path: Path) -> None:
    more = write(
        tmp_path,
        "turn on a song or turn on the lamp",  # new
        "Turn on a song, or turn on the lamp!",  # the same
        "Please turn on everything.",  # of test.tsv
        "Stop everything, now.",  # of dev.tsv
        "turn on the lamp",  # of train.tsv
        "zebras gallop",  # says nothing
    )
    out = tmp_path / "out"
    report = pseudo_label(labelled, [more], out, confidence=0.6)
    given = [e for e in read_tsv(labelled / "train.tsv") if e.text != "what is a song"]  # of dev.tsv
    written = read_tsv(out / "train.tsv")
    assert written[: len(given)] == given
    assert [(e.labels[0], e.text) for e in written[len(given) :]] == [("on", "turn on a song or turn on the lamp")]
    assert report["new_texts"] == 2 and report["added"] == 1 and report["left_out"] == 1
    assert report["teacher_dev_accuracy"] == 1
    assert read_tsv(out / "dev.tsv") == read_tsv(labelled / "dev.tsv")
    assert (out / "labels.txt").read_text() == (labelled / "labels.txt").read_text()


def test_no_new_text_leaves_the_data_as_it_is(labelled: Path, tmp_path: Path) -> None:
    report = pseudo_label(labelled, [write(tmp_path, "turn on the lamp")], tmp_path / "out", 0.0)
    assert report["new_texts"] == report["added"] == 0
    assert len(read_tsv(tmp_path / "out" / "train.tsv")) == report["train_texts"] == 53


def test_a_missing_file_is_named(labelled: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.txt"):
        pseudo_label(labelled, [tmp_path / "nowhere.txt"], tmp_path / "out", 0.5)
    with pytest.raises(DataError, match="another folder"):
        pseudo_label(labelled, [write(tmp_path, "a text")], labelled, 0.5)
