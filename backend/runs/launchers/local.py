"""This machine: a process in a session of its own, which reports to the store by itself."""

import subprocess
from pathlib import Path
from typing import Any

from backend.errors import UserError
from backend.runs.handle import LOCAL, State
from backend.runs.processes import process_job, process_state, signal_process, start_process


class LocalLauncher:
    """See ``backend.runs.launchers.Launcher``."""

    name = LOCAL
    at_once = 1

    def __init__(self) -> None:
        self._started: dict[int, subprocess.Popen[bytes]] = {}

    def submit(self, folder: Path) -> dict[str, Any]:
        try:
            process = start_process(folder)
        except OSError as error:
            raise UserError(f"its process cannot be started: {error}") from error
        self._started[process.pid] = process
        return process_job(process.pid)

    def state(self, job: dict[str, Any]) -> State:
        process = self._started.get(job["pid"])
        if process is not None and (code := process.poll()) is not None:
            return State("ended", code)
        return process_state(job)

    def stop(self, job: dict[str, Any], force: bool) -> None:
        if process_state(job).name == "running":
            signal_process(job, force)

    def pull(self, job: dict[str, Any], folder: Path) -> None:
        """The folder is here."""

    def script(self, folder: Path) -> str:
        return f"python -m run_training --run {folder.name}\n"
