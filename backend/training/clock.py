"""The hours that a run has used, over all its resumes; its cost is computed from them.

``sessions.json`` lists when each of the run's processes started and ended. A killed process could not write its end, so
the next process writes the time of the last metric as its end.
"""

import json
import time
from pathlib import Path
from typing import Any

from backend.files import write_json
from backend.training.metrics_file import read_metrics

_FILE = "sessions.json"


def start_session(folder: Path) -> None:
    """Record that a process begins to work on the run; if the process before it has no end, write its end first."""
    sessions = _read(folder)
    if sessions and sessions[-1]["ended"] is None:
        sessions[-1]["ended"] = max(sessions[-1]["started"], _last_metric(folder / "metrics.jsonl"))
    write_json(folder / _FILE, [*sessions, {"started": time.time(), "ended": None}])


def end_session(folder: Path) -> float:
    """Record the end of the process's work; returns the run's hours so far."""
    sessions = _read(folder)
    sessions[-1]["ended"] = time.time()
    write_json(folder / _FILE, sessions)
    return sum(s["ended"] - s["started"] for s in sessions) / 3600


def _read(folder: Path) -> list[dict[str, Any]]:
    path = folder / _FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def _last_metric(path: Path) -> float:
    logged = read_metrics(path)
    return logged[-1].time if logged else 0.0
