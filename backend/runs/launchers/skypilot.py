"""Machines that SkyPilot rents on a cloud or on Kubernetes: one for each attempt at a run, given back when it is done.

A cluster of its own (``sky launch``) and no managed job (``sky jobs launch``). SkyPilot's documentation says of managed jobs that
one cannot ssh into them, that their local files go through a bucket, and that the machine is removed as soon as the job ends.
A run's folder must come back while it grows and once more at the end, and a stop must reach the process, so that it writes a
checkpoint: both need ssh, and the second a machine that outlives the job. What a managed job has beyond that, another machine
after a preemption, is here the run's own *Resume*, from the checkpoint that was fetched last.

The machine's name is made of the run and its attempt, so a launch whose answer was lost is found again. ``sky status`` writes
the name into ssh's configuration; from then on folder and stop go the way of ``backend.runs.launchers.ssh``. Needs SkyPilot
0.14 or newer, which says what it knows as JSON.
"""

import json
import re
import shlex
import subprocess
import time
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any

import yaml

from backend.errors import UserError
from backend.files import write_whole
from backend.runs.ending import STOP
from backend.runs.handle import UNKNOWN, State
from backend.runs.launchers import LauncherAway, shell_code
from backend.runs.launchers.config import SkyPilot, Ssh
from backend.runs.launchers.ssh import SshLauncher
from backend.runs.queue import attempt_of

TASK = "skypilot.yaml"
"""In a run's folder: the task that was given to SkyPilot."""
_SECONDS = 120
_FRESH_SECONDS = 20.0
"""So long a job that waits or runs is not asked after again: each `sky` takes seconds, and other runs wait meanwhile."""
_AWAY = re.compile(
    r"connect|connection|unreachable|timed? ?out|temporar|try again|resolve|unhealthy|server error", re.I
)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_WAITS = {"INIT", "PENDING", "SETTING_UP"}
_ENDED = {"SUCCEEDED", "FAILED", "FAILED_SETUP", "FAILED_DRIVER", "CANCELLED"}
_RUN = """\
cd ~/{folder} && folder=$PWD && rm -f exit_code {stop}
{project}{python} -u -m run_training --folder "$folder" >> "$folder/log.txt" 2>&1
code=$?
echo $code > "$folder/exit_code"
exit $code
"""
_CODE = 'echo "WORKBENCH code $(cat "$folder/exit_code")"\n'
_ASK_TO_STOP = 'touch "$folder/stop"; echo "WORKBENCH asked"\n'


