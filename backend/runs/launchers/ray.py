"""A Ray cluster, through the REST API of Ray Jobs on its dashboard, so that nothing of Ray is needed here.

Its nodes see the run's folder under the same path, as a shared file system gives it, so nothing is copied: a job's
``working_dir`` would go there once and never come back. The job's submission id is made of the run and its attempt, and Ray
takes each id once: a submit whose answer was lost is found again. A stop is asked for in the folder, where the run looks for
it; Ray's own gives a process three seconds, fewer than a checkpoint takes, and is for force alone. The token of a cluster that
wants one is taken from RAY_AUTH_TOKEN, as Ray's own client does.
"""

import os
import re
import shlex
from pathlib import Path
from typing import Any

import httpx

from backend.errors import UserError
from backend.runs.ending import EXIT_CODE, STOP, ask_to_stop, forget_ending
from backend.runs.handle import UNKNOWN, State
from backend.runs.launchers import LauncherAway, shell_code
from backend.runs.launchers.config import Ray
from backend.runs.lock import HELD
from backend.runs.queue import attempt_of

_SECONDS = 30
_WORDS = {"PENDING": "queued", "RUNNING": "running", "SUCCEEDED": "ended", "FAILED": "ended", "STOPPED": "ended"}


class RayLauncher:
    """See ``backend.runs.launchers.Launcher``."""

    def __init__(self, name: str, place: Ray) -> None:
        self.name, self.at_once, self._place = name, place.at_once, place

    def submit(self, folder: Path) -> dict[str, Any]:
        request = self._request(folder)
        job = {"id": request["submission_id"], "folder": str(folder)}
        if self._job(job["id"]) is None:
            forget_ending(folder)
            self._ask("POST", "/api/jobs/", request)
        return job

    def state(self, job: dict[str, Any]) -> State:
        try:
            found = self._job(job["id"])
        except UserError:
            return UNKNOWN
        code = _exit_code(
            Path(job["folder"]) / EXIT_CODE
        )  # read last: it is written before Ray says that the job has ended
        if found is None:  # Ray was started anew, or this is another cluster: what the folder says is all there is
            return UNKNOWN if code is None else State("ended", code)
        word = _WORDS.get(str(found.get("status")))
        if word == "ended":
            return State("ended", code, "" if code is not None else _said(found))
        if word == "queued" and (Path(job["folder"]) / STOP).exists():
            # Ray stops a job that waits for its share only when it has got it, which may be never. Nothing of it has begun.
            return State("ended", words="its job was taken back before it began")
        return State("queued") if word == "queued" else State("running") if word == "running" else UNKNOWN

    def stop(self, job: dict[str, Any], force: bool) -> None:
        name = self.state(job).name
        if name == "ended":
            return
        if name == "queued" or not force:
            ask_to_stop(Path(job["folder"]))
        if name == "queued" or force:
            self._ask("POST", f"/api/jobs/{job['id']}/stop")

    def pull(self, job: dict[str, Any], folder: Path) -> None:
        """The nodes write into this very folder."""

    def script(self, folder: Path) -> str:
        request = self._request(folder)
        options = [
            f"--{name.replace('_', '-')}={request[name]:g}" for name in request if name.startswith("entrypoint_")
        ]
        variables = "".join(
            f"{name}={shlex.quote(value)} " for name, value in request["runtime_env"]["env_vars"].items()
        )
        words = shlex.join(["ray", "job", "submit", "--no-wait", "--address", self._place.address, *options])
        return f"{words} --submission-id {request['submission_id']} -- \\\n  {variables}sh -c {shlex.quote(request['entrypoint'])}\n"

    # --- the parts --------------------------------------------------------------------------------------------------
    def _request(self, folder: Path) -> dict[str, Any]:
        """What Ray is asked to run."""
        place, there = self._place, shlex.quote(str(folder))
        enter = f"cd {shlex.quote(place.project)} && " if place.project else ""
        python = shlex.quote(place.python or "python3")
        request = {
            "submission_id": _id(folder),
            "entrypoint": f"{enter}{python} -u -m run_training --folder {there} >> {there}/log.txt 2>&1; "
            f"code=$?; echo $code > {there}/{EXIT_CODE}; exit $code",
            # Ray has given the job its share of the machine, so it waits for no other run there.
            "runtime_env": {"env_vars": {**dict(place.environment), HELD: "the scheduler"}},
            "entrypoint_num_cpus": place.cpus,
            "entrypoint_num_gpus": place.gpus,
            "entrypoint_memory": place.memory_gb and int(place.memory_gb * 2**30),
        }
        return {name: value for name, value in request.items() if value is not None}

    def _job(self, job_id: str) -> dict[str, Any] | None:
        """What Ray says of a job; None where it knows of none."""
        return self._ask("GET", f"/api/jobs/{job_id}", missing=None)

    def _ask(self, method: str, path: str, given: dict[str, Any] | None = None, missing: Any = ...) -> Any:
        """Ray's answer; ``missing`` where it knows of no such thing.

        Raises:
            LauncherAway: it is not reached now, or cannot answer.
            UserError: it refuses.
        """
        token = os.environ.get("RAY_AUTH_TOKEN")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        where = f"{self.name} ({self._place.address})"
        try:
            answer = httpx.request(method, self._place.address + path, json=given, headers=headers, timeout=_SECONDS)
        except httpx.TransportError as error:
            raise LauncherAway(f"{where} is not reached: {error or type(error).__name__}") from error
        if answer.status_code == httpx.codes.NOT_FOUND and missing is not ...:
            return missing
        if answer.is_success:
            try:
                return answer.json()
            except ValueError as error:
                raise UserError(f"{where} does not answer as Ray's dashboard does") from error
        words = (answer.text.strip().splitlines() or [f"HTTP {answer.status_code}"])[-1][:300]
        raise (LauncherAway if answer.is_server_error else UserError)(f"{where} refuses: {words}")


def _id(folder: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", f"{folder.name}-{attempt_of(folder)[:8]}")


def _exit_code(path: Path) -> int | None:
    try:
        return shell_code(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None


def _said(found: dict[str, Any]) -> str:
    """What Ray says of an end that the run's own process has not seen."""
    if found["status"] == "STOPPED":
        return "its job was stopped; resume to go on from its last whole checkpoint"
    message = (str(found.get("message") or "").splitlines() or [""])[0]
    return f"Ray ended its job: {message[:200]}" if found["status"] == "FAILED" else ""
