"""What a case consists of, and what most cases do: the same step again and again, from several threads."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import messages

from server import Options, Target

MB = 1_000_000

# Attacks for `target.seconds` and returns what it found wrong by itself, a sentence each.
Run = Callable[[Target], list[str]]


@dataclass(frozen=True)
class Limits:
    """What still holds for everybody else while an attack runs."""

    failed_share: float = 0.01
    p99_of_idle: float = 10
    # p99 may also be this, however fast the idle server is. For attacks which are honest work.
    p99_seconds: float = 0
    peak_mb: float = 300
    recovery_seconds: float = 1


@dataclass(frozen=True)
class Attack:
    """`run`, the server that it meets, and what must still hold."""

    name: str
    run: Run
    server: Options = field(default_factory=Options)
    limits: Limits = field(default_factory=Limits)
    # Whether the short form for CI has it.
    short: bool = True


def repeat(target: Target, step: Callable[[], None], threads: int = 1, pause: float = 0) -> None:
    """Takes the step until the time is over. That the server refuses or closes is its right, and the step's end."""
    end = time.monotonic() + target.seconds

    def loop() -> None:
        while time.monotonic() < end:
            try:
                step()
                time.sleep(min(pause, max(0, end - time.monotonic())))
            except (OSError, grpc.RpcError):
                # Not at once again: a refused attacker who spins only measures this machine.
                time.sleep(0.02)

    workers = [threading.Thread(target=loop, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    # A step that sends without end is left behind: the attacker's process is ended after it has reported.
    for worker in workers:
        worker.join(max(0, end + 0.5 - time.monotonic()))


def hold(target: Target, open_one: Callable[[], Any], count: int, seconds: float = 3600) -> None:
    """Opens `count` connections, as far as the server lets it, holds them for `seconds`, closes them; and again."""

    def step() -> None:
        connections = []
        end = time.monotonic() + min(seconds, target.seconds)
        for _ in range(count):
            try:
                connections.append(open_one())
            except OSError:
                continue
        time.sleep(max(0, end - time.monotonic()))
        for connection in connections:
            connection.close()

    repeat(target, step)


def message_limit(target: Target) -> int:
    """Bytes of the largest request that the server takes."""
    with messages.channel(target.grpc) as channel:
        answer = messages.method(channel, "GetModel")(b"", timeout=5)
    return messages.pb.GetModelResponse.FromString(answer).limits.max_message_bytes


def texts_that_fit(target: Target, text: str, most: int) -> list[str]:
    """As many of the same text, up to `most`, as one request takes."""
    each = len(text.encode()) + 16
    return [text] * min(most, (message_limit(target) - 64) // each)


def send_all(target: Target, name: str, request: bytes, callers: int, timeout: float = 30) -> None:
    """Closed-loop callers, each with a connection of its own."""
    local = threading.local()

    def step() -> None:
        if not hasattr(local, "channel"):
            local.channel = messages.channel(target.grpc)
        try:
            messages.method(local.channel, name)(request, timeout=min(timeout, target.seconds))
        except grpc.RpcError:
            time.sleep(0.02)

    repeat(target, step, threads=callers)