class SkyPilotLauncher:
    """See ``backend.runs.launchers.Launcher``."""

    def __init__(self, name: str, place: SkyPilot) -> None:
        self.name, self.at_once, self._place = name, place.at_once, place
        self._seen: set[str] = set()
        """The machines on which a job has been seen, and that ssh knows by name."""
        self._under_way: dict[str, tuple[float, State]] = {}
        self._ended: set[str] = set()
        self._gone: set[str] = set()

    def submit(self, folder: Path) -> dict[str, Any]:
        secrets = self._place.secret_values()  # `sky` takes them from the environment by their names
        cluster = _cluster(folder)
        # Asked in this order: `status` starts SkyPilot's server where it does not run, and without it `api` knows of nothing.
        if not self._table("status", cluster) and not self._launch_word(cluster):
            task = folder / TASK
            write_whole(task, self._task(folder))
            named = [word for name in secrets for word in ("--secret", name)]
            self._sky("launch", "--async", "--yes", "--cluster", cluster, *named, str(task))
        return {"cluster": cluster, "folder": self._there(folder)}

    def state(self, job: dict[str, Any]) -> State:
        cluster = job["cluster"]
        at, known = self._under_way.pop(cluster, (-inf, UNKNOWN))
        if time.monotonic() - at < _FRESH_SECONDS:
            self._under_way[cluster] = at, known
            return known
        try:
            word = self._job_word(cluster)
            if word and word not in _WAITS and cluster not in self._seen:
                self._sky("status", cluster)  # writes its name for ssh
                self._seen.add(cluster)
            state = self._of_job(job, word) if word else self._without_a_job(cluster)
        except UserError:
            return UNKNOWN
        if state.name == "ended":
            self._ended.add(cluster)
        elif state is not UNKNOWN:
            self._under_way[cluster] = time.monotonic(), state
        return state

    def stop(self, job: dict[str, Any], force: bool) -> None:
        self._under_way.pop(job["cluster"], None)
        name = self.state(job).name
        if name == "queued":
            self._sky("down", "--yes", job["cluster"])  # which also ends a launch that is under way
        elif name != "ended" and force:
            self._sky("cancel", "--yes", job["cluster"], "1")
        elif name != "ended":
            self._machine(job).ask(_ASK_TO_STOP, folder=job["folder"])

    def pull(self, job: dict[str, Any], folder: Path) -> None:
        cluster = job["cluster"]
        if cluster in self._seen - self._gone:
            self._machine(job).pull(job, folder)
        if cluster in self._ended - self._gone:  # all is here; what a launch that failed left behind costs money too
            self._gone.add(cluster)
            with suppress(UserError):  # keep_minutes later it goes by itself
                self._sky("down", "--yes", "--async", cluster)

    def script(self, folder: Path) -> str:
        return self._task(folder)

    # --- the parts --------------------------------------------------------------------------------------------------
    def _there(self, folder: Path) -> str:
        return f"{self._place.folder}/{folder.name}"

    def _task(self, folder: Path) -> str:
        """The task as YAML; secrets by their names alone."""
        place = self._place
        resources = {
            "infra": place.infra,
            "accelerators": place.accelerator,
            "cpus": f"{place.cpus}+" if place.cpus else None,
            "memory": f"{place.memory_gb:g}+" if place.memory_gb else None,
            "disk_size": place.disk_gb,
            "image_id": place.image or None,
            "use_spot": place.spot or None,
            "autostop": {"idle_minutes": place.keep_minutes, "down": True},
        }
        run = _RUN.format(
            folder=shlex.quote(self._there(folder)),
            stop=STOP,
            project=f"cd {shlex.quote(place.project)}\n"
            if place.project
            else "cd ~/sky_workdir\n"
            if place.upload
            else "",
            python=shlex.quote(place.python or "python3"),
        )
        task = {
            "name": folder.name,
            "resources": {key: value for key, value in resources.items() if value is not None},
            "workdir": place.upload,
            "file_mounts": {f"~/{self._there(folder)}": str(folder)},
            "envs": dict(place.environment),
            "secrets": dict.fromkeys(place.secrets),
            "setup": _Block("\n".join(place.setup) + "\n") if place.setup else None,
            "run": _Block(run),
        }
        return yaml.dump({k: v for k, v in task.items() if v}, Dumper=_Dumper, sort_keys=False, width=1000)

    def _machine(self, job: dict[str, Any]) -> SshLauncher:
        return SshLauncher(self.name, Ssh(kind="ssh", host=job["cluster"], folder="/"))

    def _job_word(self, cluster: str) -> str:
        """SkyPilot's word for the machine's first job; "" where it knows of none."""
        found = re.search(r"^Job 1: (\w+)", self._sky("logs", "--status", cluster, "1", check=False), re.M)
        return found[1] if found else ""

    def _launch_word(self, cluster: str) -> str:
        """SkyPilot's word for the request that launched the machine; "" where it knows of none (any more)."""
        rows = self._table("api", "status", "--all-status", "--verbose", "--cluster", cluster)
        # An older server ignores --cluster and lists the requests of all; --verbose has it say which is whose.
        of_it = [row for row in rows if row.get("cluster_name") == cluster and str(row["name"]).endswith("launch")]
        return str(of_it[0]["status"]) if of_it else ""

    def _of_job(self, job: dict[str, Any], word: str) -> State:
        if word == "SUCCEEDED":
            return State("ended", 0)
        if word in _ENDED:
            return State("ended", self._exit_code(job) if word == "FAILED" else None, _said(word))
        if word in _WAITS:
            return State("queued")
        return State("running") if word == "RUNNING" else UNKNOWN

    def _without_a_job(self, cluster: str) -> State:
        """How a job is of which the machine says nothing: not there yet, or not any more, or out of reach."""
        word = self._launch_word(cluster)
        if word in ("PENDING", "WAITING", "RUNNING"):
            return State("queued")
        if word in ("FAILED", "CANCELLED"):
            return State("ended", words=_said(f"LAUNCH_{word}"))
        if not word and cluster not in self._seen:
            return UNKNOWN
        if any(row["status"] != "STOPPED" for row in self._table("status", "--refresh", cluster)):
            return UNKNOWN  # it is there, and does not answer now
        self._gone.add(cluster)
        return State("ended", words=_said("GONE"))

    def _exit_code(self, job: dict[str, Any]) -> int | None:
        try:
            _, code = self._machine(job).ask(_CODE, folder=job["folder"])
            return shell_code(code)
        except (UserError, ValueError):
            return None

    def _table(self, *arguments: str) -> list[dict[str, Any]]:
        """What `sky` lists.

        Raises:
            UserError: as ``_sky``; or that is no list as it prints them since 0.14.
        """
        said = self._sky(*arguments, "--output", "json")
        try:
            return list(json.loads("".join(re.findall(r"^\[.*", said, re.M | re.S))))  # words may stand before it
        except ValueError as error:
            raise UserError(f"{self.name}: `sky {arguments[0]}` gave no JSON; SkyPilot 0.14 or newer does") from error

    def _sky(self, *arguments: str, check: bool = True) -> str:
        """What `sky` prints, without colours.

        Raises:
            LauncherAway: its server, or what it needs, is not reached now.
            UserError: it is not installed, or refuses.
        """
        try:
            done = subprocess.run(
                ["sky", *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
                encoding="utf-8",
                errors="replace",
            )
        except FileNotFoundError as error:
            raise UserError("SkyPilot is not installed here: pip install 'skypilot[aws]', or your cloud's") from error
        except subprocess.TimeoutExpired as error:
            raise LauncherAway(f"{self.name}: `sky {arguments[0]}` does not answer within {_SECONDS} s") from error
        said = _COLOURS.sub("", done.stdout)
        if check and done.returncode:
            words = [line.strip() for line in _COLOURS.sub("", done.stderr or done.stdout).splitlines() if line.strip()]
            kind = LauncherAway if _AWAY.search(" ".join(words)) else UserError
            raise kind(f"{self.name}: `sky {arguments[0]}` failed: {(words or [f'exit {done.returncode}'])[-1][:300]}")
        return said


class _Block(str):
    """Text that YAML holds line by line."""


class _Dumper(yaml.SafeDumper):
    """YAML with blocks of text as one would write them."""


_Dumper.add_representer(_Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|"))


def _cluster(folder: Path) -> str:
    """The machine's name: of the run and its attempt, as clouds take names."""
    return "wb-" + re.sub(r"[^a-z0-9]+", "-", f"{folder.name}-{attempt_of(folder)[:8]}".lower()).strip("-")


def _said(word: str) -> str:
    """What SkyPilot's word means, and what to do."""
    means = {
        "FAILED": "",  # the run's own words tell more
        "FAILED_SETUP": "the setup lines of launch.toml failed there (sky logs has what they said)",
        "FAILED_DRIVER": "SkyPilot's own process there died",
        "CANCELLED": "its job was cancelled",
        "LAUNCH_FAILED": "SkyPilot got no machine (`sky api status` and `sky api logs` say why)",
        "LAUNCH_CANCELLED": "its launch was cancelled",
        "GONE": "its machine is gone: preempted, or taken down",
    }
    return means[word] and f"{means[word]}; resume to go on from its last whole checkpoint"
