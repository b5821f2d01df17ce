"""SentencePiece: training a vocabulary and turning text into token ids."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sentencepiece

from train.config import ConfigError

FILE = "tokenizer.model"
CLS_TOKEN, SEP_TOKEN = "<s>", "</s>"
OVERLAP_PART = 8  # neighbouring windows share one token in so many


def tokenizer_json() -> dict[str, Any]:
    """The `tokenizer` key of config.json."""
    return {
        "type": "sentencepiece",
        "file": FILE,
        "cls_token": CLS_TOKEN,
        "sep_token": SEP_TOKEN,
    }


def train_vocabulary(texts: Iterable[str], size: int, out: Path) -> None:
    """Trains a unigram vocabulary and writes the SentencePiece model.

    nmt_nfkc_cf folds case, width and compatibility forms inside the tokenizer, and byte fallback
    spells what the vocabulary lacks in bytes, so no text becomes <unk>.
    """
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            model_type="unigram",
            vocab_size=size,
            character_coverage=1.0,
            normalization_rule_name="nmt_nfkc_cf",
            byte_fallback=True,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:  # such as a size that the texts cannot fill
        raise ConfigError(f"tokenizer.vocab_size: {size}: {error}") from error
    out.write_bytes(model.getvalue())


class Tokenizer:
    """A SentencePiece model with the tokens that a config puts around each text."""

    def __init__(self, path: Path, cls_token: str | None, sep_token: str | None) -> None:
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such tokenizer")
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self._cache: dict[tuple[str, float], tuple[list[list[int]], list[float]]] = {}
        self.prefix = self._special(path, cls_token)
        self.suffix = self._special(path, sep_token)

    @staticmethod
    def of_checkpoint(folder: Path, data: dict[str, Any] | None) -> Tokenizer:
        """data is the `tokenizer` key of the folder's config.json."""
        if data is None:
            raise ValueError(f"{folder}: the checkpoint has no tokenizer")
        return Tokenizer(folder / data["file"], data.get("cls_token"), data.get("sep_token"))

    def _special(self, path: Path, token: str | None) -> list[int]:
        if token is None:
            return []
        index = self.processor.piece_to_id(token)
        if index == self.processor.unk_id():
            raise ValueError(f"{path}: {token} is not in the vocabulary")
        return [index]

    @property
    def vocab_size(self) -> int:
        """V."""
        return self.processor.vocab_size()

    def encode(self, text: str, max_length: int | None = None) -> list[int]:
        """Token ids, the special ones included; cut to max_length in front of the suffix."""
        return self._wrap(self.processor.encode(text), max_length)

    def windows(self, text: str, max_length: int) -> list[list[int]]:
        """Token ids of a long text as windows of max_length, as the server cuts it.

        Neighbours share max_length / 8 tokens or more; all are full and begin at even distances.
        """
        ids = self.processor.encode(text)
        room = max_length - len(self.prefix) - len(self.suffix)
        if len(ids) <= room:
            return [self.prefix + ids + self.suffix]
        step = room - max_length // OVERLAP_PART
        last = -(-(len(ids) - room) // step)  # the number of the last window
        starts = [i * (len(ids) - room) // last for i in range(last + 1)]
        return [self.prefix + ids[start : start + room] + self.suffix for start in starts]

    def pieces(self, texts: Iterable[str], max_length: int, windows: bool) -> list[list[list[int]]]:
        """For each text its windows, or one list of token ids cut to max_length."""
        if windows:
            return [self.windows(text, max_length) for text in texts]
        return [[self.encode(text, max_length)] for text in texts]

    def any_window(self, ids: list[int], max_length: int, rng: random.Random) -> list[int]:
        """A window of max_length at a random place of a longer text's token ids."""
        if len(ids) <= max_length:
            return ids
        body = ids[len(self.prefix) : len(ids) - len(self.suffix)]
        room = max_length - len(self.prefix) - len(self.suffix)
        start = rng.randrange(len(body) - room + 1)
        return self.prefix + body[start : start + room] + self.suffix

    def sample(self, text: str, max_length: int | None, alpha: float, rng: random.Random) -> list[int]:
        """A random segmentation (subword regularisation, Kudo 2018), drawn by rng alone.

        Each word is drawn from its 16 best segmentations with p ~ P(segmentation)^alpha.
        SentencePiece's own sampler has a global generator that no resume could restore.
        """
        ids: list[int] = []
        for word in text.split():
            candidates, weights = self._segmentations(word, alpha)
            ids += rng.choices(candidates, weights)[0]
        return self._wrap(ids, max_length)

    def _segmentations(self, word: str, alpha: float) -> tuple[list[list[int]], list[float]]:
        if (word, alpha) not in self._cache:
            candidates = self.processor.nbest_encode_as_ids(word, 16)
            scores = [sum(map(self.processor.get_score, ids)) for ids in candidates]
            weights = [math.exp(alpha * (score - max(scores))) for score in scores]
            self._cache[word, alpha] = candidates, weights
        return self._cache[word, alpha]

    def _wrap(self, ids: list[int], max_length: int | None) -> list[int]:
        if max_length is not None:
            ids = ids[: max_length - len(self.prefix) - len(self.suffix)]
        return self.prefix + ids + self.suffix
