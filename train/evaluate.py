"""Scores a checkpoint on labelled text.

    python -m train.evaluate CHECKPOINT TEST.tsv[.xz] [--predictions OUT.tsv]
    python -m train.evaluate CHECKPOINT TEST.tsv --out-of-scope OOS.tsv
    python -m train.evaluate CHECKPOINT TEST.tsv --windows

Prints one JSON object. Texts of more than L tokens are cut, or with --windows read as windows, as
the server does it at TRUNCATION_WINDOWS. With --out-of-scope, a file of texts of none of the
classes, it adds the AUROC of both out-of-scope scores and, where the config has a threshold, the
rates at it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from train.checkpoint import CheckpointError, load_checkpoint
from train.config import OUT_OF_SCOPE_SCORES, ConfigError
from train.data import DataError, Example, read_tsv, targets
from train.predict import accuracy, auroc, out_of_scope_scores, predict
from train.synthesizer import Synthesizer
from train.tokenizer import Tokenizer


def load(folder: Path) -> tuple[Synthesizer, Tokenizer]:
    """The model and the tokenizer of a checkpoint folder."""
    model = load_checkpoint(folder)
    if not model.config.labels:
        raise CheckpointError(f"{folder}: the checkpoint has no classifier")
    return model, Tokenizer.of_checkpoint(folder, model.config.tokenizer)


def logits_of(model: Synthesizer, tokenizer: Tokenizer, examples: Sequence[Example], windows: bool) -> Tensor:
    """Logits [rows, C] of texts cut to L tokens, or as windows of L."""
    texts = (example.text for example in examples)
    return predict(model, tokenizer.pieces(texts, model.config.max_position_embeddings, windows))


def out_of_scope_report(model: Synthesizer, inside: Tensor, outside: Tensor) -> dict[str, Any]:
    """AUROC per score and the rates at the config's threshold; logits [rows, C] of both kinds."""
    report: dict[str, Any] = {
        f"auroc_{score}": round(auroc(out_of_scope_scores(inside, score), out_of_scope_scores(outside, score)), 4)
        for score in OUT_OF_SCOPE_SCORES
    }
    chosen = model.config.out_of_scope
    if chosen is not None:
        for key, logits in (("in_scope_marked", inside), ("out_of_scope_marked", outside)):
            marked = out_of_scope_scores(logits, chosen["score"]) > chosen["threshold"]
            report[key] = round(marked.double().mean().item(), 4)
    return report


def evaluate(
    folder: Path,
    test: Path,
    predictions: Path | None = None,
    out_of_scope: Path | None = None,
    windows: bool = False,
) -> dict[str, Any]:
    """What the command prints."""
    model, tokenizer = load(folder)
    multi_label = model.config.problem_type == "multi_label_classification"
    examples = read_tsv(test, multi_label)
    wanted = targets(examples, model.config.labels, test, multi_label)
    logits = logits_of(model, tokenizer, examples, windows)
    report: dict[str, Any] = {
        "texts": len(examples),
        "accuracy": round(accuracy(logits, wanted), 4),
    }
    if out_of_scope is not None:
        outside = logits_of(model, tokenizer, read_tsv(out_of_scope), windows)
        report["out_of_scope_texts"] = len(outside)
        report.update(out_of_scope_report(model, logits, outside))
    if predictions is not None:
        write_predictions(predictions, model, examples, logits)
    return report


def write_predictions(path: Path, model: Synthesizer, examples: Sequence[Example], logits: Tensor) -> None:
    """Lines of `predicted<TAB>given<TAB>text`."""
    labels = model.config.labels
    with open(path, "w", encoding="utf-8") as out:
        for example, row in zip(examples, logits):
            if model.config.problem_type == "multi_label_classification":
                predicted = [labels[i] for i in (row > 0).nonzero().flatten().tolist()]
            else:
                predicted = [labels[int(row.argmax())]]
            out.write(f"{','.join(predicted)}\t{','.join(example.labels)}\t{example.text}\n")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="train.evaluate", description="Scores a checkpoint.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("test", type=Path, help="label<TAB>text lines, plain or .xz")
    parser.add_argument("--predictions", type=Path, help="file to write predictions to")
    parser.add_argument("--out-of-scope", type=Path, help="label<TAB>text lines of no class")
    parser.add_argument("--windows", action="store_true", help="read long texts as windows")
    arguments = parser.parse_args()
    try:
        report = evaluate(
            arguments.checkpoint,
            arguments.test,
            arguments.predictions,
            arguments.out_of_scope,
            arguments.windows,
        )
    except (CheckpointError, ConfigError, DataError, FileNotFoundError) as error:
        sys.exit(f"train.evaluate: {error}")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
