"""Where a run is: the launcher that started it, the machine whose workbench judges it, and its job there."""

import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from backend.settings import get_settings
from backend.store.runs import store_now
from backend.store.tables import Run

LOCAL = "local"
"""The launcher that starts a process on the machine itself; the others are sections of launch.toml."""
FOLDER = "folder"
"""In place of a launcher: the run is known by its folder alone, as ``workbench runs sync`` took it in."""
SILENT_SECONDS = 30.0
"""A running run whose last sign of life is older is told as silent. Silence alone never ends a run."""


@dataclass(frozen=True)
class Handle:
    """Names a run's job.

    Attributes:
        launcher: LOCAL, or the section of launch.toml that it was started with.
        host: the machine whose workbench started it; only this one may judge whether it still lives.
        job: what the launcher knows it by (JSON); None while it waits in the workbench's queue.
    """

    launcher: str
    host: str
    job: dict[str, Any] | None = None

    @classmethod
    def of(cls, run: Run) -> "Handle | None":
        """The run's handle; None before it was first started or queued."""
        return cls(**run.handle) if run.handle else None

    def as_dict(self) -> dict[str, Any]:
        """As the store keeps it."""
        return asdict(self)

    @property
    def is_mine(self) -> bool:
        """Whether this machine is the one that judges it."""
        return self.host == this_host()


@dataclass(frozen=True)
class State:
    """What a launcher knows of a job.

    Attributes:
        name: ``unknown`` where nobody could say; it never ends a run.
        code: of an ended job, negative for a signal; None when it is not known.
        words: what the launcher says of its end ("PREEMPTED"), if anything.
    """

    name: Literal["queued", "running", "ended", "unknown"]
    code: int | None = None
    words: str = ""


UNKNOWN = State("unknown")


def this_host() -> str:
    """This machine's name in the store: WORKBENCH_HOST_NAME, or its host name now."""
    return get_settings().host_name or socket.gethostname()


def silent_since(session: Session, run: Run) -> datetime | None:
    """When a running run gave its last sign of life, if that is longer ago than SILENT_SECONDS; otherwise None.

    Signs of life and now are both read from the store's clock: the machines' own may differ by hours.
    """
    if run.status != "running" or run.heartbeat_at is None:
        return None
    last = run.heartbeat_at.replace(tzinfo=UTC) if run.heartbeat_at.tzinfo is None else run.heartbeat_at
    return last if (store_now(session) - last).total_seconds() > SILENT_SECONDS else None
