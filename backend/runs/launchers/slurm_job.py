"""What runs inside a SLURM job: the training, in a process of its own. submitit pickles it; it needs nothing of a store."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from backend.runs.ending import EXIT_CODE
from backend.runs.lock import HELD


class TrainInFolder:
    """Train the run in a folder; called once on the node, and again if the job is queued again."""

    def __init__(self, folder: str, python: str) -> None:
        self._folder, self._python = folder, python

    def __call__(self) -> int:
        folder = Path(self._folder)
        (folder / EXIT_CODE).unlink(missing_ok=True)
        command = f'exec {self._python} -m run_training --folder "$1"'
        with (folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", command, "sh", self._folder],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, HELD: "the scheduler"},  # which has given the job its share of the machine
            )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _frame: process.send_signal(received))
        code = process.wait()
        (folder / EXIT_CODE).write_text(f"{code}\n", encoding="ascii")  # negative for a signal
        return code

    def checkpoint(self, *_: Any) -> Any:
        """submitit asks for this before a preempted or timed-out job is queued again: the same call, which goes on."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)
