"""The picture of docs/performance.md."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

# Okabe and Ito's colours, and a marker each, for readers who do not tell them apart.
STYLES = (("#000000", "o"), ("#E69F00", "s"), ("#56B4E9", "v"), ("#009E73", "^"), ("#0072B2", "D"), ("#D55E00", "x"))
# The same picture from the same figures, with text that can be selected.
SETTINGS = {"svg.hashsalt": "synthserve", "svg.fonttype": "none", "font.size": 10}


def draw_cost(lengths: list[int], cost: dict[str, list[float]], title: str, path: Path) -> None:
    """Microseconds a token over the length of the texts, a line for each score source."""
    styles = dict(zip(cost, STYLES, strict=False))
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(7.5, 4.5), layout="constrained")
        axes = figure.subplots()
        # From the most to the least expensive, so that the legend has the order of the lines' right ends.
        for variant, values in sorted(cost.items(), key=lambda item: -item[1][-1]):
            colour, marker = styles[variant]
            axes.plot(lengths, values, label=variant, color=colour, marker=marker, markersize=5, linewidth=1.5)
        axes.set_xscale("log", base=2)
        axes.set_xticks(lengths, [str(length) for length in lengths])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_xlabel("tokens per text")
        axes.set_ylabel("µs per token")
        axes.set_title(title, fontsize=10)
        axes.grid(color="#DDDDDD", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
