"""The work of a run's process: train in its folder, and say there how it ended.

With a store (``work``) the run's row follows meanwhile, and end and comparison are recorded there too. Without one
(``work_in``) the folder is all there is: ``workbench runs sync`` takes it in elsewhere.
"""

import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path

import psutil
from sqlalchemy import select

from backend.audit.gate import Gate
from backend.audit.gates import standing_gates
from backend.errors import UserError
from backend.evaluation.findings import evidence_sentence
from backend.evaluation.stored import base_and_tuned, compare_stored
from backend.evaluation.words import chosen_words, comparison_table, on_prompts
from backend.files import write_json, write_whole
from backend.runs.attempt import End, Keepsake, attempt
from backend.runs.ending import HEARTBEAT, STOP, read_standing, write_end, write_start
from backend.runs.handle import LOCAL, Handle, this_host
from backend.runs.lock import training_lock
from backend.runs.packing import packed_gates
from backend.runs.processes import bind, mark_running, process_job, process_state
from backend.runs.rating import PeopleFile, offer_for_rating
from backend.runs.sync import rewind_store, sync_run
from backend.store.engine import patiently, reading, writing
from backend.store.runs import run_folder, store_now
from backend.store.tables import Run, utc_now
from backend.training.stopping import STOPS, StopRequested, stop_at_once

COMPARISON = "comparison_base_vs_tuned.json"
"""In a run's folder: base against tuned, per task."""
_SYNC_SECONDS = 2.0


# --- with a store -------------------------------------------------------------------------------------------------
def work(run_id: str, resume: bool = False) -> int:
    """Train the run in this process; returns the exit code (0 finished or stopped, 1 failed, 2 user error).

    Args:
        run_id: a run that was created.
        resume: continue a run that stopped or failed, from its last complete checkpoint.

    Raises:
        UserError: there is no such run, it has finished, or it has ended in another way and ``resume`` is False.
    """
    stop_at_once()
    if _rank() > 0:  # under accelerate, only the first process uses the store
        from backend.settings import get_settings

        return _train_beside_the_first(get_settings().runs_dir / run_id)
    with writing() as session:
        run = _startable(session.get(Run, run_id), run_id, resume)
        if run.status == "queued":
            bind(run, os.getpid())
    try:
        with training_lock(run_id, _say_who_trains):
            return _work(run_id, resume)
    except StopRequested as stop:  # before it began to train
        _record(run_id, End("stopped", f"stopped by {stop} before it began", 0))
        return 0


def _work(run_id: str, resume: bool) -> int:
    """Train; the caller holds the training lock."""
    with writing() as session:
        run = _startable(session.get(Run, run_id, with_for_update=True), run_id, resume)
        children = list(session.scalars(select(Run.id).where(Run.parent_id == run_id).order_by(Run.created_at, Run.id)))
        mark_running(run, os.getpid())
    folder = Path(run.folder)
    try:
        kept = Keepsake(folder)
        write_start(folder, this_host())
    except (UserError, OSError) as error:
        _record(run_id, End("failed", str(error), 2))
        raise UserError(str(error)) from error
    done, rewound = threading.Event(), threading.Event()
    syncing = threading.Thread(target=_keep_in_sync, args=(run_id, done, rewound, kept), daemon=True)
    syncing.start()
    if children:
        from backend.runs.children import train_children

        end = train_children(run_id, children)
    else:

        def on_rewound(step: int) -> None:
            patiently(lambda: rewind_store(run_id, step))
            rewound.set()  # not earlier: it would copy again what the rewind has deleted

        end = attempt(folder, lambda: patiently(lambda: _gates(run.profile)), on_rewound)
    _end_in_folder(folder, end := kept.after(end))
    done.set()
    syncing.join()
    with _store_faults_logged():
        patiently(lambda: sync_run(run_id))
        patiently(lambda: offer_for_rating(run_id))
    if end.status == "finished" and not children:
        with _store_faults_logged():
            patiently(lambda: write_comparison(run_id))
    _record(run_id, end)
    _say_end(end, folder)
    return end.code


