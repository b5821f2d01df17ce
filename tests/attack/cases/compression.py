"""Small compressed requests that inflate to a gigabyte.

gRPC inflates a message as a whole before it looks at any limit. Right: the call is refused (UNIMPLEMENTED) without
being inflated.
"""

import zlib

import http2
import messages
from attack import Attack, Run, repeat

from server import Target

_CHUNK = 16 * 1024 * 1024
# Bits that zlib adds to the window's size to write gzip's header and trailer.
_WBITS = {"gzip": 31, "deflate": 15}


def _bomb(encoding: str, size: int) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, _WBITS[encoding])
    chunk = bytes(min(size, _CHUNK))
    return b"".join(deflate.compress(chunk) for _ in range(size // len(chunk))) + deflate.flush()


def _send(encoding: str, size: int, streams: int) -> Run:
    def run(target: Target) -> list[str]:
        body = messages.framed(_bomb(encoding, size), compressed=True)

        def step() -> None:
            with http2.Connection(target.grpc_port) as connection:
                for _ in range(streams):
                    stream = connection.headers(
                        http2.grpc_headers(messages.path("Classify"), (b"grpc-encoding", encoding.encode()))
                    )
                    for at in range(0, len(body), 32_768):
                        connection.data(stream, body[at : at + 32_768], end=at + 32_768 >= len(body))
                        # Lets the server's window updates through, so that it takes all of the body.
                        connection.read(0.005)
                connection.read(2)

        repeat(target, step)
        return []

    return run


ATTACKS = [
    Attack("gzip-bomb", _send("gzip", 1 << 30, streams=1)),
    Attack("deflate-bomb", _send("deflate", 1 << 30, streams=1), short=False),
    # Each inflates to less than the limit of a message, and there are a hundred.
    Attack("gzip-many-small", _send("gzip", 3 << 20, streams=100), short=False),
]
