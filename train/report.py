"""Writes docs/results.md from the logs beside it.

    python -m train.report [--results docs/results] [--out docs/results.md] [--images]

RESULTS/page.md is the page with its words; a line `<!-- NAME -->` in it becomes the table of that name,
made from the logs in RESULTS. --images draws RESULTS/images too; it needs matplotlib, which
`scripts/python-env.sh bench` installs.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.compare import attention, read_comparison, runs_of, score_parameters
from train.config import ConfigError
from train.recipe import make_config
from train.synthesizer import Synthesizer

ROOT = Path(__file__).resolve().parents[1]
RECIPE = ROOT / "train" / "recipes" / "comparison.json"
TITLES = {
    "trec": "TREC",
    "clinc150": "CLINC150",
    "ag_news": "AG News",
    "sst2": "SST-2",
    "imdb": "IMDB",
}
SWEEP = re.compile(r"factorized_random_k(\d+)")
EMPTY = "-"


@dataclass
class Logs:
    """What RESULTS holds. Speeds are medians over rounds."""

    recipe: dict[str, Any]
    lines: list[dict[str, Any]]  # of comparison.jsonl
    training: dict[int, dict[str, float]]  # tokens per second by positions and variant
    texts: dict[str, dict[str, float]]  # texts per second by data set and variant
    probes: dict[str, dict[str, Any]]  # by data set: encoder -> what train.probe printed
    models: list[dict[str, Any]]  # of models.jsonl
    finetuned: list[dict[str, Any]]  # of finetuned.jsonl

    @staticmethod
    def read(folder: Path) -> Logs:
        """Files that are not there leave their tables empty."""
        training = {
            line["length"]: {name: statistics.median(v) for name, v in line["tokens_per_second"].items()}
            for line in read_objects(folder / "training_speed.jsonl")
        }
        measured = folder / "texts_per_second.json"
        sets = json.loads(measured.read_text("utf-8"))["data_sets"] if measured.is_file() else {}
        texts = {
            dataset: {name: statistics.median(v) for name, v in result["texts_per_second"].items()}
            for dataset, result in sets.items()
        }
        probes: dict[str, dict[str, Any]] = defaultdict(dict)
        for line in read_objects(folder / "probes.jsonl"):
            probes[line["dataset"]][line["encoder"]] = line
        lines = read_objects(folder / "comparison.jsonl")
        models = read_objects(folder / "models.jsonl")
        finetuned = read_objects(folder / "finetuned.jsonl")
        return Logs(read_comparison(RECIPE), lines, training, texts, probes, models, finetuned)

    @property
    def variants(self) -> list[str]:
        """All but those of the sweep of k."""
        return [name for name in self.recipe["variants"] if not SWEEP.fullmatch(name)]

    def accuracies(self, dataset: str, variant: str) -> list[float]:
        """Test accuracy of each seed, in percent."""
        return [
            100 * line["test_accuracy"]
            for line in self.lines
            if line["dataset"] == dataset and line["variant"] == variant
        ]

    def score_parameters(self, variant: str, length: int) -> int:
        """Numbers that only the scores have, in a model for that many positions."""
        model = {
            **self.recipe["model"],
            "max_position_embeddings": length,
            "attention": attention(self.recipe["variants"][variant], length),
        }
        return score_parameters(Synthesizer(make_config(model, vocab_size=1)))

    def alpha(self, dataset: str, variant: str) -> list[list[list[float]]]:
        """What the first seed's mixtures learned: [layers][H][M]."""
        for line in self.lines:
            if (line["dataset"], line["variant"], line["seed"]) == (dataset, variant, 1):
                found: list[list[list[float]]] = line["alpha"]
                return found
        return []


def read_objects(path: Path) -> list[dict[str, Any]]:
    """JSON objects, one a line; none where there is no file."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [list(header), ["---"] * len(header), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def mean_and_spread(values: Sequence[float]) -> str:
    """Mean and standard deviation (number of runs), or the one value."""
    if not values:
        return EMPTY
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f} ({len(values)})"


def whole(value: float | None) -> str:
    """With commas between the thousands."""
    return EMPTY if value is None else f"{value:,.0f}"


def accuracy_table(logs: Logs) -> str:
    """Test accuracy by variant and data set."""
    sets = list(logs.recipe["datasets"])
    rows = [
        [f"`{variant}`", *(mean_and_spread(logs.accuracies(name, variant)) for name in sets)]
        for variant in logs.variants
    ]
    return table(["attention", *(TITLES[name] for name in sets)], rows)


def runs_line(logs: Logs) -> str:
    """How many of the recipe's runs have been made."""
    wanted = {(run.dataset, run.variant, run.seed) for run in runs_of(logs.recipe)}
    made = {(line["dataset"], line["variant"], line["seed"]) for line in logs.lines}
    return f"{len(made & wanted)} of the recipe's {len(wanted)} runs have been made."


def cost_table(logs: Logs) -> str:
    """What a variant costs: numbers, training, serving."""
    sets = list(logs.texts)
    lengths = sorted(logs.training)
    positions = (64, 256)  # of the shortest and the longest texts
    rows = []
    for variant in logs.variants:
        scores = [logs.score_parameters(variant, length) for length in positions]
        rows.append(
            [
                f"`{variant}`",
                *map(whole, scores),
                *(whole(logs.training[length].get(variant)) for length in lengths),
                *(whole(logs.texts[name].get(variant)) for name in sets),
            ]
        )
    header = ["attention", *(f"score parameters, L {length}" for length in positions)]
    header += [f"training tokens/s, n {length}" for length in lengths]
    return table([*header, *(f"{TITLES[name]} texts/s" for name in sets)], rows)