def _end_in_folder(folder: Path, end: End) -> None:
    """Write the end into the folder; from then on a signal may end the process at once, for nothing is lost."""
    with suppress(OSError):  # on a full disk the store alone is told
        write_end(folder, end.status, end.reason, end.code)
    for number in STOPS:
        signal.signal(number, signal.SIG_DFL)


def _record(run_id: str, end: End) -> None:
    """Record the end in the store, unless the run is no longer this process's (see ``_sign_of_life``)."""

    def record() -> None:
        with writing() as session:
            run = session.get_one(Run, run_id)
            if not _is_ours(run):
                return
            status = "cancelled" if run.status == "queued" else end.status
            run.status, run.reason, run.ended_at, run.exit_code = status, end.reason, utc_now(), end.code

    patiently(record)


def _is_ours(run: Run) -> bool:
    """Whether the store still has the run as running, or waiting, in this process."""
    handle = Handle.of(run)
    return run.status in ("running", "queued") and handle is not None and handle.job == process_job(os.getpid())


def _sign_of_life(run_id: str, is_first: bool) -> str:
    """Report that the run lives; returns why it must end, if it must."""
    with writing() as session:
        run = session.get(Run, run_id, with_for_update=True)
        if run is None:
            return ""
        if not _is_ours(run):
            return "the run was given up or goes on elsewhere; this process ends at the next step"
        run.heartbeat_at = store_now(session)
        handle = Handle.of(run)
        if handle is not None and not handle.is_mine:  # the machine has been renamed
            run.handle = replace(handle, host=this_host()).as_dict()
        if run.stop_asked == "force":
            for child in psutil.Process().children(recursive=True):
                child.kill()
            os.kill(os.getpid(), signal.SIGKILL)
        return "a stop was asked for; the run ends at the next step" if run.stop_asked and is_first else ""


def _keep_in_sync(
    run_id: str, done: threading.Event, rewound: threading.Event | None = None, kept: Keepsake | None = None
) -> None:
    """Every few seconds: report that the run lives, and once it is ``rewound`` copy its folder to the store, offer what people
    are to rate, and tell the folder what they have said.

    If that fails, training continues and a later attempt copies it. A run that was stopped or given up elsewhere, or whose
    folder is gone, is asked to end, once; not if it has had a signal already, for a second would end it without a checkpoint.
    """
    asked, people = False, PeopleFile(run_id)
    while not done.wait(_SYNC_SECONDS):
        why = "the run's folder is gone; the run ends at the next step" if kept is not None and kept.is_gone else ""
        with _store_faults_logged():
            why = _sign_of_life(run_id, not asked) or why
        if why and not asked and not done.is_set():
            asked = True
            with suppress(OSError):  # the log may be on the disk that is full
                print(why, flush=True)
            if signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
                os.kill(os.getpid(), signal.SIGTERM)
        with _store_faults_logged():
            if rewound is None or rewound.is_set():
                sync_run(run_id)
                offer_for_rating(run_id)
                people.update()


def write_comparison(run_id: str) -> None:
    """Compare base and tuned from the store; print the result, and save it in the run's folder too."""
    with reading() as session:
        pair = base_and_tuned(session, run_id)
        if pair is None:
            return
        compared = compare_stored(session, *pair)
    write_json(
        run_folder(run_id) / COMPARISON,
        {
            "summary": str(evidence_sentence(compared.evidence)),
            "tasks": [c.as_dict() for c in compared.tasks],
            "truth": {e.change.task: asdict(e.truth) for e in compared.evidence if e.truth is not None},
            "best_step": compared.tuned.step,
            "split": compared.tuned.split,
            "prompts": str(on_prompts(compared)),
            "chosen_on_these_prompts": compared.chosen_here,
            "settings": compared.settings.model_dump(),
        },
    )
    print(f"\n{comparison_table(compared.tasks)}\n{evidence_sentence(compared.evidence)}", flush=True)
    print(f"{on_prompts(compared)}. {chosen_words(compared) or ''}".rstrip(), flush=True)


