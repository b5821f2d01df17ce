"""Honest work in amounts that leave nothing for others.

Right: lanes are shared by calls, not by who queued first. One short text waits at most for the batches in work, and
a call that cannot meet its deadline is refused at once.
"""

import random
import threading
import time

import grpc
import messages
from attack import Attack, Limits, Run, repeat, send_all, texts_that_fit

from server import Options, Target

# Three batches of the default 512 tokens, on a slow machine that also runs the callers.
_THREE_BATCHES = Limits(p99_seconds=0.15)
# 50 messages of nearly 4 MB at a time. The memory is what is, not what should be.
_LARGE_MESSAGES = Limits(p99_seconds=0.15, peak_mb=700)
_SENTENCE = "please tell me what the weather will be like in paris tomorrow morning and play some jazz music"


def _bulk(callers: int, texts: int, **fields: int) -> Run:
    def run(target: Target) -> list[str]:
        # Each text fills the model, and one call of 1,024 nearly the queue.
        request = messages.classify([" ".join([_SENTENCE] * 3)] * texts, **fields)
        send_all(target, "Classify", request, callers)
        return []

    return run


def _long_texts(callers: int, truncation: int) -> Run:
    """Texts of 256 KB of which all but the first tokens is cut off: tokenizing is nearly all of the work."""

    def run(target: Target) -> list[str]:
        text = (_SENTENCE + " ") * (256 * 1024 // (len(_SENTENCE) + 1) - 1)
        request = messages.classify(texts_that_fit(target, text, most=60), truncation=truncation)
        send_all(target, "Classify", request, callers)
        return []

    return run


_MODELS = ("intent-clinc150", "sentiment-imdb")
_DEADLINE_SECONDS = 1
_TEXTS = 16


def _capacity(target: Target, model: str, seconds: float) -> float:
    """Calls of `_TEXTS` texts a second that the model answers alone."""
    request = messages.classify([_SENTENCE] * _TEXTS, model=model)
    answered = [0]

    def step() -> None:
        with messages.channel(target.grpc) as channel:
            call = messages.method(channel, "Classify")
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                call(request, timeout=5)
                answered[0] += 1

    start = time.monotonic()
    repeat(Target(target.grpc_port, target.http_port, seconds), step, threads=6)
    return answered[0] / (time.monotonic() - start)


def _two_models(load: float, goodput_share: float) -> Run:
    """Both models at `load` / 2 of their capacity each, with deadlines; who is admitted must meet them."""

    def run(target: Target) -> list[str]:
        capacity = {model: _capacity(target, model, target.seconds / 6) for model in _MODELS}
        seconds = target.seconds * 2 / 3
        codes: list[str] = []
        lock = threading.Lock()

        def offer(model: str) -> None:
            dice = random.Random(7)
            request = messages.classify([_SENTENCE] * _TEXTS, model=model)
            with messages.channel(target.grpc) as channel:
                calls = []
                due = time.monotonic()
                end = due + seconds
                while due < end:
                    time.sleep(max(0, due - time.monotonic()))
                    calls.append(messages.method(channel, "Classify").future(request, timeout=_DEADLINE_SECONDS))
                    due += dice.expovariate(capacity[model] * load / 2)
                names = [grpc.StatusCode.OK.name if call.exception() is None else call.code().name for call in calls]
            with lock:
                codes.extend(names)

        workers = [threading.Thread(target=offer, args=(model,)) for model in _MODELS]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        answered, missed = codes.count("OK"), codes.count("DEADLINE_EXCEEDED")
        # Half of each model's capacity is what both together can do at once.
        possible = sum(capacity.values()) / 2 * min(load, 1) * seconds
        faults = []
        if missed > 0.01 * (answered + missed):
            faults.append(f"{missed} of {answered + missed} admitted calls missed their deadline")
        if answered < goodput_share * possible:
            faults.append(f"goodput {answered} of {possible:.0f} calls possible")
        return faults

    return run


_BOTH = Options(models=_MODELS)
# Light calls are refused with all others when more is asked than can be done; here the two models' own calls count.
_OVERLOADED = Limits(failed_share=1, p99_seconds=2, peak_mb=400)
ATTACKS = [
    Attack("bulk-1x1024", _bulk(1, 1024), limits=_THREE_BATCHES),
    Attack("bulk-8x256", _bulk(8, 256), limits=_THREE_BATCHES),
    Attack(
        "bulk-windows",
        _bulk(4, 256, truncation=messages.pb.TRUNCATION_WINDOWS),
        limits=_THREE_BATCHES,
        short=False,
    ),
    Attack("long-texts", _long_texts(50, messages.pb.TRUNCATION_END), limits=_LARGE_MESSAGES),
    Attack("long-windows", _long_texts(8, messages.pb.TRUNCATION_WINDOWS), limits=_THREE_BATCHES, short=False),
    Attack("two-models-full", _two_models(1, goodput_share=0.9), _BOTH, Limits(p99_seconds=0.5, peak_mb=400)),
    Attack("two-models-2x", _two_models(2, goodput_share=0.95), _BOTH, _OVERLOADED, short=False),
    Attack("two-models-5x", _two_models(5, goodput_share=0.95), _BOTH, _OVERLOADED, short=False),
]
