"""The dispatcher: starts the runs that wait for a launcher when there is room, follows them, and exits after the last.

    python -m backend.runs.dispatcher [LAUNCHER]

Launching a run from a page starts it; after that it does not need the page or the app. Each launcher of each machine has one,
because it holds a lock that the operating system releases when the process dies. Killing it harms no run: each run is a
session or a job of its own, and the next dispatcher continues with the queue, and finds the jobs by their handles.
"""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import Timeout
from sqlalchemy.orm import Session

from backend.errors import UserError
from backend.runs.ending import HEARTBEAT, forget_standing
from backend.runs.handle import LOCAL, UNKNOWN, Handle, State, this_host
from backend.runs.launchers import Launcher, LauncherAway, find_launcher
from backend.runs.lock import A_MOMENT, dispatcher_lock, is_training, starting_file
from backend.runs.packing import pack_gates
from backend.runs.processes import is_alive, mark_begun, settle
from backend.runs.queue import is_in, waiting
from backend.runs.sync import take_in
from backend.runs.worker import write_comparison
from backend.store.engine import patiently, reading, writing
from backend.store.runs import active_runs, get_run, store_now
from backend.store.tables import Run, utc_now

_POLL_SECONDS = 0.5
_POLL_ELSEWHERE_SECONDS = 5.0
_MOST_PULLS = 20
"""After so many pulls that failed though the place was reached, an ended run is settled with what is here."""


