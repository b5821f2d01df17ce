"""More connections than the server has descriptors, and connections that never say a word.

gRPC's own listener never accepts again once accept() has failed. Right: connections beyond a limit are closed, the
others are served, and after the attack a new one is answered at once.
"""

import socket

import http2
from attack import Attack, hold

from server import Options, Target


def _connect(target: Target) -> socket.socket:
    return socket.create_connection(("127.0.0.1", target.grpc_port), timeout=2)


def _open_and_close(target: Target) -> list[str]:
    hold(target, lambda: _connect(target), count=80, seconds=0.3)
    return []


def _idle(target: Target) -> list[str]:
    hold(target, lambda: _connect(target), count=1000, seconds=target.seconds / 2)
    return []


def _half_preface(target: Target) -> list[str]:
    """The server cannot know yet whether the client speaks HTTP/2."""

    def connect() -> socket.socket:
        connection = _connect(target)
        connection.sendall(b"PRI * HTTP/2.0\r\n")
        return connection

    hold(target, connect, count=200)
    return []


def _handshaken(target: Target) -> list[str]:
    hold(target, lambda: http2.Connection(target.grpc_port).socket, count=500)
    return []


ATTACKS = [
    Attack("descriptors", _open_and_close, Options(descriptors=64)),
    Attack("idle-connections", _idle, Options(descriptors=1024)),
    Attack("half-preface", _half_preface, Options(descriptors=128), short=False),
    Attack("handshaken-idle", _handshaken, Options(descriptors=256), short=False),
]
