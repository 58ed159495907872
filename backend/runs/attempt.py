"""One attempt at a run: train in its folder, and put how that ended into words."""

import os
import shutil
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from backend.audit.gate import Gate
from backend.errors import UserError
from backend.files import write_whole
from backend.runs.causes import known_cause
from backend.training.stopping import StopRequested


@dataclass(frozen=True)
class End:
    """How a run ended: its status, why in words, and its process's exit code (0 finished or stopped, 1 failed, 2 user error)."""

    status: Literal["finished", "stopped", "failed"]
    reason: str
    code: int


def attempt(
    folder: Path,
    gates: Callable[[], Mapping[str, Gate]],
    on_rewound: Callable[[int], None] = lambda step: None,
) -> End:
    """Train the run in ``folder``; whatever ends it is put into words. See ``backend.training.run.train``."""
    try:
        from backend.training.run import train

        outcome = train(folder, gates(), on_rewound)
        return End("stopped" if outcome.status == "stopped" else "finished", outcome.reason, 0)
    except StopRequested as stop:
        return End("stopped", f"stopped by {stop} outside of training; what was under way is done again on resume", 0)
    except UserError as error:
        with suppress(OSError):
            print(f"error: {error}", flush=True)
        return End("failed", str(error), 2)
    except Exception as error:  # any error that ended the run is recorded as its reason
        with suppress(OSError):  # the log may be on the disk that is full
            traceback.print_exc()
        words = f"{type(error).__name__}: {error}"
        known = known_cause(words)
        return End("failed", f"{known} ({words})" if known else words, 1)


class Keepsake:
    """What of a run's folder can be written again should somebody delete it while the run goes on.

    Raises:
        UserError: configuration or prompts are not there to begin with.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._texts = {
                name: (folder / name).read_text(encoding="utf-8") for name in ("config.json", "prompts.jsonl")
            }
        except OSError as error:
            raise UserError(
                f"cannot read {error.filename}: {error.strerror}. Copy the run's whole folder to this machine, or start a new run"
            ) from error

    @property
    def is_gone(self) -> bool:
        """Whether the folder is not what it was: deleted, moved or emptied."""
        return not (self._folder / "config.json").is_file()

    def after(self, end: End) -> End:
        """The end as it was; if the folder is gone, that is the cause, and what can be written again is."""
        if not self.is_gone:
            return end
        for name, text in self._texts.items():
            write_whole(self._folder / name, text)
        log = self._folder / "log.txt"
        if not log.exists():
            with suppress(OSError):  # where the log is a file, the process still holds it
                if Path("/proc/self/fd/1").is_file() or os.fstat(1).st_nlink == 0:
                    shutil.copyfile("/proc/self/fd/1", log)
        return End(
            "failed",
            f"its folder {self._folder} was deleted, moved or emptied while it ran: configuration, prompts and log were "
            "written again; checkpoints, curves and evaluations that were only there are lost",
            1,
        )
