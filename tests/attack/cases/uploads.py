"""Uploads that stop just before their end.

gRPC keeps what has arrived until the message is whole. Right: the sum is bounded, by the size of a message, the
streams of a connection and the connections of an address; and it is freed when the connection is idle for too long.
"""

import http2
import messages
from attack import Attack, Limits, Run, message_limit, repeat

from server import Target


def _stopped(streams: int, connections: int, share: float) -> Run:
    """`share` of the largest message on each stream."""

    def run(target: Target) -> list[str]:
        whole = message_limit(target)
        # The length says more than is ever sent.
        body = bytes(1) + whole.to_bytes(4, "big") + b"\x12" * int(whole * share)

        def step() -> None:
            with http2.Connection(target.grpc_port, timeout=target.seconds) as connection:
                # Room for all windows of the server: what stops the upload is the server alone.
                opened = [connection.headers(http2.grpc_headers(messages.path("Encode"))) for _ in range(streams)]
                for at in range(0, len(body), 32_768):
                    for stream in opened:
                        connection.data(stream, body[at : at + 32_768], end=False)
                    connection.read(0.002)
                while True:
                    connection.read(1)

        repeat(target, step, threads=connections)
        return []

    return run


ATTACKS = [
    # 60 messages of nearly 4 MB are allowed.
    Attack("stopped-uploads", _stopped(streams=1, connections=60, share=0.9), limits=Limits(peak_mb=400)),
    Attack("stopped-streams", _stopped(streams=100, connections=2, share=0.9), short=False),
    # A byte of each body: costs nothing to send, holds a call each.
    Attack("begun-uploads", _stopped(streams=120, connections=10, share=0), short=False),
]