class Dispatcher:
    """One launcher's dispatcher on this machine."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._is_local = launcher.name == LOCAL
        self._own: dict[str, dict[str, Any]] = {}
        """The jobs of this machine that it has started, and whose exit codes only it will know."""
        self._beats: dict[str, str] = {}
        self._said: dict[str, str] = {}
        self._failed_pulls: dict[str, int] = {}
        self._asked: set[str] = set()

    def serve(self) -> None:
        """Start and follow runs until none is left."""
        lock = dispatcher_lock(self._launcher.name)
        while True:
            try:
                lock.acquire(timeout=A_MOMENT)
            except Timeout:
                return  # another dispatcher is running
            finally:
                starting_file(self._launcher.name).unlink(missing_ok=True)
            try:
                while patiently(self._has_work):
                    try:
                        self.round()
                    except UserError as error:  # the store is busy, or does not answer for a moment
                        self._say("", str(error))
                    time.sleep(_POLL_SECONDS if self._is_local else _POLL_ELSEWHERE_SECONDS)
            finally:
                lock.release()
            if not patiently(self._has_work):  # a run may be queued between the last check and the release of the lock
                return

    def round(self) -> None:
        """Look once at every run that is under way, and start the next one if there is room."""
        self._see_own_off()
        with reading() as session:
            under_way, line = self._under_way(session), waiting(session, self._queue())
        for run in under_way:
            if self._is_local:  # it reports to the store by itself
                if not is_alive(run):
                    settle(run.id)
            else:
                self._follow(run)
        if line and len(under_way) < self._launcher.at_once and not (self._is_local and is_training()):
            self._start(line[0])

    def _queue(self) -> Handle:
        return Handle(self._launcher.name, this_host())

    def _has_work(self) -> bool:
        with reading() as session:
            if waiting(session, self._queue()):
                return True
            return bool(self._own if self._is_local else self._under_way(session))

    def _under_way(self, session: Session) -> list[Run]:
        """The runs that this launcher has started and that have not ended; children of a run are in their parent's hands."""
        queue = self._queue()
        return [
            run
            for run in active_runs(session)
            if is_in(run, queue)
            and not (self._is_local and run.parent_id)
            and run.handle is not None
            and run.handle["job"] is not None
            and (run.status == "running" or (run.status == "queued" and not self._is_local))
        ]

    # --- starting ---------------------------------------------------------------------------------------------------
    def _start(self, run: Run) -> None:
        folder = Path(run.folder)
        try:
            if not self._is_local:
                pack_gates(folder, run.profile)
                forget_standing(folder)
            job = self._launcher.submit(folder)
        except LauncherAway as error:  # it keeps its place
            self._note(run, str(error))
            return
        except (UserError, OSError) as error:
            self._cannot_start(run.id, str(error))
            return
        if self._is_local:
            self._own[run.id] = job
        handle = replace(self._queue(), job=job)
        if not patiently(lambda: self._hand_over(run.id, handle)):
            self._launcher.stop(job, force=True)  # taken out of the queue meanwhile

    def _hand_over(self, run_id: str, handle: Handle) -> bool:
        """Take the run, whose job has started, out of the queue; False if it is no longer wanted."""
        with writing() as session:
            run = get_run(session, run_id)
            if run.place is None:  # its own process was quicker, or it was taken out or started elsewhere meanwhile
                return run.status != "cancelled" and run.handle is not None and run.handle["job"] == handle.job
            run.handle = handle.as_dict()
            if self._is_local:
                mark_begun(run)
            else:
                run.place, run.reason = None, f"started on {self._launcher.name}; it waits for its turn there"
            return True

    def _cannot_start(self, run_id: str, why: str) -> None:
        with writing() as session:
            run = get_run(session, run_id)
            run.status, run.place, run.ended_at, run.reason = "failed", None, utc_now(), why

    def _note(self, run: Run, words: str) -> None:
        """Say at a waiting or running run what is the matter, once; not where it was given up or queued anew meanwhile."""
        if self._said.get(run.id) != words:
            self._say(run.id, words)
            with writing() as session:
                now = get_run(session, run.id)
                if (now.status, now.handle) == (run.status, run.handle):
                    now.reason = words

    def _say(self, run_id: str, words: str) -> None:
        self._said[run_id] = words
        print(f"{run_id} {words}".strip(), flush=True)

    def _see_own_off(self) -> None:
        """Record the exit codes of the processes it has started here, also where a page has seen their end before."""
        for run_id, job in list(self._own.items()):
            state = self._launcher.state(job)
            if state.name == "ended":
                settle(run_id, state, job)
                del self._own[run_id]

    # --- following --------------------------------------------------------------------------------------------------
    def _follow(self, run: Run) -> None:
        assert run.handle is not None  # noqa: S101
        state, job = UNKNOWN, run.handle["job"]
        try:
            self._carry_out_stop(run, job)
            state = self._launcher.state(job)
            self._launcher.pull(job, Path(run.folder))
            self._failed_pulls.pop(run.id, None)
        except LauncherAway as error:
            self._note(run, str(error))
            return
        except UserError as error:  # it was reached: the disk here is full, or the folder there is gone
            self._note(run, str(error))
            self._failed_pulls[run.id] = self._failed_pulls.get(run.id, 0) + 1
            if self._failed_pulls[run.id] < _MOST_PULLS:
                return
        if not self._report(run.id, job, Path(run.folder), state):
            return  # given up and queued anew while it was looked at
        take_in(run.id)
        if state.name == "ended":
            settle(run.id, state, job)
            with reading() as session:
                finished = get_run(session, run.id).status == "finished"
            if finished:
                write_comparison(run.id)

    def _carry_out_stop(self, run: Run, job: dict[str, Any]) -> None:
        """Pass on a stop that was asked for: once for each job and kind of stop."""
        asked = f"{run.stop_asked} {json.dumps(job)}"
        if run.stop_asked and asked not in self._asked:
            self._launcher.stop(job, force=run.stop_asked == "force")
            self._asked.add(asked)

    def _report(self, run_id: str, job: dict[str, Any], folder: Path, state: State) -> bool:
        """Record what was seen: that the job has begun to run, and a new sign of life in its folder.

        Returns:
            Whether the run is still this job's: what was seen of another says nothing of it.
        """
        beat = _beat(folder)
        is_new = beat != self._beats.get(run_id, "")
        self._beats[run_id] = beat
        with writing() as session:
            run = get_run(session, run_id)
            if run.handle is None or run.handle["job"] != job:
                return False
            # A scheduler that keeps no accounts says nothing; the sign of life does.
            lives = state.name == "running" or (state.name == "unknown" and is_new)
            if lives and run.status == "queued":
                mark_begun(run)
            elif lives and run.reason == self._said.pop(run_id, None):
                run.reason = ""  # it answers again
            if is_new and run.status == "running" and state.name != "ended":
                run.heartbeat_at = store_now(session)
            return True


def _beat(folder: Path) -> str:
    """The last sign of life that a run has written into its folder."""
    try:
        return (folder / HEARTBEAT).read_text(encoding="utf-8")
    except OSError:
        return ""


def serve(launcher: str = LOCAL) -> None:
    """Start and follow a launcher's runs until none is left."""
    Dispatcher(find_launcher(launcher)).serve()


if __name__ == "__main__":
    serve(*sys.argv[1:2])
