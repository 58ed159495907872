"""A machine that ssh reaches: rsync brings the run's folder there and back, and setsid starts the process.

Every step is a short shell script sent over standard input, so that no value of a secret stands in a command line or a file.
The started shell writes ``job`` (attempt, pid, start, boot) and, at the end, ``exit_code`` into the run's folder there. Asked
to start an attempt that it has started before, it answers with that job: a network that fails while a run is being submitted
starts none twice. Linux there, with sh, setsid, rsync and /proc; ssh must get in without asking (a key, an agent).
"""

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

from backend.errors import UserError
from backend.runs.handle import UNKNOWN, State
from backend.runs.launchers import LauncherAway, shell_code
from backend.runs.launchers.config import Ssh
from backend.runs.queue import attempt_of

_SECONDS = 60
_COPY_SECONDS = 6 * 3600
_NO_CONTACT = 255
"""ssh's own exit code where it could not get in, or lost the connection."""
_VANISHED = 24
"""rsync's, where a file was removed while it copied, as a checkpoint is when the next one is whole."""
_OPTIONS = (
    "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3",
)  # fmt: skip
_STAYS_HERE = ("/export", "/.export", "/.benchmark", "/benchmark")
"""What is of use here alone, and is not sent."""
_KNOWN_AS = "WORKBENCH"
"""Begins our scripts' lines of answer: a login may print others."""

_ANSWER = r"""
started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
boot() { cat /proc/sys/kernel/random/boot_id; }
lives() { [ "$(boot)" = "$3" ] && [ -n "$2" ] && [ "$(started "$1")" = "$2" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status"; }
"""
_FIND = r"""
mkdir -p "$folder"; chmod 700 "$folder"; cd "$folder"
if [ -f job ] && read -r attempt pid start booted < job && [ "$attempt" = "$wanted" ]; then
  echo "WORKBENCH job $pid $start $booted"
elif [ -f job ] && lives "$pid" "$start" "$booted"; then
  echo "WORKBENCH busy $pid"
else
  echo "WORKBENCH none"
fi
"""
_START = r"""
cd "$folder"; rm -f job exit_code run.json heartbeat
[ -z "$project" ] || cd "$project"
setsid sh -c '
  folder=$1; python=$2; log=$folder/log.txt
  "$python" -m run_training --folder "$folder" >> "$log" 2>&1 < /dev/null &
  pid=$!
  start=$(sed "s/.*) //" /proc/$pid/stat | cut -d " " -f 20)
  echo "$wanted $pid ${start:-0} $(cat /proc/sys/kernel/random/boot_id)" > "$folder/job.part" && mv "$folder/job.part" "$folder/job"
  wait $pid
  echo $? > "$folder/exit_code"
' sh "$folder" "$python" > /dev/null 2>&1 < /dev/null &
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  [ -f "$folder/job" ] && break
  sleep 0.5
done
read -r attempt pid start booted < "$folder/job"
echo "WORKBENCH job $pid $start $booted"
"""
_STATE = r"""
if lives "$pid" "$start" "$booted"; then echo "WORKBENCH running"
elif [ -f "$folder/exit_code" ]; then echo "WORKBENCH ended $(cat "$folder/exit_code")"
elif [ "$(boot)" != "$booted" ]; then echo "WORKBENCH restarted"
else sleep 1; echo "WORKBENCH ended $(cat "$folder/exit_code" 2>/dev/null)"
fi
"""
_CHECKPOINTS = r"""
kept=
for state in "$folder"/checkpoints/checkpoint-*/trainer_state.json; do
  [ -f "$state" ] || continue
  name=${state%/trainer_state.json}
  kept="$kept ${name##*/checkpoint-}"
done
echo "WORKBENCH kept$kept"
"""
_STOP = r"""
if ! lives "$pid" "$start" "$booted"; then :
elif [ "$signal" = KILL ]; then
  group=$(sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 3)
  kill -s KILL -- "-$group"
else
  kill -s TERM "$pid"
fi
echo "WORKBENCH asked"
"""


