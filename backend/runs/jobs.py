"""A process that a page started, found again after a reload by the folder it works in."""

import json
from collections.abc import Sequence
from pathlib import Path

from backend.runs.processes import last_lines, start_detached, started_at


def start_job(folder: Path, arguments: Sequence[str]) -> None:
    """Start one in a session of its own: what it says goes to ``result.txt``, its errors to ``log.txt``.

    Raises:
        OSError: the folder cannot be written, or no process can be started.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "result.txt").open("wb") as out, (folder / "log.txt").open("wb") as log:
        process = start_detached(arguments, out, log)
    identity = {"pid": process.pid, "started": started_at(process.pid)}
    (folder / "process.json").write_text(json.dumps(identity), encoding="utf-8")


def is_working(folder: Path) -> bool | None:
    """Whether the folder's process lives; None when none was started there."""
    try:
        identity = json.loads((folder / "process.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    now = started_at(identity["pid"])
    return now is not None and identity["started"] is not None and abs(now - identity["started"]) < 0.05


def last_words(folder: Path) -> str:
    """The end of its errors, or that there were none."""
    return last_lines(folder / "log.txt") or "it ended without a word"