def _startable(run: Run | None, run_id: str, resume: bool) -> Run:
    if run is None:
        raise UserError(f"there is no run {run_id}; `run_training.py --preset nano` makes a new one")
    if run.status == "finished" or (run.status in ("stopped", "failed", "cancelled") and not resume):
        hint = "start a new one" if run.status == "finished" else f"go on with `run_training.py --resume {run_id}`"
        raise UserError(f"run {run_id} has ended ({run.status}); {hint}")
    handle = Handle.of(run)
    if run.status == "running" and handle is not None and handle.job != process_job(os.getpid()):
        if not handle.is_mine or handle.launcher != LOCAL:
            where = handle.host if handle.launcher == LOCAL else handle.launcher
            raise UserError(f"run {run_id} is under way on {where or 'a machine that is not known'}; stop it first")
        if process_state(handle.job).name == "running":
            raise UserError(f"run {run_id} is running already, in process {run.pid}")
    return run


def _gates(profile: str) -> dict[str, Gate]:
    with reading() as session:
        return standing_gates(session, profile)


@contextmanager
def _store_faults_logged() -> Iterator[None]:
    """Print errors of the store to the run's log, a line each; they do not end the run."""
    try:
        yield
    except Exception as error:  # everything is in the folder, so the next attempt copies what this one missed
        with suppress(OSError):  # the log may be on the disk that is full
            words = error if isinstance(error, UserError) else "".join(traceback.format_exception(error))
            print(f"not copied to the store: {' | '.join(str(words).strip().splitlines())}", flush=True)


# --- without a store ----------------------------------------------------------------------------------------------
def work_in(folder: Path) -> int:
    """Train the run in ``folder`` (config.json, prompts.jsonl) without a store; returns the exit code, as ``work`` does.

    One that has ended in another way than finished goes on from its last complete checkpoint.

    Raises:
        UserError: configuration or prompts are missing, or the run has finished.
    """
    stop_at_once()
    folder = folder.resolve()
    if _rank() > 0:
        return _train_beside_the_first(folder)
    kept = Keepsake(folder)
    before = read_standing(folder)
    if before is not None and before.status == "finished":
        raise UserError(
            f"the run in {folder} has finished ({before.reason}); take it in with `workbench runs sync {folder}`"
        )
    try:
        with training_lock(folder.name, _say_who_trains, folder.parent):
            (folder / STOP).unlink(missing_ok=True)
            write_start(folder, this_host())
            done = threading.Event()
            threading.Thread(target=_keep_beating, args=(folder, kept, done), daemon=True).start()
            end = kept.after(attempt(folder, lambda: packed_gates(folder)))
            done.set()
    except StopRequested as stop:
        end = End("stopped", f"stopped by {stop} before it began", 0)
    _end_in_folder(folder, end)
    _say_end(end, folder)
    return end.code


def _keep_beating(folder: Path, kept: Keepsake, done: threading.Event) -> None:
    """Write a sign of life into the folder every few seconds; ask the run to end, once, if the folder is gone or says so."""
    asked = False
    while not done.wait(_SYNC_SECONDS):
        gone = kept.is_gone
        if not asked and (gone or (folder / STOP).exists()):
            asked = True
            why = "the run's folder is gone" if gone else "a stop was asked for"
            print(f"{why}; the run ends at the next step", flush=True)
            os.kill(os.getpid(), signal.SIGTERM)
        if gone:
            return
        with suppress(OSError):  # a full disk
            write_whole(folder / HEARTBEAT, f"{time.time():.3f}\n")


# --- both ---------------------------------------------------------------------------------------------------------
def _rank() -> int:
    return int(os.environ.get("RANK", "0"))


def _train_beside_the_first(folder: Path) -> int:
    from backend.training.run import train

    train(folder)
    return 0


def _say_who_trains(holder: str) -> None:
    print(f"waiting for {holder}, which trains on this machine", flush=True)


def _say_end(end: End, folder: Path) -> None:
    with suppress(OSError):
        print(f"{end.status}: {end.reason}\nrun folder: {folder}", flush=True)
