"""Launchers: what starts a run's process somewhere, says whether it lives, stops it, and brings its folder here.

A run's folder is the contract: configuration and prompts go in, append-only files come out. A launcher moves the folder and
names a job; nothing else knows where the run is. ``launch.toml`` has a section for each besides ``local``.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from backend.errors import UserError
from backend.runs.handle import LOCAL, State
from backend.runs.launchers.config import Place, Ray, SkyPilot, Ssh, read_places
from backend.settings import get_settings


class LauncherAway(UserError):
    """The place cannot be reached now; what was asked may or may not have happened there, and can be asked again."""


class Launcher(Protocol):
    """A place where runs can be started. Every method may raise ``LauncherAway``; asking again does no harm."""

    name: str
    at_once: int
    """How many runs it has at the same time; more wait in the workbench's queue."""

    def submit(self, folder: Path) -> dict[str, Any]:
        """Start the run in ``folder``, and return the job as JSON; a job that was started for the same attempt is found again.

        Raises:
            UserError: it cannot be started there, and asking again would not help.
        """

    def state(self, job: dict[str, Any]) -> State:
        """How the job is. What could not be found out is ``unknown``, never ``ended``."""

    def stop(self, job: dict[str, Any], force: bool) -> None:
        """Ask the job to end with a checkpoint, or end it at once (``force``); nothing happens to one that has ended."""

    def pull(self, job: dict[str, Any], folder: Path) -> None:
        """Bring what the job has written to ``folder``."""

    def script(self, folder: Path) -> str:
        """What ``submit`` would run there, with the values of secrets left out."""


def places() -> dict[str, Place]:
    """Name -> section of launch.toml; empty without the file.

    Raises:
        UserError: the file is wrong; the message says where.
    """
    return read_places(get_settings().launch)


def find_launcher(name: str) -> Launcher:
    """The launcher of that name.

    Raises:
        UserError: launch.toml has no such section, or what it needs is not installed.
    """
    if name == LOCAL:
        return _local()
    place = places().get(name)
    if place is None:
        raise UserError(
            f"there is no place {name!r} in {get_settings().launch}; it has {', '.join(places()) or 'none'}"
        )
    return _launcher(name, place)


@lru_cache
def _local() -> Launcher:
    from backend.runs.launchers.local import LocalLauncher

    return LocalLauncher()  # one alone, for it knows the exit codes of what it has started


@lru_cache
def _launcher(name: str, place: Place) -> Launcher:
    if isinstance(place, Ssh):
        from backend.runs.launchers.ssh import SshLauncher

        return SshLauncher(name, place)
    if isinstance(place, SkyPilot):
        from backend.runs.launchers.skypilot import SkyPilotLauncher

        return SkyPilotLauncher(name, place)
    if isinstance(place, Ray):
        from backend.runs.launchers.ray import RayLauncher

        return RayLauncher(name, place)
    from backend.runs.launchers.slurm import SlurmLauncher

    return SlurmLauncher(name, place)


def shell_code(word: str) -> int | None:
    """An exit code as Python has it: negative for a signal, of which a shell says 128 more; None where it is no number."""
    if not word.isdigit():
        return None
    return 128 - int(word) if int(word) > 128 else int(word)