class SshLauncher:
    """See ``backend.runs.launchers.Launcher``."""

    def __init__(self, name: str, place: Ssh) -> None:
        self.name, self.at_once, self._place = name, place.at_once, place

    def submit(self, folder: Path) -> dict[str, Any]:
        secrets = self._place.secret_values()
        there, wanted = self._there(folder.name), attempt_of(folder)
        found = self.ask(_FIND, folder=there, wanted=wanted)
        if found[0] == "busy":
            raise UserError(
                f"an earlier process of this run still lives on {self._place.host} (pid {found[1]}); end it there"
            )
        if found[0] != "job":
            # This folder is what holds: what lies there beyond it, of an attempt that was given up, would not fit it.
            stays = [f"--exclude={name}" for name in _STAYS_HERE]
            self._copy(f"{folder}/", f"{self._place.host}:{there}/", ["--delete", *stays])
            found = self.ask(self._exports(secrets) + _START, folder=there, wanted=wanted, **self._program())
        return {"folder": there, "pid": int(found[1]), "start": found[2], "boot": found[3]}

    def state(self, job: dict[str, Any]) -> State:
        try:
            word, *rest = self.ask(_STATE, **_names(job))
        except UserError:  # not reached, or reached and not understood
            return UNKNOWN
        if word == "ended":
            return State("ended", shell_code(rest[0]) if rest else None)
        if word == "restarted":
            return State("ended", words=f"{self._place.host} was started anew")
        return State("running") if word == "running" else UNKNOWN

    def stop(self, job: dict[str, Any], force: bool) -> None:
        self.ask(_STOP, **_names(job), signal="KILL" if force else "TERM")

    def pull(self, job: dict[str, Any], folder: Path) -> None:
        # Whole files only, put in place at the end: a copy that is cut off leaves the folder as it was. What is removed there
        # stays here, but for old checkpoints: an emptied folder there must not empty this one.
        kept = self.ask(_CHECKPOINTS, folder=job["folder"])[1:]
        source, options = (
            f"{self._place.host}:{job['folder']}/",
            ["--delay-updates", "--exclude=/job", "--exclude=/.attempt"],
        )
        if self._copy(source, f"{folder}/", options) == _VANISHED:
            self._copy(source, f"{folder}/", options)
        _remove_old_checkpoints(folder, [int(number) for number in kept if number.isdigit()])

    def script(self, folder: Path) -> str:
        hidden = dict.fromkeys(self._place.secrets, "***")
        settings = _assigned(folder=self._there(folder.name), wanted=attempt_of(folder), **self._program())
        ssh = shlex.join(["ssh", *self._place.options, self._place.host])
        there = f"{self._place.host}:{self._there(folder.name)}/"
        return (
            f"rsync -a {folder}/ {there}\n{ssh} sh -s <<'END'\n{settings}{self._exports(hidden)}{_START.strip()}\nEND\n"
        )

    def ask(self, script: str, **values: str) -> list[str]:
        """Run a script there; the words of its answer.

        Raises:
            LauncherAway: the machine is not reached.
            UserError: the script failed there.
        """
        command = ["ssh", *_OPTIONS, *self._place.options, self._place.host, "sh", "-s"]
        done = self._run(command, _SECONDS, f"set -eu\n{_assigned(**values)}{_ANSWER}{script}")
        for line in done.stdout.splitlines():
            if line.startswith(f"{_KNOWN_AS} "):
                return line.split()[1:]
        raise UserError(
            f"{self.name} ({self._place.host}) failed: {_last_line(done.stderr) or f'exit {done.returncode}'}"
        )

    # --- the parts --------------------------------------------------------------------------------------------------
    def _there(self, run_id: str) -> str:
        return f"{self._place.folder}/{run_id}"

    def _program(self) -> dict[str, str]:
        return {"python": self._place.python or "python3", "project": self._place.project}

    def _exports(self, secrets: dict[str, str]) -> str:
        values = {**dict(self._place.environment), **secrets, "PYTHONUNBUFFERED": "1"}
        return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items()) + "export wanted\n"

    def _copy(self, source: str, target: str, options: list[str]) -> int:
        """rsync; its exit code, 0 or _VANISHED.

        Raises:
            LauncherAway: the connection failed.
            UserError: anything else, such as a full disk.
        """
        if shutil.which("rsync") is None:
            raise UserError("rsync is not installed here; `apt-get install rsync`, or what your system has")
        shell = shlex.join(["ssh", *_OPTIONS, *self._place.options])
        command = ["rsync", "-a", "-s", "--timeout=60", "-e", shell, *options, source, target]
        done = self._run(command, _COPY_SECONDS)
        if done.returncode in (0, _VANISHED):
            return done.returncode
        kind = LauncherAway if done.returncode in (5, 10, 12, 30, 35) else UserError
        # What the other side says of its files is at times lost with the connection.
        unsaid = (
            "a file cannot be read or written; is a disk full?" if done.returncode == 11 else f"exit {done.returncode}"
        )
        words = _last_line(done.stderr, "rsync error") or unsaid
        raise kind(f"the folder cannot be copied from or to {self.name} ({self._place.host}): {words}")

    def _run(self, command: list[str], seconds: float, given: str = "") -> subprocess.CompletedProcess[str]:
        try:
            done = subprocess.run(
                command,
                input=given,
                capture_output=True,
                timeout=seconds,
                check=False,
                encoding="utf-8",
                errors="replace",
            )
        except subprocess.TimeoutExpired as error:
            raise LauncherAway(f"{self.name} ({self._place.host}) does not answer within {seconds:.0f} s") from error
        except FileNotFoundError as error:
            raise UserError(f"{command[0]} is not installed here") from error
        if done.returncode == _NO_CONTACT:
            raise LauncherAway(f"{self.name} ({self._place.host}) is not reached: {_last_line(done.stderr)}")
        return done


def _names(job: dict[str, Any]) -> dict[str, str]:
    return {"folder": job["folder"], "pid": str(job["pid"]), "start": job["start"], "booted": job["boot"]}


def _assigned(**values: str) -> str:
    """Shell assignments, one a line."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def _last_line(text: str, without: str = "\0") -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(without)]
    return lines[-1][:300] if lines else ""


def _remove_old_checkpoints(folder: Path, kept: list[int]) -> None:
    """Remove checkpoints older than the newest whole one there that the run itself has removed there."""
    for path in (folder / "checkpoints").glob("checkpoint-*") if kept else ():
        number = path.name.removeprefix("checkpoint-")
        if number.isdigit() and int(number) < max(kept) and int(number) not in kept:
            shutil.rmtree(path)
