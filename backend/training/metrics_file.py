"""metrics.jsonl: one line per logged step. The trainer appends; the store, the stop rules and a resume read."""

import json
import math
import time
from pathlib import Path
from typing import Any


def append_metrics(path: Path, step: int, values: dict[str, Any]) -> None:
    """Append one line ``{"step", "time", "metrics"}``; what is not a finite number is left out."""
    metrics = {
        metric_name(name): float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and math.isfinite(value) and name != "epoch"  # ours is "epochs", see sampling
    }
    if metrics:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "time": round(time.time(), 3), "metrics": metrics}) + "\n")


def metric_name(name: str) -> str:
    """TRL's and transformers' names as ours: ``eval_mean_reward`` -> ``eval/mean_reward``."""
    return "eval/" + name.removeprefix("eval_") if name.startswith("eval_") else name


def read_series(metrics: Path) -> dict[str, list[tuple[int, float]]]:
    """A metrics file as the stop rules take it: name -> (step, value) pairs in step order."""
    series: dict[str, list[tuple[int, float]]] = {}
    if metrics.is_file():
        for line in metrics.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            for name, value in record["metrics"].items():
                series.setdefault(name, []).append((record["step"], value))
    return series
