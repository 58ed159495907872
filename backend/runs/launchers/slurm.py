"""A cluster with SLURM, through submitit. Its nodes see the run's folder under the same path, so nothing is copied.

submitit asks the scheduler to queue a job again that was preempted or ran into its time limit; the run then goes on from its
last whole checkpoint. A stop is asked for in the folder, where the run looks for it (``backend.runs.worker``).
"""

import logging
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from backend.errors import UserError
from backend.runs.ending import EXIT_CODE, ask_to_stop, forget_ending
from backend.runs.handle import UNKNOWN, State
from backend.runs.launchers import LauncherAway
from backend.runs.launchers.config import Slurm
from backend.runs.launchers.slurm_job import TrainInFolder
from backend.runs.queue import attempt_of

_WAITS = {"PENDING", "REQUEUED", "CONFIGURING", "SUSPENDED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "READY"}
_RUNS = {"RUNNING", "COMPLETING", "STAGE_OUT", "RESIZING", "SIGNALING"}
_ENDED = {
    "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE", "REVOKED",
    "FINISHED", "INTERRUPTED",
}  # fmt: skip
_PREEMPTED = "PREEMPTED"
_PREEMPTED_SECONDS = 120
"""A preempted job that is queued again says so within moments; one that is not has ended."""
_AWAY = re.compile(r"unable to contact|socket timed out|connection refused|temporar|try again|communication", re.I)


class SlurmLauncher:
    """See ``backend.runs.launchers.Launcher``.

    Raises:
        UserError: submitit is not installed.
    """

    def __init__(self, name: str, place: Slurm) -> None:
        try:
            import submitit
        except ModuleNotFoundError as error:
            raise UserError("a SLURM place needs submitit: pip install 'reward-workbench[slurm]'") from error
        logging.getLogger("submitit").setLevel(logging.ERROR)  # it would warn at every look where no accounts are kept
        self.name, self.at_once, self._place, self._submitit = name, place.at_once, place, submitit
        self._jobs: dict[str, Any] = {}
        self._preempted: dict[str, float] = {}

    def submit(self, folder: Path) -> dict[str, Any]:
        self._place.secret_values()  # they are in this process's environment, which sbatch hands on
        into = self._files(folder)
        if (known := _submitted(into)) is not None:
            return self._job(into, known, folder)
        forget_ending(folder)
        try:
            executor = self._submitit.AutoExecutor(
                folder=into, cluster=self._place.cluster, slurm_python=self._python(), local_python=self._python()
            )
            executor.update_parameters(**self._parameters(folder))
            job = executor.submit(TrainInFolder(str(folder), self._python()))
        except (RuntimeError, subprocess.SubprocessError, OSError) as error:
            kind = LauncherAway if _AWAY.search(str(error)) else UserError
            raise kind(f"{self.name} did not take the job: {str(error).strip().splitlines()[-1][:300]}") from error
        except (NameError, ValueError, AssertionError) as error:  # how submitit says that a parameter is wrong
            raise UserError(f"{self.name}: launch.toml gives what submitit does not take: {error}") from error
        self._jobs[job.job_id] = job
        return self._job(into, job.job_id, folder)

    def state(self, job: dict[str, Any]) -> State:
        code = _exit_code(Path(job["folder"]) / EXIT_CODE)
        word = self._word(job)
        if word != _PREEMPTED:  # it went on; a later preemption has moments of its own
            self._preempted.pop(job["id"], None)
        if word in _ENDED or (word == _PREEMPTED and self._stays_preempted(job["id"])):
            return State("ended", code, "" if code is not None or word in ("COMPLETED", "FINISHED") else _said(word))
        if word in _WAITS:
            return State("queued")
        if word in _RUNS:
            return State("running")
        return UNKNOWN if code is None else State("ended", code)

    def stop(self, job: dict[str, Any], force: bool) -> None:
        if force or self.state(job).name == "queued":
            try:
                self._found(job).cancel(check=True)
            except (OSError, subprocess.SubprocessError) as error:
                raise LauncherAway(f"{self.name} did not end job {job['id']}: {error}") from error
        else:
            ask_to_stop(Path(job["folder"]))

    def pull(self, job: dict[str, Any], folder: Path) -> None:
        """The nodes write into this very folder."""

    def script(self, folder: Path) -> str:
        from submitit.slurm.slurm import _make_sbatch_string

        given = self._parameters(folder)
        more = {name.removeprefix("slurm_"): value for name, value in given.items() if name.startswith("slurm_")}
        command = f"{self._python()} -u -m submitit.core._submit {shlex.quote(str(self._files(folder)))}"
        text = _make_sbatch_string(
            command=command, folder=self._files(folder), job_name=given["name"], time=given["timeout_min"],
            nodes=1, ntasks_per_node=1, cpus_per_task=given["cpus_per_task"], gpus_per_node=given["gpus_per_node"],
            mem=f"{given['mem_gb']}GB", **more,
        )  # fmt: skip
        return str(text)

    # --- the parts --------------------------------------------------------------------------------------------------
    def _python(self) -> str:
        return shlex.quote(self._place.python or sys.executable)

    def _files(self, folder: Path) -> Path:
        """submitit's own files of the present attempt."""
        return folder / ".submitit" / attempt_of(folder)

    def _parameters(self, folder: Path) -> dict[str, Any]:
        place = self._place
        exports = [f"export {name}={shlex.quote(value)}" for name, value in place.environment]
        setup = [*place.setup, *exports, *([f"cd {shlex.quote(place.project)}"] if place.project else [])]
        if place.project:
            setup.append(f'export PYTHONPATH={shlex.quote(place.project)}"${{PYTHONPATH:+:$PYTHONPATH}}"')
        common = {
            "name": folder.name,
            "timeout_min": max(1, round(place.hours * 60)),
            "mem_gb": place.memory_gb,
            "cpus_per_task": place.cpus,
            "gpus_per_node": place.gpus,
            "tasks_per_node": 1,
            "nodes": 1,
        }
        if place.cluster == "local":
            return {**common, "local_setup": setup}
        slurm = {"slurm_setup": setup, "slurm_additional_parameters": dict(place.options)}
        return common | slurm | ({"slurm_partition": place.partition} if place.partition else {})

    def _job(self, into: Path, job_id: str, folder: Path) -> dict[str, Any]:
        return {"id": job_id, "files": str(into), "folder": str(folder)}

    def _found(self, job: dict[str, Any]) -> Any:
        """submitit's job, made anew where another process has submitted it."""
        if job["id"] not in self._jobs:
            kind = self._submitit.LocalJob if self._place.cluster == "local" else self._submitit.SlurmJob
            self._jobs[job["id"]] = kind(folder=job["files"], job_id=job["id"])
        return self._jobs[job["id"]]

    def _word(self, job: dict[str, Any]) -> str:
        """The scheduler's word for the job's state: ``CANCELLED by 1000`` is ``CANCELLED``; "" where it says nothing."""
        found = self._found(job)
        if self._place.cluster == "local":
            words = found.state.split()
        else:
            # squeue knows what is in the queue or has just left it; sacct, where accounts are kept, all the rest.
            words = _from_queue(job["id"]) or found.watcher.get_state(job["id"], mode="force").split()
        return words[0].rstrip("+").upper() if words else ""

    def _stays_preempted(self, job_id: str) -> bool:
        return time.monotonic() - self._preempted.setdefault(job_id, time.monotonic()) > _PREEMPTED_SECONDS


def _submitted(into: Path) -> str | None:
    """The id of the job that was submitted with these files; None when there is none."""
    found = sorted(into.glob("*_submitted.pkl"))
    return found[0].name.removesuffix("_submitted.pkl") if found else None


def _from_queue(job_id: str) -> list[str]:
    """squeue's word for a job that is in the queue or has just left it; nothing otherwise."""
    try:
        command = ["squeue", "--noheader", "--states=all", f"--jobs={job_id}", "--format=%T"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.split() if done.returncode == 0 else []


def _exit_code(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _said(word: str) -> str:
    """What the scheduler's word means, and what to do."""
    means = {
        "TIMEOUT": "it ran into the time limit (hours in launch.toml)",
        "OUT_OF_MEMORY": "the scheduler ended it: out of main memory (memory_gb in launch.toml)",
        "PREEMPTED": "the scheduler took its machine for another job",
        "NODE_FAIL": "its node failed",
        "CANCELLED": "its job was cancelled",
    }
    return f"{means.get(word, 'its job ended')} ({word}); resume to go on from its last whole checkpoint"
