"""metrics.jsonl: one line per logged step. The trainer appends; the store, the stop rules and a resume read."""

import json
import math
import time
from pathlib import Path
from typing import Any


def append_metrics(path: Path, step: int, values: dict[str, Any]) -> None:
    """Append one line ``{"step", "time", "metrics"}``; values that are not finite numbers are left out."""
    metrics = {
        metric_name(name): float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and math.isfinite(value) and name != "epoch"  # the trainer logs "epochs"
    }
    if metrics:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "time": round(time.time(), 3), "metrics": metrics}) + "\n")


def metric_name(name: str) -> str:
    """The workbench's name of a metric of TRL or transformers: ``eval_mean_reward`` -> ``eval/mean_reward``."""
    return "eval/" + name.removeprefix("eval_") if name.startswith("eval_") else name


def read_series(metrics: Path) -> dict[str, list[tuple[int, float]]]:
    """Read a metrics file for the stop rules: name -> (step, value) pairs in step order."""
    series: dict[str, list[tuple[int, float]]] = {}
    if metrics.is_file():
        for line in metrics.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            for name, value in record["metrics"].items():
                series.setdefault(name, []).append((record["step"], value))
    return series
