"""Clients of the metrics port that are slow, idle or endless.

Right: /healthz is answered within 50 ms whatever a hundred others do, or a liveness probe ends a healthy server; a
request has a few KB and one deadline.
"""

import http.client
import socket
import threading
import time
from collections.abc import Callable

from attack import Attack, Run, hold, repeat

from server import Target

_HEALTHZ_SECONDS = 0.05


def _connect(target: Target) -> socket.socket:
    return socket.create_connection(("127.0.0.1", target.http_port), timeout=2)


def _healthz_seconds(target: Target) -> float:
    """Infinite if there is no answer of 200 within 2 s."""
    start = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", target.http_port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        if connection.getresponse().status != 200:
            return float("inf")
    except (OSError, http.client.HTTPException):
        return float("inf")
    finally:
        connection.close()
    return time.monotonic() - start


def _while_probing(attack: Callable[[Target], None]) -> Run:
    """Runs the attack, with a liveness probe beside it. The median counts: the slowest is this machine's."""

    def run(target: Target) -> list[str]:
        end = time.monotonic() + target.seconds
        worker = threading.Thread(target=attack, args=(target,), daemon=True)
        worker.start()
        time.sleep(min(0.5, target.seconds / 4))
        probes = []
        while time.monotonic() < end:
            probes.append(_healthz_seconds(target))
            time.sleep(0.1)
        worker.join(2)
        median = sorted(probes)[len(probes) // 2] if probes else 0
        unanswered = probes.count(float("inf"))
        faults = []
        if unanswered:
            faults.append(f"/healthz: {unanswered} of {len(probes)} probes without 200 in 2 s")
        if median > _HEALTHZ_SECONDS:
            faults.append(f"/healthz: {median * 1000:.0f} ms, at most {_HEALTHZ_SECONDS * 1000:.0f} ms allowed")
        return faults

    return run


def _idle(target: Target) -> None:
    hold(target, lambda: _connect(target), count=100)


def _a_byte_a_second(target: Target) -> None:
    def step() -> None:
        with _connect(target) as connection:
            for byte in b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n" * 100:
                connection.sendall(bytes([byte]))
                time.sleep(1)

    repeat(target, step, threads=3)


def _endless(head: bytes, piece: bytes) -> Callable[[Target], None]:
    def attack(target: Target) -> None:
        def step() -> None:
            with _connect(target) as connection:
                connection.sendall(head)
                end = time.monotonic() + target.seconds
                while time.monotonic() < end:
                    connection.sendall(piece)

        repeat(target, step, threads=2)

    return attack


def _pipelined(target: Target) -> None:
    """Thousands of scrapes asked for at once, and no answer read."""

    def step() -> None:
        with _connect(target) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5000)
            time.sleep(0.5)

    repeat(target, step, threads=3)


_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
_POST = b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000000\r\n\r\n"
_CHUNKED = b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
_BLOCK = b"a" * 65536
ATTACKS = [
    Attack("http-idle", _while_probing(_idle)),
    Attack("http-slow", _while_probing(_a_byte_a_second)),
    Attack("http-endless-header", _while_probing(_endless(_REQUEST, b"X-A: b\r\n" * 8192)), short=False),
    Attack("http-endless-line", _while_probing(_endless(_REQUEST + b"X-A: ", _BLOCK)), short=False),
    Attack("http-endless-request", _while_probing(_endless(b"GET /", _BLOCK)), short=False),
    Attack("http-endless-post", _while_probing(_endless(_POST, _BLOCK))),
    Attack("http-endless-chunks", _while_probing(_endless(_CHUNKED, b"10000\r\n" + _BLOCK + b"\r\n")), short=False),
    Attack("http-pipelined", _while_probing(_pipelined), short=False),
]
