#!/usr/bin/env python3
"""Compares the WordPiece tokenizer with Hugging Face's tokenizers, id by id and in speed.

    cmake --preset bench && cmake --build --preset bench --target wordpiece_tool
    python=$(scripts/python-env.sh bench)
    $python tests/bench/compare_wordpiece.py --tokenizer tokenizer.json --lines TEXTS...
    $python tests/bench/compare_wordpiece.py --tokenizer tokenizer.json --random 20000
    $python tests/bench/compare_wordpiece.py --characters
    $python tests/bench/compare_wordpiece.py --tokenizer tokenizer.json --lines TEXTS... --speed

The first three print each difference and end with 1 if there is one. --random makes its texts of
every plane, combining marks, controls, mixed scripts and added tokens, and sets every option of the
normalizer, of the added tokens and of the model. --characters compares all 1,112,064 characters, alone, inside a
word, between combining marks and beside added tokens.
"""

import argparse
import itertools
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time
import unicodedata
from typing import Any

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # one thread, as the tool

from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
SURROGATES = range(0xD800, 0xE000)
KEPT_MARKS = "\u302e\u302f\U0001d165\U0001d166\U0001d16d\U0001d16e\U0001d172"
SHOWN = 20


def write_texts(path: pathlib.Path, texts: list[str]) -> None:
    with path.open("wb") as file:
        for text in texts:
            data = text.encode()
            file.write(struct.pack("<I", len(data)) + data)


