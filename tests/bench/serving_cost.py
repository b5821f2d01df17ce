"""What serving costs beyond the engine.

The server runs on one core with one lane, the load generator on the other. For each shape of load it prints what
the server's process spent per request, what the engine alone spends on the same texts in batches of the size that
the server formed (engine_bench), and the server's texts/s over the engine's.

    cmake --preset bench && cmake --build --preset bench --target synthserve synthctl engine_bench
    python3 tests/bench/serving_cost.py [--build build/bench] [--seconds 5] [--repeat 3] [--precision f32]
"""

import argparse
import itertools
import json
import os
import pathlib
import re
import statistics
import subprocess
import urllib.request
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "intent-clinc150"
SHAPES = [(texts, concurrency) for texts in (1, 64) for concurrency in (1, 16, 256)]


def engine_microseconds(build: pathlib.Path, core: str, precision: str) -> dict[int, float]:
    """CPU microseconds that the engine spends per text, by texts in a batch; medians of 5."""
    out = subprocess.run(
        [
            "taskset",
            "-c",
            core,
            build / "tests/bench/engine_bench",
            "--benchmark_format=json",
            "--benchmark_repetitions=5",
            "--benchmark_report_aggregates_only=true",
        ],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"SYNTH_BENCH_PRECISION": precision},
    ).stdout
    return {
        int(run["run_name"].split("/")[1]): run["cpu_time"] / int(run["run_name"].split("/")[1])
        for run in json.loads(out)["benchmarks"]
        if run["aggregate_name"] == "median"
    }


def at_batch(engine: dict[int, float], batch: float) -> float:
    """The engine's cost per text at a batch size between the measured ones."""
    sizes = sorted(engine)
    for low, high in itertools.pairwise(sizes):
        if batch <= high:
            share = (max(batch, low) - low) / (high - low)
            return engine[low] * (1 - share) + engine[high] * share
    return engine[sizes[-1]]


def counter(metrics: str, name: str) -> float:
    """The first value of that name in the text of /metrics."""
    found = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)", metrics, re.MULTILINE)
    if found is None:
        raise SystemExit(f"/metrics: expected {name}, found none")
    return float(found[1])


class Server:
    def __init__(self, build: pathlib.Path, core: str, precision: str) -> None:
        self.process = subprocess.Popen(
            [
                *("taskset", "-c", core, build / "server/synthserve", "--model", str(MODEL), "--lanes", "1"),
                *("--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--log-format", "json"),
                *("--precision", precision),
                # 256 callers with 64 texts each are far more than the defaults let wait.
                *("--max-queue-tokens", "10000000", "--max-queue-time", "60s"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        event: dict[str, Any] = {}
        while event.get("event") != "serving":
            event = json.loads(self.process.stderr.readline())
        self.grpc = f"127.0.0.1:{event['grpc_port']}"
        self.metrics_url = f"http://127.0.0.1:{event['metrics_port']}/metrics"

    def counters(self) -> dict[str, float]:
        text = urllib.request.urlopen(self.metrics_url).read().decode()
        wanted = ("process_cpu_seconds_total", "synth_texts_total", "synth_batch_texts_count")
        return {name: counter(text, name) for name in wanted}

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate()


def load(
    build: pathlib.Path, server: Server, core: str, texts: int, concurrency: int, seconds: float
) -> dict[str, Any]:
    """One closed-loop run: requests and texts per second, and the server's CPU and batches during it."""
    synthctl = str(build / "client/synthctl")
    command = ["taskset", "-c", core, synthctl, "--server", server.grpc, "load", "--json"]
    command += ["--concurrency", str(concurrency), "--texts-per-request", str(texts), "--warmup", "0"]
    subprocess.run([*command, "--duration", "1"], check=True, capture_output=True)  # warms both up
    before = server.counters()
    out = subprocess.run([*command, "--duration", str(seconds)], check=True, capture_output=True, text=True).stdout
    after = server.counters()
    report = json.loads(out)
    if report["requests"]["errors"]:
        raise SystemExit(f"the load run had errors: {report['requests']['errors']}")
    spent = {name: after[name] - before[name] for name in after}
    computed = spent["synth_texts_total"]
    return {
        "texts_per_second": report["throughput"]["texts_per_second"],
        "p50_ms": report["latency_seconds"]["p50"] * 1e3,
        "p99_ms": report["latency_seconds"]["p99"] * 1e3,
        "batch": computed / spent["synth_batch_texts_count"],
        "cpu_us_per_request": spent["process_cpu_seconds_total"] / (computed / texts) * 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench")
    parser.add_argument("--seconds", type=float, default=5, help="of each run")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each shape, interleaved; medians are printed")
    parser.add_argument("--precision", default="f32", help="as of synthserve")
    options = parser.parse_args()

    engine = engine_microseconds(options.build, "0", options.precision)
    print("engine alone, CPU us per text by texts in a batch:")
    print("  " + ", ".join(f"{size}: {cost:.1f}" for size, cost in sorted(engine.items())), end="\n\n")

    server = Server(options.build, "0", options.precision)
    runs: dict[tuple[int, int], list[dict[str, Any]]] = {shape: [] for shape in SHAPES}
    try:
        for _ in range(options.repeat):
            for shape in SHAPES:
                runs[shape].append(load(options.build, server, "1", *shape, options.seconds))
    finally:
        server.stop()

    print("| texts/request | concurrency | texts/s | of the engine's | texts/batch | p50 ms | p99 ms |", end="")
    print(" server CPU us/request | engine us/request | serving us/request |")
    print("|" + "---|" * 10)
    for (texts, concurrency), results in runs.items():
        median = {name: statistics.median(run[name] for run in results) for name in results[0]}
        engine_cost = at_batch(engine, median["batch"])
        ratio = median["texts_per_second"] * engine_cost / 1e6
        cpu = median["cpu_us_per_request"]
        print(
            f"| {texts} | {concurrency} | {median['texts_per_second']:.0f} | {ratio:.2f} | {median['batch']:.1f} "
            f"| {median['p50_ms']:.2f} | {median['p99_ms']:.2f} | {cpu:.0f} | {engine_cost * texts:.0f} "
            f"| {cpu - engine_cost * texts:.0f} |"
        )


if __name__ == "__main__":
    main()
