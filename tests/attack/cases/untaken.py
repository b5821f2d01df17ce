"""Clients that ask for much and take nothing.

The server holds a response until HTTP/2's flow control lets it out; a client that answers pings looks alive. Right:
streams of a connection are bounded, so are the bytes of untaken responses, and a response that is not taken in time
is cancelled. A drain does not wait for it.
"""

import time

import http2
import messages
from attack import Attack, Run, repeat

from server import Target

# About 100,000 tokens: four bytes asked become a dozen of answer.
_REQUEST = messages.framed(messages.tokenize(["a " * 100_000]))
_PIECE = 16_384


def _ask(connection: http2.Connection, listen: bool = True) -> int:
    """Opens a call; takes what the server says meanwhile, so that it grants the window for the next."""
    stream = connection.headers(http2.grpc_headers(messages.path("Tokenize")))
    for at in range(0, len(_REQUEST), _PIECE):
        connection.data(stream, _REQUEST[at : at + _PIECE], end=at + _PIECE >= len(_REQUEST))
        if listen:
            connection.read(0.002)
    return stream


def _window(size: int, streams: int) -> Run:
    def run(target: Target) -> list[str]:
        def step() -> None:
            with http2.Connection(target.grpc_port, window=size) as connection:
                end = time.monotonic() + target.seconds
                for _ in range(streams):
                    _ask(connection)
                while time.monotonic() < end:
                    connection.read(0.2)

        repeat(target, step, threads=4)
        return []

    return run


def _drip(target: Target) -> list[str]:
    """Takes a byte of each answer now and then: never idle, never done."""

    def step() -> None:
        with http2.Connection(target.grpc_port, window=0) as connection:
            streams = [_ask(connection) for _ in range(40)]
            end = time.monotonic() + target.seconds
            while time.monotonic() < end:
                connection.read(0.2)
                for stream in streams:
                    connection.frame(http2.WINDOW_UPDATE, 0, stream, (1).to_bytes(4, "big"))

    repeat(target, step, threads=4)
    return []


def _unread_socket(target: Target) -> list[str]:
    """Grants the widest window and never reads the socket: pings are not answered either."""

    def step() -> None:
        with http2.Connection(target.grpc_port, window=0x7FFFFFFF) as connection:
            connection.frame(http2.WINDOW_UPDATE, 0, 0, (0x7FFF0000).to_bytes(4, "big"))
            for _ in range(60):
                _ask(connection, listen=False)
                time.sleep(0.01)
            time.sleep(target.seconds)

    repeat(target, step, threads=4)
    return []


ATTACKS = [
    Attack("window-zero", _window(0, streams=60)),
    Attack("window-drip", _drip, short=False),
    Attack("unread-socket", _unread_socket, short=False),
    Attack("many-streams", _window(65535, streams=2000), short=False),
]
