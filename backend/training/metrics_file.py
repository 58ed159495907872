"""metrics.jsonl: one line per logged step. The trainer appends; the store, the stop rules and a resume read.

A machine that loses power, a full disk or an editor may leave anything in the file. A line that is no logged step is left
out by every reader; ``backend.runs.sync`` says so at the run.
"""

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.errors import reason

LAST_STEP = 2**31 - 1
"""The largest step that the store's column holds."""
LONGEST_NAME = 120
"""Characters of a metric's name, likewise."""


@dataclass(frozen=True)
class Logged:
    """A line of the file: what was logged at a step, and when (seconds since 1970)."""

    step: int
    time: float
    metrics: dict[str, float]


def append_metrics(path: Path, step: int, values: dict[str, Any]) -> None:
    """Append one line ``{"step", "time", "metrics"}``; values that are not finite numbers, or whose name is none, are left out."""
    numbers = {
        metric_name(name): float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and math.isfinite(value) and name != "epoch"  # the trainer logs "epochs"
    }
    metrics = {name: value for name, value in numbers.items() if is_name(name)}
    if metrics:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "time": round(time.time(), 3), "metrics": metrics}) + "\n")


def metric_name(name: str) -> str:
    """The workbench's name of a metric of TRL or transformers: ``eval_mean_reward`` -> ``eval/mean_reward``."""
    return "eval/" + name.removeprefix("eval_") if name.startswith("eval_") else name


def is_name(name: str) -> bool:
    """Whether a metric may have this name: as many characters as the store keeps, all of them printable."""
    return 0 < len(name) <= LONGEST_NAME and name.isprintable()


def parse_line(line: bytes) -> Logged:
    """One line of the file.

    Raises:
        ValueError: it is not ``{"step", "time", "metrics"}`` with a step from 0 on and finite numbers by name.
    """
    try:
        record = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(record, dict) or not isinstance(record.get("metrics"), dict):
        raise ValueError('not an object with "step" and "metrics"')
    step, at, metrics = record.get("step"), record.get("time", 0), record["metrics"]
    if type(step) is not int or not 0 <= step <= LAST_STEP:
        raise ValueError(f"its step is {str(step)[:40]!r}")
    if not _is_number(at):
        raise ValueError(f"its time is {str(at)[:40]!r}")
    for name, value in metrics.items():
        if not _is_number(value) or not is_name(name):
            raise ValueError(f"{name[:40]!r} is {str(value)[:40]!r}")
    return Logged(step, float(at), {name: float(value) for name, value in metrics.items()})


def parse_lines(block: bytes) -> tuple[list[Logged], list[str]]:
    """The logged steps in whole lines of the file, and of each line that is none, why."""
    logged, bad = [], []
    for line in block.split(b"\n"):
        if line.strip():
            try:
                logged.append(parse_line(line))
            except ValueError as error:
                bad.append(f"{reason(error)}: {line[:80].decode('utf-8', 'replace')!r}")
    return logged, bad


def read_metrics(path: Path) -> list[Logged]:
    """Every logged step of a file, in its order; empty when there is no file. Lines that are none are left out."""
    return parse_lines(path.read_bytes())[0] if path.is_file() else []


def read_series(metrics: Path) -> dict[str, list[tuple[int, float]]]:
    """Read a metrics file for the stop rules: name -> (step, value) pairs in step order."""
    series: dict[str, list[tuple[int, float]]] = {}
    for logged in read_metrics(metrics):
        for name, value in logged.metrics.items():
            series.setdefault(name, []).append((logged.step, value))
    return series


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False
