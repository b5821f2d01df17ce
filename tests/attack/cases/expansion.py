"""Texts that grow: normalization makes 18 characters of one U+FDFA, 3 bytes become 33.

Right: the normalized size is bounded before anything is tokenized, such a text fails alone, and neither its call nor
a cancelled one keeps a lane from other work.
"""

import messages
from attack import Attack, Run, send_all, texts_that_fit

from server import Target


def _expand(character: str, count: int, callers: int = 4, **fields: int) -> Run:
    def run(target: Target) -> list[str]:
        texts = texts_that_fit(target, character * count, most=60)
        send_all(target, "Classify", messages.classify(texts, **fields), callers)
        return []

    return run


ATTACKS = [
    Attack("nfkc-expansion", _expand("\ufdfa", 87_000)),
    # In windows nothing of the text may be dropped early.
    Attack("expansion-windows", _expand("\ufdfa", 87_000, truncation=messages.pb.TRUNCATION_WINDOWS), short=False),
    # Four characters in a square: another expansion, with pieces of another script.
    Attack("expansion-squares", _expand("\u3300", 87_000), short=False),
    # Marks that normalization has to sort; each alternates between two classes.
    Attack("combining-marks", _expand("\u0301\u0323", 60_000), short=False),
]