def sweep_table(logs: Logs) -> str:
    """Accuracy on TREC by k."""
    ks = {"factorized_random": logs.recipe["variants"]["factorized_random"]["k"]}
    for name in logs.recipe["variants"]:
        if match := SWEEP.fullmatch(name):
            ks[name] = int(match.group(1))
    rows = [
        [str(k), whole(logs.score_parameters(name, 64)), mean_and_spread(logs.accuracies("trec", name))]
        for name, k in sorted(ks.items(), key=lambda item: item[1])
    ]
    return table(["k", "score parameters", "TREC"], rows)


def alpha_table(logs: Logs) -> str:
    """What the mixtures of the first seed learned: the first part's weight in each head."""
    rows = []
    for variant in logs.variants:
        parts = variant.split("+")
        for dataset in logs.recipe["datasets"]:
            alpha = logs.alpha(dataset, variant)
            if not alpha:
                continue
            heads = [" ".join(f"{head[0]:.2f}" for head in layer) for layer in alpha]
            rows.append([f"`{variant}`", TITLES[dataset], f"`{parts[0]}`", *heads])
    return table(["mixture", "data set", "weight of", "layer 1", "layer 2"], rows)


def probe_table(logs: Logs) -> str:
    """Accuracy of readings of frozen vectors beside TF-IDF."""
    rows = []
    for encoders in logs.probes.values():
        one = next(iter(encoders.values()))
        readings = {f"`{encoder}`": line["embeddings"] for encoder, line in encoders.items()}
        for name, reading in {"TF-IDF": one["tf_idf"], **readings}.items():
            cells = [reading[key]["accuracy"] for key in ("linear_probe", "nearest_neighbours")]
            rows.append([one["title"], name, *(f"{100 * cell:.1f}" for cell in cells)])
    return table(["data set", "vectors", "linear probe", "nearest neighbours"], rows)


def model_table(logs: Logs) -> str:
    """Test accuracy of the shipped models, in PyTorch and through the server."""
    rows = []
    for line in logs.models:
        folder = ROOT / "models" / line["model"]
        files = [folder / "model.safetensors", folder / "tokenizer.model"]
        bytes_on_disk = sum(file.stat().st_size for file in files)
        rows.append(
            [
                f"[{line['model']}](../models/{line['model']}/README.md)",
                line["data"],
                line["long_texts"],
                f"{100 * line['pytorch']:.2f}",
                f"{100 * line['server']:.2f}",
                f"{bytes_on_disk / 1e6:.1f} MB",
            ]
        )
    return table(["model", "test split", "long texts", "PyTorch", "server", "on disk"], rows)


def finetuned_table(logs: Logs) -> str:
    """IMDB after pretraining: each encoder's accuracy and speed."""
    rows = [
        [
            line["model"],
            line["begun_from"],
            *(f"{100 * line[key]:.2f}" for key in ("dev", "test", "test_cut")),
            whole(logs.texts.get("imdb", {}).get(line["attention"])),
        ]
        for line in logs.finetuned
    ]
    header = ["attention", "begun from", "dev", "test", "test, cut", "texts/s of the encoder, cut"]
    return table(header, rows)


TABLES: dict[str, Callable[[Logs], str]] = {
    "accuracy": accuracy_table,
    "runs": runs_line,
    "cost": cost_table,
    "sweep": sweep_table,
    "alpha": alpha_table,
    "finetuned": finetuned_table,
    "probe": probe_table,
    "models": model_table,
}


def page(folder: Path) -> str:
    """The whole page."""
    template = folder / "page.md"
    if not template.is_file():
        raise ConfigError(f"{template}: no such file")
    logs = Logs.read(folder)

    def fill(match: re.Match[str]) -> str:
        if match.group(1) not in TABLES:
            raise ConfigError(f"{template}: no table {match.group(1)!r}")
        return TABLES[match.group(1)](logs)

    return re.sub(r"^<!-- (\w+) -->$", fill, template.read_text("utf-8"), flags=re.MULTILINE)


def draw_tradeoff(logs: Logs, path: Path) -> None:
    """Accuracy over the engine's speed, a panel for each data set."""
    import matplotlib
    from matplotlib.figure import Figure

    scored = {line["dataset"] for line in logs.lines}
    sets = [name for name in logs.recipe["datasets"] if name in logs.texts and name in scored]
    if not sets:
        return
    markers = dict(zip(logs.variants, "os^v<>DPX"))
    colours = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999"]
    with matplotlib.rc_context({"svg.hashsalt": "synthserve", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(3.0 * len(sets), 4.2), layout="constrained")
        for axes, name in zip(figure.subplots(1, len(sets), squeeze=False)[0], sets):
            for variant, colour in zip(logs.variants, colours):
                values = logs.accuracies(name, variant)
                if not values or variant not in logs.texts[name]:
                    continue
                axes.errorbar(
                    logs.texts[name][variant],
                    statistics.mean(values),
                    yerr=statistics.stdev(values) if len(values) > 1 else None,
                    marker=markers[variant],
                    color=colour,
                    linestyle="none",
                    label=variant,
                )
            axes.set_title(TITLES[name])
            axes.set_xlabel("texts per second, one core")
            axes.grid(color="#DDDDDD", linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
        figure.axes[0].set_ylabel("test accuracy, %")
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="train.report", description="Writes docs/results.md.")
    parser.add_argument("--results", type=Path, default=ROOT / "docs" / "results")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results.md")
    parser.add_argument("--images", action="store_true", help="draw RESULTS/images too")
    arguments = parser.parse_args()
    try:
        arguments.out.write_text(page(arguments.results), encoding="utf-8")
        if arguments.images:
            draw_tradeoff(Logs.read(arguments.results), arguments.results / "images/tradeoff.svg")
    except ConfigError as error:
        sys.exit(f"train.report: {error}")


if __name__ == "__main__":
    main()
