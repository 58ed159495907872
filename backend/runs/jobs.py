"""A process that a page started, found again after a reload by the folder it works in."""

import json
from collections.abc import Sequence
from pathlib import Path

from backend.files import read_json
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
    identity = read_json(folder / "process.json")
    if identity is None:
        return None
    now = started_at(identity["pid"])
    return now is not None and identity["started"] is not None and abs(now - identity["started"]) < 0.05


def last_result(folder: Path, begins: str) -> str | None:
    """The last line of what it said that begins so, as one does that has done its work; None when there is none."""
    said = (folder / "result.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return next((line for line in reversed(said) if line.startswith(begins)), None)


def last_words(folder: Path) -> str:
    """The end of its errors, or that there were none."""
    return last_lines(folder / "log.txt") or "it ended without a word"
