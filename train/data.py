"""Labelled text: TSV files, plain or xz, and batches of token ids."""

from __future__ import annotations

import lzma
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import torch
from torch import Tensor

LABEL_SEPARATOR = ","  # between the labels of one text, in multi-label data only


class DataError(ValueError):
    """Bad data; the message names the file, the line and what was expected."""


class Example(NamedTuple):
    """One text and its labels: one, or any number in multi-label data."""

    labels: tuple[str, ...]
    text: str


def find(folder: Path, name: str) -> Path:
    """The file `name` or `name.xz` in a data folder."""
    for path in (folder / name, folder / f"{name}.xz"):
        if path.is_file():
            return path
    raise DataError(f"{folder}: expected {name} or {name}.xz")


def _open(path: Path) -> TextIO:
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8", newline="\n")
    return open(path, encoding="utf-8", newline="\n")


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text file, without their ends."""
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    number = 0
    with _open(path) as lines:
        try:
            for number, line in enumerate(lines, 1):  # noqa: B007 - the error names it
                yield line.rstrip("\n")
        except (UnicodeDecodeError, lzma.LZMAError, EOFError) as error:
            raise DataError(f"{path}:{number + 1}: unreadable: {error}") from error


def read_tsv(path: Path, multi_label: bool = False) -> list[Example]:
    """Reads lines of `label<TAB>text`, or `label,label<TAB>text` in multi-label data."""
    examples: list[Example] = []
    for number, line in enumerate(read_lines(path), 1):
        examples.append(_parse(line, f"{path}:{number}", multi_label))
    if not examples:
        raise DataError(f"{path}: no lines, expected label<TAB>text")
    return examples


def write_tsv(path: Path, examples: Sequence[Example]) -> None:
    """Writes lines of `label<TAB>text`, of texts with one label."""
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(f"{example.labels[0]}\t{example.text}\n" for example in examples)


def _parse(line: str, where: str, multi_label: bool) -> Example:
    label, tab, text = line.partition("\t")
    if not tab or (not label and not multi_label):
        raise DataError(f"{where}: expected label<TAB>text, got {line[:60]!r}")
    if not multi_label:
        return Example((label,), text)
    return Example(tuple(label.split(LABEL_SEPARATOR)) if label else (), text)


def read_labels(folder: Path, train: Sequence[Example]) -> tuple[str, ...]:
    """The classes: the lines of labels.txt that label a training text, in the file's order.

    A name that no training text has, such as a name for out-of-scope texts, is not a class.
    """
    path = find(folder, "labels.txt")
    listed = list(read_lines(path))
    used = {label for example in train for label in example.labels}
    unknown = sorted(used - set(listed))
    if unknown:
        raise DataError(f"{path}: the label {unknown[0]!r} of a training text is missing")
    return tuple(dict.fromkeys(label for label in listed if label in used))


def targets(examples: Sequence[Example], classes: Sequence[str], source: Path, multi_label: bool = False) -> Tensor:
    """Class numbers I64 [rows], or F32 [rows, C] of zeros and ones in multi-label data."""
    index = {label: i for i, label in enumerate(classes)}
    for number, example in enumerate(examples, 1):
        for label in example.labels:
            if label not in index:
                raise DataError(f"{source}:{number}: the model has no class {label!r}")
    if not multi_label:
        return torch.tensor([index[example.labels[0]] for example in examples])
    marks = torch.zeros(len(examples), len(classes))
    for row, example in enumerate(examples):
        for label in example.labels:
            marks[row, index[label]] = 1.0
    return marks


def batches_by_length(lengths: Sequence[int], batch_size: int, rng: random.Random | None = None) -> Iterator[list[int]]:
    """Row numbers in batches of similar lengths, so that little is padding.

    Without rng, all rows by length. With rng, rows are shuffled, sorted within windows of 32
    batches, and the batches shuffled.
    """
    rows = list(range(len(lengths)))
    window = len(rows)
    if rng is not None:
        rng.shuffle(rows)
        window = batch_size * 32
    batches: list[list[int]] = []
    for start in range(0, len(rows), max(window, 1)):
        part = sorted(rows[start : start + window], key=lambda row: lengths[row])
        batches += [part[i : i + batch_size] for i in range(0, len(part), batch_size)]
    if rng is not None:
        rng.shuffle(batches)
    return iter(batches)
