"""Messages of millions of fields that the server does not know, two bytes each.

A parsed unknown field takes 16 bytes and more. Right: fields are counted before parsing, and a message of too many is
refused.
"""

import messages
from attack import Attack, Run, message_limit, send_all

from server import Target

_UNKNOWN = b"\x7a\x00"  # field 15, no bytes
_GROUP_START, _GROUP_END = b"\x7b", b"\x7c"
_EMPTY_TEXT = b"\x12\x00"


def _fill(name: str, head: bytes, field: bytes) -> Run:
    def run(target: Target) -> list[str]:
        count = (message_limit(target) - 100_000) // len(field)
        send_all(target, name, head + field * count, callers=3)
        return []

    return run


def _groups(target: Target) -> list[str]:
    """Groups within groups: a parser that recurses without a limit runs out of stack."""
    depth = (message_limit(target) - 100_000) // 2
    send_all(target, "Encode", _GROUP_START * depth + _GROUP_END * depth, callers=2)
    return []


_ONE_TEXT = messages.encode(["play some jazz"])
ATTACKS = [
    Attack("unknown-fields", _fill("Encode", _ONE_TEXT, _UNKNOWN)),
    Attack("unknown-getmodel", _fill("GetModel", b"", _UNKNOWN)),
    Attack("nested-groups", _groups, short=False),
    Attack("empty-texts", _fill("Tokenize", b"", _EMPTY_TEXT), short=False),
    # The last one counts; a parser keeps room for each.
    Attack("repeated-model", _fill("Classify", messages.classify(["a"]), b"\x0a\x01x"), short=False),
]
