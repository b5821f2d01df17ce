"""Attacks a server of its own, one attack after the other, and prints what became of everybody else's calls.

scripts/attack.sh [--short] [--server PROGRAM] [ATTACK...]
"""

import argparse
import importlib
import math
import multiprocessing
import os
import pathlib
import pkgutil
import sys
import time
from multiprocessing.connection import Connection

import cases
import light
from attack import Attack

from server import DRAIN_SECONDS, ROOT, Server, Target


class Times:
    """How long each part takes, in seconds."""

    def __init__(self, short: bool) -> None:
        self.idle = 1.5 if short else 10.0
        self.attack = 3.0 if short else 20.0
        self.before_signal = 0.7 if short else 3.0
        # What an attack left behind must be given back within this; the short form does not wait for it.
        self.settle = 0.0 if short else 60.0
        self.recovery = 10.0


def all_attacks() -> list[Attack]:
    modules = [importlib.import_module(f"cases.{found.name}") for found in pkgutil.iter_modules(cases.__path__)]
    return [attack for module in modules for attack in module.ATTACKS]


def _attacker(name: str, target: Target, pipe: Connection) -> None:
    # The attacker would have a machine of his own; here he must not win by taking the server's.
    os.nice(19)
    attack = next(attack for attack in all_attacks() if attack.name == name)
    pipe.send("started")
    try:
        pipe.send(attack.run(target))
    except Exception as error:  # A server that no longer answers the attack's own questions is a finding.
        pipe.send([f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"])


class Attacker:
    """A process that attacks from construction to `finish`, at most a few seconds longer than it was told to."""

    def __init__(self, attack: Attack, target: Target) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._end = time.monotonic() + target.seconds + 10
        self._process = context.Process(target=_attacker, args=(attack.name, target, theirs), daemon=True)
        self._process.start()
        self._pipe.recv()

    def finish(self) -> list[str]:
        faults = []
        if self._pipe.poll(max(0, self._end - time.monotonic())):
            faults = self._pipe.recv()
        self.kill()
        return faults

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


class Row:
    """What one attack did, and which limits it broke."""

    def __init__(self, attack: Attack) -> None:
        self.attack = attack
        self.faults: list[str] = []
        self.idle: light.Summary | None = None
        self.during: light.Summary | None = None
        self.peak_mb = self.after_mb = self.before_mb = 0.0
        self.recovery = math.inf
        self.code: int | None = None
        self.drain = math.inf

    def judge(self, short: bool) -> None:
        limits = self.attack.limits
        assert self.idle is not None and self.during is not None
        if self.idle.failed:
            self.faults.append(f"idle server failed {self.idle.failed} light calls ({self.idle.codes})")
        if self.during.failed_share > limits.failed_share:
            self.faults.append(f"light calls failed: {self.during.codes or 'none was sent'}")
        p99_limit = max(limits.p99_of_idle * self.idle.p99, limits.p99_seconds)
        # In seconds of attack there are too few calls for a p99.
        if not short and self.during.p99 > p99_limit:
            self.faults.append(f"p99 over {p99_limit * 1000:.0f} ms")
        if self.peak_mb > limits.peak_mb:
            self.faults.append(f"memory over {limits.peak_mb:.0f} MB")
        if self.recovery > limits.recovery_seconds:
            self.faults.append(f"not served within {limits.recovery_seconds:g} s after")
        if not short and self.after_mb > 1.2 * self.before_mb:
            self.faults.append(f"memory not given back ({self.before_mb:.0f} MB before)")
        if self.code != 0:
            self.faults.append("SIGTERM: killed" if self.code is None else f"SIGTERM: exit code {self.code}")

    def cells(self) -> list[str]:
        assert self.idle is not None and self.during is not None
        return [
            self.attack.name,
            f"{self.during.failed}/{self.during.calls} ({self.during.failed_share:.1%})",
            f"{self.during.p99 * 1000:.0f}",
            f"{self.idle.p99 * 1000:.0f}",
            f"{self.peak_mb:.0f}",
            f"{self.recovery:.2f}",
            f"{self.after_mb:.0f}",
            "killed" if self.code is None else str(self.code),
            f"{self.drain:.1f}",
            "; ".join(self.faults) or "ok",
        ]


_HEAD = ["attack", "light calls failed", "p99 ms", "idle", "peak MB", "served after s", "MB after", "exit"]
_HEAD += ["drain s", "verdict"]


def table(rows: list[Row]) -> str:
    lines = [_HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD) - 1)]
    return "\n".join("  ".join([*(cell.ljust(width) for cell, width in zip(line, widths)), line[-1]]) for line in lines)


def _settled(server: Server, before_mb: float, seconds: float) -> float:
    """Resident memory once it is back within 20 % of before, or when the time is over."""
    end = time.monotonic() + seconds
    while (resident := server.resident_mb()) > 1.2 * before_mb and time.monotonic() < end:
        time.sleep(0.5)
    return resident


def run(attack: Attack, program: pathlib.Path, times: Times, short: bool) -> Row:
    row = Row(attack)
    server = Server(program, attack.server)
    attacker = None
    try:
        target = server.target(times.attack)
        calls = light.LightCalls(target.grpc, attack.server.models)
        idle = time.monotonic()
        # The first calls pay for the connection and for memory that is touched for the first time.
        time.sleep(0.5)
        idle_start = time.monotonic() - 0.2
        time.sleep(max(0, idle + 0.5 + times.idle - time.monotonic()))
        row.before_mb = server.resident_mb()
        server.reset_peak()
        attacker = Attacker(attack, target)
        start = time.monotonic()
        row.faults += attacker.finish()
        end = time.monotonic()
        row.recovery = light.served_after(target.grpc, server.alive, times.recovery)
        row.peak_mb = server.peak_mb()
        samples = calls.finish()
        row.idle = light.summary(samples, idle_start, start - 0.2)
        row.during = light.summary(samples, start, end)
        if server.alive():
            row.after_mb = _settled(server, row.before_mb, times.settle)
            attacker = Attacker(attack, target)
            time.sleep(times.before_signal)
            row.code, row.drain = server.stop()
        else:
            row.faults.append("the server ended")
            row.code = server.process.poll()
    finally:
        if attacker is not None:
            attacker.kill()
        server.kill()
    row.judge(short)
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="seconds for each attack, and not all of them")
    parser.add_argument("--server", type=pathlib.Path, default=ROOT / "build/release/server/synthserve")
    parser.add_argument("--list", action="store_true", help="print the names of the attacks")
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help="these only; default: all")
    arguments = parser.parse_args()
    known = all_attacks()
    if unknown := set(arguments.attacks) - {attack.name for attack in known}:
        parser.error(f"no such attack: {', '.join(sorted(unknown))}")
    chosen = [attack for attack in known if attack.name in arguments.attacks or not arguments.attacks]
    if arguments.short and not arguments.attacks:
        chosen = [attack for attack in chosen if attack.short]
    if arguments.list:
        print("\n".join(attack.name for attack in chosen))
        return 0
    if not arguments.server.is_file():
        parser.error(f"{arguments.server} is missing: build it, or name another with --server")
    rows = []
    begin = time.monotonic()
    for attack in chosen:
        rows.append(run(attack, arguments.server, Times(arguments.short), arguments.short))
        print(f"{time.monotonic() - begin:5.0f} s  {attack.name}: {rows[-1].cells()[-1]}", file=sys.stderr, flush=True)
    print(table(rows))
    failed = sum(bool(row.faults) for row in rows)
    print(f"\n{len(rows)} attacks, {failed} with a limit broken; a drain may take {DRAIN_SECONDS - 1} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