class Comparison:
    """Both tokenizers, and how many differences were found."""

    def __init__(self, tool: pathlib.Path, folder: pathlib.Path):
        self.tool, self.folder = tool, folder
        self.texts = self.differences = 0

    def run(self, mode: str, tokenizer: dict[str, Any], texts: list[str]) -> str:
        config, data = self.folder / "tokenizer.json", self.folder / "texts"
        config.write_text(json.dumps(tokenizer))
        write_texts(data, texts)
        command = [str(part) for part in (self.tool, mode, config, data)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def compare(self, tokenizer: dict[str, Any], texts: list[str], name: str) -> None:
        reference = Tokenizer.from_str(json.dumps(tokenizer))
        ours = self.run("ids", tokenizer, texts).splitlines()
        before = self.differences
        for text, our in zip(texts, ours, strict=True):
            expected = " ".join(map(str, reference.encode(text).ids))
            if expected == our:
                continue
            self.differences += 1
            if self.differences <= SHOWN:
                print(f"{name}: {text!a}\n  theirs {expected}\n  ours   {our}")
        self.texts += len(texts)
        print(f"{name}: {len(texts)} texts, {self.differences - before} differences", flush=True)


def added_token(content: str, id_: int, **flags: bool) -> dict[str, Any]:
    names = ("single_word", "lstrip", "rstrip", "normalized", "special")
    return {"id": id_, "content": content} | {name: flags.get(name, False) for name in names}


def normalizers() -> list[dict[str, Any]]:
    options = itertools.product((True, False), (True, False), (None, True, False), (True, False))
    keys = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
    return [{"type": "BertNormalizer"} | dict(zip(keys, o, strict=True)) for o in options]


def without_limits(tokenizer: dict[str, Any]) -> dict[str, Any]:
    """Both are told of truncation and padding by their callers."""
    return tokenizer | {"truncation": None, "padding": None}


# ---- lines of files ----


def read_lines(paths: list[pathlib.Path], count: int) -> list[str]:
    lines: list[str] = []
    for path in paths:
        with path.open(encoding="utf-8", newline="\n") as file:
            lines += itertools.islice(file, count - len(lines))
    return lines


# ---- random texts ----

WORDS_TEXT = """the of and Internationalization naïve café résumé İstanbul ǅ Straße ΣΊΣΥΦΟΣ Привет ёж
한국어 대한민국 日本語 中文 ﷺ ﬁ ½ ① e\u0301\u0323 a\u0323\u0301 ก็ हिन्दी தமிழ் שָׁלוֹם مَرْحَبًا 👩‍👩‍👧 🇩🇪
unaffable ##ing [UNK] don't U.S.A. 3.14 $5 C++ a_b"""
WORDS = WORDS_TEXT.split()
SPACES = " \t\n\r\v\f\x85\xa0\u1680\u2003\u2028\u2029\u202f\u3000\u200b\ufeff"
RANGES = [
    (0x00, 0x20),
    (0x20, 0x7F),
    (0x7F, 0x250),
    (0x300, 0x370),
    (0x370, 0x600),
    (0x600, 0xE00),
    (0x1A00, 0x2000),
    (0x2000, 0x2070),
    (0x2E00, 0x2E80),
    (0x3000, 0x3100),
    (0x4E00, 0xA000),
    (0xA000, 0xAC00),
    (0xAC00, 0xD7A4),
    (0xF900, 0x10000),
    (0x10000, 0x12000),
    (0x1D100, 0x1D200),
    (0x1F300, 0x1FB00),
    (0x20000, 0x30000),
    (0, 0x110000),
]


def random_text(rng: random.Random, tokens: list[str]) -> str:
    parts = []
    ranges = rng.sample(RANGES, 3)
    for _ in range(rng.randrange(40)):
        kind = rng.random()
        if kind < 0.25:
            word = rng.choice(WORDS)
            parts.append(rng.choice((word, word.upper(), word.title())))
        elif kind < 0.4:
            token = rng.choice(tokens)
            parts.append(rng.choice((token, token, token.swapcase(), token[:-1], token + token)))
        elif kind < 0.6:
            parts.append(rng.choice(SPACES) * rng.choice((1, 1, 1, 3)))
        elif kind < 0.7:
            parts.append("".join(rng.choices(KEPT_MARKS + "\u0301\u0323\u0334\u0941", k=4)))
        else:
            low, high = rng.choice(ranges)
            codes = (rng.randrange(low, high) for _ in range(rng.randrange(1, 8)))
            parts.append("".join(chr(c) for c in codes if c not in SURROGATES))
    if rng.random() < 0.05:
        parts.append(rng.choice("aé中\u0301") * rng.randrange(95, 106))
    return "".join(parts)


def compare_random(comparison: Comparison, tokenizer: dict[str, Any], count: int, seed: int) -> None:
    rng = random.Random(seed)
    vocab = tokenizer["model"]["vocab"]
    contents = ["<ent>", "<entity>", "Café", "İx", "hello world", "x", "日本", " <pad>", "É\u0323é"]
    every = normalizers()
    for i, normalizer in enumerate(every):
        flags = ("single_word", "lstrip", "rstrip", "normalized", "special")
        more = []
        new_ids = itertools.count(len(vocab))
        for content in contents:
            id_ = vocab[content] if content in vocab else next(new_ids)
            more.append(added_token(content, id_, **{f: rng.random() < 0.4 for f in flags}))
        variant = tokenizer | {
            "normalizer": normalizer,
            "added_tokens": tokenizer["added_tokens"] + (more if i % 4 else []),
        }
        if i % 4 == 3:
            model = {"continuing_subword_prefix": rng.choice(("", "a", "in")), "max_input_chars_per_word": 8}
            variant["model"] = tokenizer["model"] | model
        tokens = [*contents, "[CLS]", "[SEP]", "[MASK]", "[UNK]"]
        here = count // len(every) + (i < count % len(every))
        texts = [random_text(rng, tokens) for _ in range(here)]
        options = " ".join(f"{k}={v}" for k, v in normalizer.items() if k != "type")
        comparison.compare(variant, texts, f"random, {options}")


# ---- all characters ----


def character_tokenizer(codes: list[int], normalizer: dict[str, Any]) -> dict[str, Any]:
    """One whose ids tell apart whatever becomes of these characters."""
    characters = dict.fromkeys("ab" + KEPT_MARKS + "\u0307")
    for code in codes:
        character = chr(code)
        for form in (character, character.lower(), unicodedata.normalize("NFD", character)):
            characters |= dict.fromkeys(form + form.lower())
    pieces = ["[UNK]", *characters, *("##" + character for character in characters)]
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            added_token("<s>", len(vocab), single_word=True),
            added_token("<r>", len(vocab) + 1, lstrip=True, rstrip=True),
        ],
        "normalizer": normalizer,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocab,
        },
    }


