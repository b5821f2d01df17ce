"""Light calls: one short text each, sent at a fixed rate whether or not earlier ones are answered.

They run in a process of their own, so that the attacker's Python does not slow them. A call that is late counts from
the time when it should have been sent.
"""

import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import grpc

RATE = 20  # calls a second
# A call without an answer by then has failed. Far above what an idle server needs, far below what users wait.
DEADLINE_SECONDS = 2
_TEXT = "what is my checking account balance"


@dataclass(frozen=True)
class Sample:
    sent: float  # time.monotonic(), the same clock in all processes
    seconds: float
    code: str


def classify_once(target: str, timeout: float = DEADLINE_SECONDS) -> str:
    """The status of one call over a connection of its own."""
    import messages

    with messages.channel(target) as connection:
        try:
            messages.method(connection, "Classify")(messages.classify([_TEXT]), timeout=timeout, wait_for_ready=True)
            return "OK"
        except grpc.RpcError as error:
            return error.code().name


def served_after(target: str, alive: Callable[[], bool], limit: float) -> float:
    """Seconds until a call over a new connection is served; infinite if that takes longer than `limit`."""
    start = time.monotonic()
    while time.monotonic() < start + limit and alive():
        if classify_once(target) == "OK":
            return time.monotonic() - start
        time.sleep(0.02)
    return float("inf")


def _run(target: str, models: list[str], pipe: Connection) -> None:
    import messages

    connection = messages.channel(target)
    call = messages.method(connection, "Classify")
    requests = [messages.classify([_TEXT], model=model) for model in models]
    samples: list[Sample] = []
    lock = threading.Lock()

    def record(due: float, future: Any) -> None:
        seconds = time.monotonic() - due
        code = future.code().name
        with lock:
            samples.append(Sample(due, seconds, code))

    start = time.monotonic()
    sent = 0
    pipe.send("started")
    while True:
        due = start + sent / RATE
        if pipe.poll(max(0.0, due - time.monotonic())):
            break
        # A server that a case has made unreachable is a failed call, not a wait for the channel.
        future = call.future(requests[sent % len(requests)], timeout=DEADLINE_SECONDS)
        future.add_done_callback(lambda done, due=due: record(due, done))
        sent += 1
    end = time.monotonic() + DEADLINE_SECONDS + 1
    while time.monotonic() < end:
        with lock:
            if len(samples) == sent:
                break
        time.sleep(0.02)
    with lock:
        pipe.send(samples)


class LightCalls:
    """Runs from construction to `finish`. `models` are called in turn."""

    def __init__(self, target: str, models: tuple[str, ...]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(target, list(models), theirs), daemon=True)
        self._process.start()
        self._pipe.recv()

    def finish(self) -> list[Sample]:
        self._pipe.send("finish")
        samples = self._pipe.recv()
        self._process.join()
        return samples


@dataclass(frozen=True)
class Summary:
    calls: int
    failed: int
    p99: float  # seconds, over all calls; a failed one counts with the time that it took
    codes: str

    @property
    def failed_share(self) -> float:
        return self.failed / self.calls if self.calls else 1.0


def summary(samples: list[Sample], start: float, end: float) -> Summary:
    """What became of the calls that were due between `start` and `end`."""
    chosen = [sample for sample in samples if start <= sample.sent < end]
    times = sorted(sample.seconds for sample in chosen)
    failed = [sample.code for sample in chosen if sample.code != "OK"]
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))] if times else float("inf")
    codes = ", ".join(f"{failed.count(code)} {code}" for code in sorted(set(failed)))
    return Summary(len(chosen), len(failed), p99, codes)
