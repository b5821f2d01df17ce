"""What the server keeps to when it has more work than it can do: goodput, deadlines, fairness, memory.

Every table is a run against servers of its own, with two lanes and synthserve's defaults. Server and load share the
machine, so capacity is what is left beside the load generator.

    cmake --preset release && cmake --build --preset release --target synthserve synthctl
    $(scripts/python-env.sh) tests/bench/under_load.py [--build build/release] [--seconds 10] [PART...]

PARTs: overload, two-models, bulk, memory. Default: all.
"""

import argparse
import json
import pathlib
import random
import statistics
import subprocess
import sys
import threading
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "attack"))

import messages
from light import LightCalls, summary

from server import ROOT, Options, Server

MODELS = ("intent-clinc150", "sentiment-imdb")
DEADLINE_SECONDS = 1
# Long enough that the server is the bottleneck and not the load generator beside it.
TEXTS_PER_CALL = 16


class Load:
    """One run of synthctl load in the background."""

    def __init__(self, build: pathlib.Path, server: Server, seconds: float, *options: str, model: str = "") -> None:
        command = [str(build / "client/synthctl"), "--server", f"127.0.0.1:{server.grpc_port}"]
        command += ["--deadline", str(DEADLINE_SECONDS), *(("--model", model) if model else ())]
        command += ["load", "--json", "--duration", str(seconds), "--warmup", "1"]
        command += ["--target-ms", str(DEADLINE_SECONDS * 1000), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def report(self) -> dict[str, Any]:
        out, _ = self._process.communicate()
        return json.loads(out)


def texts(count: int) -> tuple[str, str]:
    return "--texts-per-request", str(count)


def capacity(build: pathlib.Path, server: Server, seconds: float, model: str = "") -> float:
    """Calls a second that closed-loop callers get through."""
    load = Load(build, server, seconds, "--concurrency", "16", *texts(TEXTS_PER_CALL), model=model)
    return load.report()["throughput"]["requests_per_second"]


def fate(report: dict[str, Any]) -> tuple[int, int, int]:
    """Calls that were answered, that were taken and then missed their deadline, and that were refused."""
    errors = dict(report["requests"]["errors"])
    missed = errors.pop("DEADLINE_EXCEEDED", 0)
    refused = errors.pop("RESOURCE_EXHAUSTED", 0)
    if errors:
        raise SystemExit(f"unexpected errors: {errors}")
    return report["requests"]["succeeded"], missed, refused


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def head(*cells: str) -> None:
    row(*cells)
    row(*("---" for _ in cells))


def overload(build: pathlib.Path, seconds: float) -> None:
    """Open-loop load above capacity, deadlines of 1 s."""
    head("offered, of capacity", "calls/s", "answered", "refused", "missed", "missed of taken", "goodput of capacity")
    for factor in (2, 5):
        server = Server(build / "server/synthserve", Options(models=MODELS[:1]))
        try:
            before = capacity(build, server, seconds)
            load = Load(build, server, seconds, "--rate", f"{factor * before:.0f}", "--poisson", *texts(TEXTS_PER_CALL))
            report = load.report()
            # The machine may have changed its speed meanwhile.
            most = statistics.mean((before, capacity(build, server, seconds)))
        finally:
            server.kill()
        answered, missed, refused = fate(report)
        good = report["goodput"]["requests_per_second"] / most
        offered = f"{factor * before:.0f}"
        row(f"{factor} x", offered, answered, refused, missed, f"{missed / (answered + missed):.2%}", f"{good:.2f}")


def two_models(build: pathlib.Path, seconds: float) -> None:
    """Two models, each at half of what it could do alone, deadlines of 1 s."""
    head("model", "calls/s", "answered", "refused", "missed", "missed of taken", "p99 ms")
    server = Server(build / "server/synthserve", Options(models=MODELS))
    try:
        alone = {model: capacity(build, server, seconds, model) for model in MODELS}
        loads = {
            model: Load(build, server, seconds, "--rate", f"{rate / 2:.1f}", *texts(TEXTS_PER_CALL), model=model)
            for model, rate in alone.items()
        }
        for model, load in loads.items():
            report = load.report()
            answered, missed, refused = fate(report)
            p99 = f"{report['latency_seconds']['p99'] * 1e3:.0f}"
            taken = answered + missed
            row(model, f"{alone[model] / 2:.0f}", answered, refused, missed, f"{missed / taken:.2%}", p99)
    finally:
        server.kill()


SENTENCE = "please tell me what the weather will be like in paris tomorrow morning and play some jazz music"


class Bulk:
    """Closed-loop callers with many full texts each; counts the texts that were answered."""

    def __init__(self, server: Server, callers: int, count: int) -> None:
        self.answered = 0
        self._stop = threading.Event()
        request = messages.classify([" ".join([SENTENCE] * 3)] * count)
        target = f"127.0.0.1:{server.grpc_port}"

        def call() -> None:
            with messages.channel(target) as connection:
                while not self._stop.is_set():
                    if messages.method(connection, "Classify").future(request, timeout=60).exception() is None:
                        self.answered += count
                    else:
                        time.sleep(0.02)  # a refused caller comes back, but not at once

        self._threads = [threading.Thread(target=call) for _ in range(callers)]
        for thread in self._threads:
            thread.start()

    def texts_per_second(self, seconds: float) -> float:
        before, start = self.answered, time.monotonic()
        time.sleep(seconds)
        return (self.answered - before) / (time.monotonic() - start)

    def finish(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def bulk(build: pathlib.Path, seconds: float) -> None:
    """One light caller, 20 calls a second, beside bulk callers: what each takes from the other."""
    head("bulk", "light calls", "failed", "p99 ms", "bulk texts/s alone", "beside", "kept")
    for callers, count in ((1, 1024), (8, 256)):
        server = Server(build / "server/synthserve", Options(models=MODELS[:1]))
        load = Bulk(server, callers, count)
        try:
            load.texts_per_second(2)
            alone = [load.texts_per_second(seconds)]
            light = LightCalls(f"127.0.0.1:{server.grpc_port}", MODELS[:1])
            start = time.monotonic()
            beside = load.texts_per_second(2 * seconds)
            end = time.monotonic()
            calls = summary(light.finish(), start, end)
            alone.append(load.texts_per_second(seconds))
        finally:
            load.finish()
            server.kill()
        most = statistics.mean(alone)
        kept = f"{beside / most:.2f}"
        p99 = f"{calls.p99 * 1e3:.0f}"
        row(f"{callers} x {count} texts", calls.calls, calls.failed, p99, f"{most:.0f}", f"{beside:.0f}", kept)


def memory(build: pathlib.Path, _: float) -> None:
    """200,000 calls with random numbers of texts of random lengths: resident memory, in MB."""
    calls, callers, quarters = 200_000, 8, 4
    server = Server(build / "server/synthserve", Options(models=MODELS[:1]))
    words = SENTENCE.split()

    def work(target: str, count: int, seed: int) -> None:
        draw = random.Random(seed)
        with messages.channel(target) as connection:
            classify = messages.method(connection, "Classify")
            for _ in range(count):
                batch = [" ".join(draw.choices(words, k=draw.randint(0, 40))) for _ in range(draw.randint(1, 12))]
                classify(messages.classify(batch), timeout=60)

    head("calls", "MB at the end", "MB on average")
    try:
        for quarter in range(quarters):
            target = f"127.0.0.1:{server.grpc_port}"
            share = calls // quarters // callers
            threads = [threading.Thread(target=work, args=(target, share, quarter * 100 + i)) for i in range(callers)]
            for thread in threads:
                thread.start()
            seen = []
            while any(thread.is_alive() for thread in threads):
                seen.append(server.resident_mb())
                time.sleep(0.5)
            for thread in threads:
                thread.join()
            row((quarter + 1) * calls // quarters, f"{server.resident_mb():.1f}", f"{statistics.mean(seen):.1f}")
    finally:
        server.kill()


PARTS = {"overload": overload, "two-models": two_models, "bulk": bulk, "memory": memory}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--seconds", type=float, default=10, help="of each run (default: %(default)s)")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    for name, part in PARTS.items():
        if options.parts and name not in options.parts:
            continue
        print(f"\n{name}: {(part.__doc__ or '').rstrip('.')}\n")
        part(options.build.resolve(), options.seconds)


if __name__ == "__main__":
    main()