def compare_characters(comparison: Comparison) -> None:
    chosen = [n for n in normalizers() if n["handle_chinese_chars"] and n["strip_accents"] is None]
    chosen.append(chosen[0] | {"handle_chinese_chars": False, "strip_accents": False})
    chosen.append(chosen[0] | {"clean_text": False, "strip_accents": True, "lowercase": False})
    for begin in range(0, 0x110000, 0x8000):
        codes = [c for c in range(begin, begin + 0x8000) if c not in SURROGATES]
        texts = []
        for character in map(chr, codes):
            texts += [
                character,
                f"a{character}b",
                f"a\U0001d16d{character}\u302e\U0001d165",
                f"{character}<s>b {character}<r>{character} b<s>{character}",
            ]
        for number, normalizer in enumerate(chosen):
            tokenizer = character_tokenizer(codes, normalizer)
            comparison.compare(tokenizer, texts, f"U+{begin:04X}.., normalizer {number}")


# ---- speed ----


def compare_speed(comparison: Comparison, tokenizer: dict[str, Any], texts: list[str]) -> None:
    reference = Tokenizer.from_str(json.dumps(tokenizer))
    size = sum(len(text.encode()) for text in texts)
    for name, run in (
        ("encode", lambda: [reference.encode(text) for text in texts]),
        ("encode_batch_fast", lambda: reference.encode_batch_fast(texts)),
    ):
        begin = time.perf_counter()
        run()
        seconds = time.perf_counter() - begin
        print(f"tokenizers, {name}: {size / seconds / 1e6:.1f} MB/s")
    best = max(float(comparison.run("speed", tokenizer, texts).split()[1]) for _ in range(3))
    print(f"wordpiece_tool, best of 3: {best / 1e6:.1f} MB/s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", type=pathlib.Path, default=ROOT / "build/bench/tests/bench/wordpiece_tool")
    parser.add_argument("--tokenizer", type=pathlib.Path, help="a tokenizer.json")
    parser.add_argument("--lines", type=pathlib.Path, nargs="+", default=[])
    parser.add_argument("--count", type=int, default=200_000, help="lines at most")
    parser.add_argument("--random", type=int, default=0, help="random texts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--characters", action="store_true")
    parser.add_argument("--speed", action="store_true")
    arguments = parser.parse_args()
    if not arguments.tokenizer and (arguments.lines or arguments.random):
        parser.error("--lines and --random need --tokenizer")
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(arguments.tool, pathlib.Path(folder))
        if arguments.tokenizer:
            tokenizer = without_limits(json.loads(arguments.tokenizer.read_text()))
        if arguments.lines:
            lines = read_lines(arguments.lines, arguments.count)
            if arguments.speed:
                compare_speed(comparison, tokenizer, lines)
                return 0
            comparison.compare(tokenizer, lines, "lines")
            cased = tokenizer["normalizer"] | {"lowercase": False, "strip_accents": False}
            comparison.compare(tokenizer | {"normalizer": cased}, lines, "lines, cased")
        if arguments.random:
            compare_random(comparison, tokenizer, arguments.random, arguments.seed)
        if arguments.characters:
            compare_characters(comparison)
    print(f"{comparison.texts} texts, {comparison.differences} differences")
    return 1 if comparison.differences else 0


if __name__ == "__main__":
    sys.exit(main())
