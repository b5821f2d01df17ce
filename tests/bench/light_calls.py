"""What becomes of light calls beside heavy ones, for one or more builds of the server.

One short text 20 times a second, whatever is answered, beside closed-loop callers of each kind. The builds take
turns, so that a busy machine is busy for all of them.

    $(scripts/python-env.sh) tests/bench/light_calls.py --server build/release/server/synthserve [--server OTHER]
"""

import argparse
import pathlib
import statistics
import sys
import threading
import time
from collections.abc import Callable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "attack"))

import messages
from attack import texts_that_fit
from light import LightCalls, Sample, summary

from server import Options, Server, Target

SENTENCE = "please tell me what the weather will be like in paris tomorrow morning and play some jazz music"


FULL = " ".join([SENTENCE] * 3)  # as many tokens as the model takes
LONG = (SENTENCE + " ") * (256 * 1024 // (len(SENTENCE) + 1) - 1)
WINDOWS = messages.pb.TRUNCATION_WINDOWS

# Callers and what each sends.
LOADS: dict[str, tuple[int, Callable[[Target], bytes]]] = {
    "1 caller x 1,024 texts": (1, lambda _: messages.classify([FULL] * 1024)),
    "8 callers x 256 texts": (8, lambda _: messages.classify([FULL] * 256)),
    "4 callers x 256 texts in windows": (4, lambda _: messages.classify([FULL] * 256, truncation=WINDOWS)),
    "50 callers x texts of 256 KB": (50, lambda target: messages.classify(texts_that_fit(target, LONG, most=60))),
    "4 callers x texts of U+FDFA": (
        4,
        lambda target: messages.classify(texts_that_fit(target, "\ufdfa" * 87_000, most=60)),
    ),
}


def run(program: pathlib.Path, load: str, seconds: float) -> tuple[list[Sample], float, float, int]:
    """The light calls, when the load began and ended, and how many heavy calls were answered."""
    server = Server(program, Options())
    try:
        target = server.target(seconds)
        callers, make_request = LOADS[load]
        request = make_request(target)
        light = LightCalls(target.grpc, ("intent-clinc150",))
        start = time.monotonic()
        end = start + seconds
        answered = [0] * callers

        def call(caller: int) -> None:
            with messages.channel(target.grpc) as connection:
                while time.monotonic() < end:
                    future = messages.method(connection, "Classify").future(request, timeout=10)
                    if future.exception() is None:
                        answered[caller] += 1
                    else:
                        time.sleep(0.02)  # a refused caller comes back, but not at once

        workers = [threading.Thread(target=call, args=(caller,)) for caller in range(callers)]
        for worker in workers:
            worker.start()
        time.sleep(max(0.0, end - time.monotonic()))
        samples = light.finish()
        for worker in workers:
            worker.join()
        return samples, start, end, sum(answered)
    finally:
        server.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=pathlib.Path, action="append", required=True, help="may be given again")
    parser.add_argument("--seconds", type=float, default=5, help="of each run (default: %(default)s)")
    parser.add_argument("--load", action="append", help="only loads whose name contains this; may be given again")
    options = parser.parse_args()

    print("| load | server | light calls | failed | p50 ms | p99 ms | heavy calls answered |\n|" + "---|" * 7)
    for load in LOADS:
        if options.load and not any(part in load for part in options.load):
            continue
        for program in options.server:
            samples, start, end, answered = run(program.resolve(), load, options.seconds)
            light = summary(samples, start, end)
            p50 = statistics.median(sample.seconds for sample in samples if start <= sample.sent < end)
            row = (load, program, light.calls, light.failed, f"{p50 * 1e3:.0f}", f"{light.p99 * 1e3:.0f}", answered)
            print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
