"""Bytes that are no request: random, another protocol, or frames of the right form and random content.

Right: each connection ends by itself, and nothing else does.
"""

import os
import random
import socket
from collections.abc import Callable

import http2
import messages
from attack import Attack, Run, repeat

from server import Target


def _both_ports(data: Callable[[], bytes]) -> Run:
    """Sends what `data` returns to both ports, a connection each."""

    def run(target: Target) -> list[str]:
        def step() -> None:
            for port in (target.grpc_port, target.http_port):
                with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                    connection.sendall(data())
                    connection.settimeout(0.05)
                    try:
                        connection.recv(4096)
                    except TimeoutError:
                        continue

        repeat(target, step, threads=4)
        return []

    return run


def _random_frames(target: Target) -> list[str]:
    dice = random.Random(11)

    def step() -> None:
        with http2.Connection(target.grpc_port) as connection:
            for _ in range(50):
                kind, flags, stream = dice.randrange(12), dice.randrange(256), dice.randrange(8)
                connection.frame(kind, flags, stream, dice.randbytes(dice.randrange(64)))
            connection.read(0.02)

    repeat(target, step, threads=2)
    return []


def _random_messages(target: Target) -> list[str]:
    dice = random.Random(13)
    valid = messages.classify(["play some jazz", "what is my balance"], top_k=3)

    def step() -> None:
        with http2.Connection(target.grpc_port) as connection:
            for _ in range(50):
                body = bytearray(valid)
                for _ in range(dice.randrange(1, 8)):
                    body[dice.randrange(len(body))] = dice.randrange(256)
                connection.call(messages.path("Classify"), messages.framed(bytes(body)))
            connection.read(0.1)

    repeat(target, step, threads=2)
    return []


_TLS_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(200)
ATTACKS = [
    Attack("random-bytes", _both_ports(lambda: os.urandom(2000))),
    Attack("random-frames", _random_frames),
    Attack("random-messages", _random_messages, short=False),
    Attack("tls-hello", _both_ports(lambda: _TLS_HELLO), short=False),
]
