"""The folder of a run: its recipe, its log, and the state that --resume continues from."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from train.config import ConfigError

STATE, LOG, RECIPE = "last.pt", "log.jsonl", "recipe.json"


def open_run(run: Path, resume: bool, leftovers: Sequence[str]) -> None:
    """Makes the folder. Refuses to begin where a run has saved its state, or to resume where none has.

    leftovers: files, beside the log, that a run which ended before it first saved its state may have
    left, and which another must not take for its own.
    """
    run.mkdir(parents=True, exist_ok=True)
    begun = (run / STATE).is_file()
    if resume and not begun:
        raise ConfigError(f"{run}: has no {STATE} to resume from; begin without --resume")
    if resume:
        return
    if begun:
        raise ConfigError(f"{run}: holds a run already; continue it with --resume")
    for name in (LOG, *leftovers):
        (run / name).unlink(missing_ok=True)


class Resumable(Protocol):
    """A trainer that works in the folder `run`."""

    run: Path
    recipe: dict[str, Any]

    def resume(self) -> None:
        """Goes back to where the run was when it last saved its state."""


def begin(trainer: Resumable, resume: bool) -> None:
    """Continues the run of an earlier process, or writes down what this one trains."""
    if resume:
        trainer.resume()
    else:
        write_recipe(trainer.run, trainer.recipe)


def write_recipe(run: Path, recipe: dict[str, Any]) -> None:
    """RUN/recipe.json: what the run was begun with."""
    (run / RECIPE).write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")


def load_state(run: Path, seed: int) -> dict[str, Any]:
    """What save_state stored, of a run with this seed."""
    path = run / STATE
    state: dict[str, Any] = torch.load(path, map_location="cpu")
    if state["seed"] != seed:
        raise ConfigError(f"{path}: was begun with --seed {state['seed']}")
    return state


def check_recipe(run: Path, begun: dict[str, Any], recipe: dict[str, Any]) -> None:
    """Refuses to continue a run with a recipe that it was not begun with."""
    if begun != recipe:
        raise ConfigError(f"{run}: was begun with another recipe, see its {RECIPE}")


def save_state(run: Path, state: dict[str, Any]) -> None:
    """Stores the state, which must have its `seed`; a run that is cut off here keeps the one before."""
    partial = run / f"{STATE}.partial"
    torch.save(state, partial)
    partial.replace(run / STATE)


def append_log(run: Path, entry: dict[str, Any]) -> None:
    """One more line of RUN/log.jsonl."""
    with open(run / LOG, "a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")


def read_log(run: Path) -> list[dict[str, Any]]:
    """The lines of RUN/log.jsonl."""
    return [json.loads(line) for line in (run / LOG).read_text(encoding="utf-8").splitlines()]


def cut_log(run: Path, keep: Callable[[dict[str, Any]], bool]) -> None:
    """Drops the lines that the state knows nothing of: their steps are made again.

    A line is appended before the state is saved, so the log may be ahead of it, but never behind.
    """
    log = run / LOG
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    log.write_text("".join(line for line in lines if keep(json.loads(line))), encoding="utf-8")
