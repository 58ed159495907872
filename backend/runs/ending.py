"""``run.json`` in a run's folder: how the run stands, as its own process last said, for whoever has nothing but the folder."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from backend.files import read_json, write_json, write_whole
from backend.store.tables import utc_now

FILE = "run.json"
HEARTBEAT = "heartbeat"
"""A file that a run without a store writes anew every few seconds."""
STOP = "stop"
"""A file that asks a run without a store to end at the next step with a checkpoint."""
EXIT_CODE = "exit_code"
"""A file in which a job says how the run's process ended, where a scheduler starts it in this very folder."""


def ask_to_stop(folder: Path) -> None:
    """Ask the run in ``folder`` to end at the next step with a checkpoint."""
    write_whole(folder / STOP, "a stop was asked for\n")


def forget_ending(folder: Path) -> None:
    """Remove what an earlier job was asked, and how it ended, before a new one is submitted."""
    for name in (STOP, EXIT_CODE):
        (folder / name).unlink(missing_ok=True)


class Standing(BaseModel):
    """What a run's process says of itself: running since when, or how it ended."""

    status: Literal["running", "finished", "stopped", "failed"]
    reason: str = ""
    exit_code: int | None = None
    host: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether its process has written its end."""
        return self.status != "running"


def read_standing(folder: Path) -> Standing | None:
    """The run's standing; None where its process has written none."""
    try:
        found = read_json(folder / FILE)
        return Standing.model_validate(found) if found is not None else None
    except ValidationError:
        return None


def write_start(folder: Path, host: str) -> None:
    """Record that a process begins to work on the run."""
    _write(folder, Standing(status="running", host=host, started_at=utc_now()))


def write_end(folder: Path, status: Literal["finished", "stopped", "failed"], reason: str, code: int) -> None:
    """Record how the run ended."""
    before = read_standing(folder) or Standing(status="running")
    changes = {"status": status, "reason": reason, "exit_code": code, "ended_at": datetime.now(UTC)}
    _write(folder, before.model_copy(update=changes))


def forget_standing(folder: Path) -> None:
    """Remove what an earlier process said, before a new one is started."""
    (folder / FILE).unlink(missing_ok=True)


def _write(folder: Path, standing: Standing) -> None:
    write_json(folder / FILE, standing.model_dump(mode="json"))
