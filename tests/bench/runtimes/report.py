"""Results as Markdown and JSON."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from runtimes import ROOT, machine


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def milliseconds(seconds: float) -> str:
    """Three significant digits, or whole milliseconds."""
    value = seconds * 1e3
    return f"{value:.{3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0}f}"


def comparison(cases: list[dict[str, Any]], contenders: list[str], baseline: str) -> str:
    """Milliseconds a batch and, in brackets, the speed relative to the baseline; geometric means at the end."""
    header = ["attention", "tokens/text", "texts", *(f"{name} ms" for name in contenders)]
    exports = [name for name in contenders if name.startswith("ort:")]
    header += [f"{name} runs" for name in exports]
    rows = []
    for case in cases:
        row = [case["variant"], str(case["length"]), str(case["texts"])]
        for name in contenders:
            result = case["contenders"][name]
            row.append(milliseconds(statistics.median(result["seconds"])))
            if name != baseline:
                row[-1] += f" ({result['speed']:.2f})"
        rows.append(row + [case["contenders"][name]["export"] for name in exports])
    means = [statistics.geometric_mean(case["contenders"][name]["speed"] for case in cases) for name in contenders]
    rows.append(["geometric mean", "", "", *(f"({mean:.2f})" for mean in means), *[""] * len(exports)])
    return markdown(header, rows)


def write_json(path: Path, options: dict[str, Any], results: dict[str, Any]) -> None:
    """The results with the machine, the versions and the flags."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {name: _without_root(value) for name, value in options.items()}
    text = json.dumps({"machine": machine.describe(), "options": options} | results, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def _without_root(value: object) -> object:
    """A path as text, from the repository's root where it lies in it."""
    return str(value).removeprefix(f"{ROOT}/") if isinstance(value, Path | str) else value
