"""The machine that a figure belongs to, and where its processes run."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from typing import Any

from runtimes import ROOT


def _cpuinfo(key: str) -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    return ""


def has_vnni() -> bool:
    return not {"avx512_vnni", "avx_vnni"}.isdisjoint(_cpuinfo("flags").split())


def describe() -> dict[str, Any]:
    """What a reader needs to know to repeat a measurement."""
    wanted = {"avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"}
    commit = subprocess.run(
        ["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "commit": commit.stdout.strip(),
        "cpu": _cpuinfo("model name"),
        "cpu_family_model": f"{_cpuinfo('cpu family')}/{_cpuinfo('model')}",
        "cpu_flags": sorted(wanted.intersection(_cpuinfo("flags").split())),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "synth_isa": os.environ.get("SYNTH_ISA", ""),
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in ("numpy", "onnx", "onnxruntime")},
    }


def leave_core(core: int) -> None:
    """Keeps this process off `core`, which is the contenders', as far as there are others."""
    allowed = os.sched_getaffinity(0)
    if core not in allowed:
        raise SystemExit(f"--core {core}: this process may run on {sorted(allowed)} only")
    if len(allowed) > 1:
        os.sched_setaffinity(0, allowed - {core})
