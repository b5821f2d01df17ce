"""Calls and frames by the thousand that each are allowed: cancelled calls, resets, pings, settings, empty frames.

Right: they cost a bounded part of one thread, and what they started ends with them.
"""

import http2
import messages
from attack import Attack, Limits, Run, repeat

from server import Target

_CLASSIFY = messages.path("Classify")
_CALL = messages.framed(messages.classify(["play some jazz music in the kitchen"] * 32))


def _cancel(target: Target) -> list[str]:
    request = messages.classify(["play some jazz music in the kitchen " * 5] * 64)

    def step() -> None:
        with messages.channel(target.grpc) as channel:
            calls = [messages.method(channel, "Classify").future(request, timeout=10) for _ in range(50)]
            calls[0].exception()
            for call in calls:
                call.cancel()

    repeat(target, step, threads=4)
    return []


def _deadlines(target: Target) -> list[str]:
    request = messages.classify(["play some jazz music in the kitchen " * 5] * 64)

    def step() -> None:
        with messages.channel(target.grpc) as channel:
            calls = [
                messages.method(channel, "Classify").future(request, timeout=number / 1000) for number in range(1, 50)
            ]
            for call in calls:
                call.exception()

    repeat(target, step, threads=4)
    return []


def _rapid_reset(target: Target) -> list[str]:
    """Opens a call and resets it at once; the limit of open streams never sees it."""

    def step() -> None:
        with http2.Connection(target.grpc_port) as connection:
            block = http2.grpc_headers(_CLASSIFY)
            while True:
                for _ in range(100):
                    connection.reset(connection.headers(block))
                connection.read(0.001)

    repeat(target, step, threads=2)
    return []


def _reset_after_request(target: Target) -> list[str]:
    """The same when the server has all of the request and has begun."""

    def step() -> None:
        with http2.Connection(target.grpc_port) as connection:
            while True:
                for _ in range(20):
                    connection.reset(connection.call(_CLASSIFY, _CALL))
                connection.read(0.005)

    repeat(target, step, threads=2)
    return []


def _frames(kind: int, payload: bytes, stream: bool = False) -> Run:
    """The same frame again and again; answers are not read."""

    def run(target: Target) -> list[str]:
        def step() -> None:
            with http2.Connection(target.grpc_port, timeout=2) as connection:
                number = connection.headers(http2.grpc_headers(_CLASSIFY)) if stream else 0
                frame = len(payload).to_bytes(3, "big") + bytes([kind, 0]) + number.to_bytes(4, "big") + payload
                while True:
                    connection.socket.sendall(frame * 500)

        repeat(target, step, threads=2)
        return []

    return run


ATTACKS = [
    Attack("cancel-storm", _cancel),
    Attack("deadline-storm", _deadlines, short=False),
    # The memory is what is, not what should be.
    Attack("rapid-reset", _rapid_reset, limits=Limits(peak_mb=700)),
    Attack("reset-after-request", _reset_after_request, short=False),
    Attack("ping-flood", _frames(http2.PING, bytes(8)), short=False),
    Attack("settings-flood", _frames(http2.SETTINGS, b"\0\4\0\0\xff\xff"), short=False),
    Attack("empty-data-flood", _frames(http2.DATA, b"", stream=True), short=False),
]
