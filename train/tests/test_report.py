"""docs/results.md is what the logs say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from train.config import ConfigError
from train.report import ROOT, page


def test_the_page_is_up_to_date() -> None:
    written = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert written == page(ROOT / "docs" / "results")


def test_tables_come_from_the_logs(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# A page\n\n<!-- accuracy -->\n\n<!-- runs -->\n", "utf-8")
    runs = [
        {"dataset": "trec", "variant": "dense", "seed": seed, "test_accuracy": accuracy}
        for seed, accuracy in ((1, 0.8), (2, 0.82))
    ]
    lines = "".join(json.dumps(run) + "\n" for run in runs)
    (tmp_path / "comparison.jsonl").write_text(lines, "utf-8")
    text = page(tmp_path)
    assert "| `dense` | 81.0 ± 1.4 (2) | - | - | - | - |" in text
    assert "| `random` | - | - | - | - | - |" in text
    assert text.splitlines()[-1].startswith("2 of the recipe's ")


def test_an_unknown_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("<!-- nothing -->\n", "utf-8")
    with pytest.raises(ConfigError, match="nothing"):
        page(tmp_path)
    with pytest.raises(ConfigError, match=r"page\.md"):
        page(tmp_path / "nowhere")
