"""How far a process is, in a small file that a page reads: its phase, how much of that is done, and since when."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from backend.files import read_json, write_json

FILE = "progress.json"
"""In the folder of a run or a job."""
_EVERY_SECONDS = 0.5
_FEW = 8
"""Before an eighth is done, the pace says little."""
OnProgress = Callable[[int, int], None]
"""Called with how much is done, and of how much."""


@dataclass(frozen=True)
class Progress:
    """What a process has said last.

    Attributes:
        phase: its name, such as ``sampling``; "" where the process has only one.
        step: the training step it is about.
        done, total: how much of the phase is done; 0 of 0 where that is not known.
        seconds_left: of the phase, at its pace so far; None before there is a pace.
    """

    phase: str = ""
    step: int = 0
    done: int = 0
    total: int = 0
    seconds_left: float | None = None


NOTHING_YET = Progress()


class Reporter:
    """Writes a process's progress.

    Args:
        path: the file; without one, nothing is written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    def phase(self, name: str, step: int = 0) -> OnProgress:
        """Say that a phase begins; returns what to call as it goes on. It writes twice a second at most."""
        since = last = time.time()

        def say(done: int, total: int) -> None:
            nonlocal last
            now = time.time()
            if done in (0, total) or now - last >= _EVERY_SECONDS:
                last = now
                self._write(phase=name, step=step, done=done, total=total, since=since, at=now)

        say(0, 0)
        return say

    def _write(self, **said: object) -> None:
        if self._path is not None:
            with suppress(OSError):  # a full disk ends no run for this
                write_json(self._path, said)


def read_progress(path: Path) -> Progress | None:
    """What the process has said last; None where it has said nothing."""
    said = read_json(path)
    if not isinstance(said, dict):
        return None
    done, total = int(said.get("done", 0)), int(said.get("total", 0))
    took = float(said.get("at", 0)) - float(said.get("since", 0))
    left = took / done * (total - done) if total <= _FEW * done and done < total and took > 0 else None
    return Progress(str(said.get("phase", "")), int(said.get("step", 0)), done, total, left)
