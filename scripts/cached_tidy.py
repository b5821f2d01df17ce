#!/usr/bin/env python3
"""Runs clang-tidy over sources and remembers which were clean.

    scripts/cached_tidy.py BUILD PATTERN    BUILD holds compile_commands.json; scripts/tidy.sh calls it

A clean source leaves an empty stamp, named by the hash of all that its result depends on: the
contents of the source and of every header that it includes, its compile command, the .clang-tidy
files above it, and the version of clang-tidy. Contents and not preprocessed text, because NOLINT
comments count. Paths below the checkout are hashed relative to it, so another checkout finds the
stamps. A failure leaves none. The stamps lie in SYNTH_TIDY_CACHE, by default
~/.cache/synthserve-tidy; those unused for 30 days are removed.
"""

import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-14"
MAX_UNUSED_SECONDS = 30 * 24 * 3600

Entry = dict[str, str]  # of compile_commands.json


def cache_folder() -> pathlib.Path:
    home = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(os.environ.get("SYNTH_TIDY_CACHE") or pathlib.Path(home) / "synthserve-tidy")


@functools.cache
def content_hash(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@functools.cache
def tidy_version() -> str:
    return subprocess.run([TIDY, "--version"], check=True, capture_output=True, text=True).stdout


def portable(text: str) -> str:
    return text.replace(str(ROOT), "<root>")


def compiler_arguments(command: str) -> list[str]:
    """The compile command without its launcher, its output and its dependency file."""
    arguments = shlex.split(command)
    compiler = next(i for i, word in enumerate(arguments) if "clang++" in os.path.basename(word))
    kept = [arguments[compiler]]
    words = iter(arguments[compiler + 1 :])
    for word in words:
        if word in ("-o", "-MF", "-MT", "-MQ"):
            next(words)
        elif word not in ("-c", "-MD", "-MMD"):
            kept.append(word)
    return kept


def dependencies(arguments: list[str], folder: str) -> set[pathlib.Path]:
    """The source and every header that it includes, as the compiler resolves them."""
    rule = subprocess.run([*arguments, "-M"], cwd=folder, check=True, capture_output=True, text=True).stdout
    names = rule.partition(":")[2].replace("\\\n", " ")
    paths = {pathlib.Path(folder, name.replace("\\ ", " ")) for name in re.split(r"(?<!\\)\s+", names) if name}
    return {pathlib.Path(os.path.normpath(path)) for path in paths}


def key(file: str, entries: list[Entry]) -> str:
    parts = [tidy_version()]
    for folder in pathlib.Path(file).parents:
        config = folder / ".clang-tidy"
        if config.exists():
            parts += [portable(str(config)), content_hash(config)]
        if folder == ROOT:
            break
    for entry in entries:
        arguments = compiler_arguments(entry["command"])
        parts.append(portable(shlex.join(arguments)))
        for path in sorted(dependencies(arguments, entry["directory"]), key=lambda p: portable(str(p))):
            parts += [portable(str(path)), content_hash(path)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def check(file: str, entries: list[Entry], build: pathlib.Path, cache: pathlib.Path) -> tuple[str, bool, str]:
    """The source's relative path, whether its stamp was there, and what clang-tidy complains of."""
    name = os.path.relpath(file, ROOT)
    try:
        stamp = cache / key(file, entries)
    except subprocess.CalledProcessError as error:
        return name, False, error.stderr
    if stamp.exists():
        stamp.touch()
        return name, True, ""
    run = subprocess.run([TIDY, "--quiet", "-p", str(build), file], capture_output=True, text=True)
    if run.returncode != 0:
        return name, False, run.stdout + run.stderr
    stamp.touch()
    return name, False, ""


def main() -> int:
    build, pattern = pathlib.Path(sys.argv[1]).resolve(), re.compile(sys.argv[2])
    start = time.monotonic()
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    for stamp in cache.iterdir():
        if time.time() - stamp.stat().st_mtime > MAX_UNUSED_SECONDS:
            stamp.unlink(missing_ok=True)

    # A source that several targets compile has several entries. clang-tidy is called once for the
    # source, and checks it with each.
    entries: dict[str, list[Entry]] = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if pattern.search(os.path.relpath(entry["file"], ROOT)):
            entries.setdefault(entry["file"], []).append(entry)
    if not entries:
        print(f"no source matches {pattern.pattern!r}", file=sys.stderr)
        return 2

    cached, failed = 0, []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, hit, complaint in pool.map(lambda item: check(item[0], item[1], build, cache), entries.items()):
            cached += hit
            if complaint:
                failed.append(name)
                print(complaint, flush=True)
    seconds = time.monotonic() - start
    print(f"clang-tidy: {len(entries)} sources in {seconds:.0f} s, {cached} of them cached, {len(failed)} failed")
    for name in failed:
        print(f"  {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
