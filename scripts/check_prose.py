#!/usr/bin/env python3
"""Checks the prose: its width, its links, and that the lists of flags and metrics are complete.

No line of Markdown and no comment of a .proto is wider than 100 columns. Tables and code blocks may
be wider. So may a line that holds one link or one piece of code and nothing else, and a page that a
program writes. A link into the repository leads to something that is there. docs/configuration.md
lists the flags of server/options.cc and no others, docs/metrics.md the metrics of server/observe.
Without arguments; ends with 1 and a list if something is wrong.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_COLUMNS = 100

# Written by train.report from its template, whose links are those of the page that it becomes.
GENERATED = ["docs/results.md"]
TEMPLATES = ["docs/results/page.md"]

FENCE = re.compile(r"^\s*(```|~~~)")
# The marks that begin a line, and one word, link or piece of code, which cannot be broken.
ONE_WORD = re.compile(r"^\s*(?:(?:[-*>#]+|\d+\.|//)\s+)*(?:\[[^]]*\]\([^)]*\)\S*|`[^`]*`\S*|\S+)\s*$")

LINK = re.compile(r"\]\(([^)\s]+)\)")
ELSEWHERE = ("https://", "http://", "mailto:", "#")

FLAG = re.compile(r'"(--[a-z][a-z-]*)"')
NOT_CONFIGURATION = {"--version", "--help"}
METRIC = re.compile(r'"((?:synth|grpc_server|process)_[a-z_]+)"')
ROW = re.compile(r"^\| `([^`]+)`", re.MULTILINE)


def tracked(*patterns: str) -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in output.splitlines() if (ROOT / name).is_file()]


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def is_too_wide(line: str) -> bool:
    return len(line) > MAX_COLUMNS and not ONE_WORD.match(line)


def wide_markdown(path: str) -> list[str]:
    wrong = []
    fence = None
    for number, line in enumerate(read(path).splitlines(), start=1):
        mark = FENCE.match(line)
        if mark and fence in (None, mark.group(1)):
            fence = None if fence else mark.group(1)
            continue
        if fence or line.lstrip().startswith("|"):
            continue
        if is_too_wide(line):
            wrong.append(f"{path}:{number}: {len(line)} columns, at most {MAX_COLUMNS}")
    return wrong


def broken_links(path: str) -> list[str]:
    folder = (ROOT / path).parent
    return [
        f"{path}: links to {link}, which is not there"
        for link in LINK.findall(read(path))
        if not link.startswith(ELSEWHERE) and not (folder / link.partition("#")[0]).exists()
    ]


def wide_comments(path: str) -> list[str]:
    return [
        f"{path}:{number}: {len(line)} columns, at most {MAX_COLUMNS}"
        for number, line in enumerate(read(path).splitlines(), start=1)
        if "//" in line and is_too_wide(line)
    ]


def differences(page: str, listed: set[str], source: str, found: set[str]) -> list[str]:
    return [f"{page}: no row for {name} of {source}" for name in sorted(found - listed)] + [
        f"{page}: {name} is not in {source}" for name in sorted(listed - found)
    ]


def main() -> int:
    wrong = []
    for path in tracked("*.md"):
        if path not in GENERATED:
            wrong += wide_markdown(path)
        if path not in TEMPLATES:
            wrong += broken_links(path)
    for path in tracked("*.proto"):
        wrong += wide_comments(path)
    flags = set(FLAG.findall(read("server/options.cc"))) - NOT_CONFIGURATION
    listed = {name for name in ROW.findall(read("docs/configuration.md")) if name.startswith("--")}
    wrong += differences("docs/configuration.md", listed, "server/options.cc", flags)
    metrics = {name for path in tracked("server/observe/*.cc") for name in METRIC.findall(read(path))}
    listed = set(ROW.findall(read("docs/metrics.md")))
    wrong += differences("docs/metrics.md", listed, "server/observe", metrics)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
