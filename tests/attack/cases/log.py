"""Lines of log by the thousand, into a pipe that nobody reads.

A pipe takes 64 KB, then a writer waits. Right: no thread waits for the log; what cannot be written is dropped and
counted, and SIGTERM still drains.
"""

import http2
import messages
from attack import Attack, message_limit, repeat

from server import Options, Target


def _refused_calls(target: Target) -> list[str]:
    """Calls of every kind that the server may want to tell about."""
    too_large = messages.framed(bytes(100))[:1] + (message_limit(target) + 1).to_bytes(4, "big")

    def step() -> None:
        with http2.Connection(target.grpc_port) as connection:
            for number in range(100):
                connection.call(messages.path("Classify"), messages.framed(b"\xff" * 8))
                connection.call(messages.path(f"Unknown{number}"), messages.framed(b""))
                # gRPC itself tells of each value that it cannot read.
                connection.call(messages.path("Encode"), messages.framed(b""), (b"te", b"x" * 200))
                connection.call(messages.path("Encode"), messages.framed(messages.encode([])))
                connection.call(messages.path("Encode"), too_large)
                connection.call(
                    messages.path("Encode"), messages.framed(b"not gzip", True), (b"grpc-encoding", b"gzip")
                )
            connection.read(0.2)
            # Frames which are none end the connection, and gRPC tells why.
            connection.frame(http2.WINDOW_UPDATE, 0, 0, b"abc")
            connection.read(0.2)

    repeat(target, step, threads=4)
    return []


ATTACKS = [
    Attack("unread-log", _refused_calls, Options(unread_log=True)),
    Attack(
        "unread-debug-log",
        _refused_calls,
        Options(unread_log=True, arguments=("--log-level", "debug")),
        short=False,
    ),
]
