"""The work of a run's process: record its pid, train, update the store meanwhile, and record how the run ended."""

import os
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import select

from backend.audit.gate import Gate
from backend.audit.gates import standing_gates
from backend.errors import UserError
from backend.evaluation.findings import evidence_sentence
from backend.evaluation.stored import base_and_tuned, compare_stored
from backend.evaluation.words import chosen_words, comparison_table, on_prompts
from backend.files import write_json
from backend.runs.causes import known_cause
from backend.runs.lock import training_lock
from backend.runs.processes import bind, mark_running
from backend.runs.rating import PeopleFile, offer_for_rating
from backend.runs.sync import rewind_store, sync_run
from backend.store.engine import patiently, reading, writing
from backend.store.runs import run_folder
from backend.store.tables import Run, utc_now

COMPARISON = "comparison_base_vs_tuned.json"
"""In a run's folder: base against tuned, per task."""
_SYNC_SECONDS = 2.0


def work(run_id: str, resume: bool = False) -> int:
    """Train the run in this process; returns the exit code (0 finished or stopped, 1 failed, 2 user error).

    Args:
        run_id: a run that was created.
        resume: continue a run that stopped or failed, from its last complete checkpoint.

    Raises:
        UserError: there is no such run, it has finished, or it has ended in another way and ``resume`` is False.
    """
    if int(os.environ.get("RANK", "0")) > 0:  # under accelerate, only the first process uses the store
        return _train_beside_the_first(run_id)
    with writing() as session:
        run = _startable(session.get(Run, run_id), run_id, resume)
        if run.status == "queued":
            bind(run, os.getpid())
    with training_lock(run_id, lambda holder: print(f"waiting for {holder}, which trains on this machine", flush=True)):
        return _work(run_id, resume)


def _work(run_id: str, resume: bool) -> int:
    """Train; the caller holds the training lock."""
    with writing() as session:
        run = _startable(session.get(Run, run_id), run_id, resume)
        children = list(session.scalars(select(Run.id).where(Run.parent_id == run_id).order_by(Run.created_at)))
        mark_running(run, os.getpid())
    folder = Path(run.folder)
    if children:
        from backend.runs.seeds import train_seeds

        status, reason, code = train_seeds(run_id, children)
    else:
        status, reason, code = _train(run_id, run.profile, folder)

    def record_the_end() -> None:
        with writing() as session:
            ended = session.get_one(Run, run_id)
            ended.status, ended.reason, ended.ended_at, ended.exit_code = status, reason, utc_now(), code

    if status == "finished" and not children:
        with _store_faults_logged():
            patiently(lambda: write_comparison(run_id))
    patiently(record_the_end)
    with suppress(OSError):
        print(f"{status}: {reason}\nrun folder: {folder}", flush=True)
    return code


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
    return run


def _train(run_id: str, profile: str, folder: Path) -> tuple[str, str, int]:
    """Train, and copy the folder to the store meanwhile; returns (status, reason, exit code)."""
    done = threading.Event()
    syncing = threading.Thread(target=_keep_in_sync, args=(run_id, done), daemon=True)
    try:
        from backend.training.run import train

        def on_rewound(step: int) -> None:
            patiently(lambda: rewind_store(run_id, step))
            syncing.start()  # not earlier: it would copy again what the rewind has deleted

        outcome = train(folder, patiently(lambda: _gates(profile)), on_rewound)
        return outcome.status, outcome.reason, 0
    except UserError as error:
        print(f"error: {error}", flush=True)
        return "failed", str(error), 2
    except Exception as error:  # any error that ended the run is recorded as its reason
        with suppress(OSError):  # the log may be on the disk that is full
            traceback.print_exc()
        words = f"{type(error).__name__}: {error}"
        known = known_cause(words)
        return "failed", f"{known} ({words})" if known else words, 1
    finally:
        done.set()
        if syncing.is_alive():
            syncing.join()
        with _store_faults_logged():
            patiently(lambda: sync_run(run_id))
            patiently(lambda: offer_for_rating(run_id))


def _gates(profile: str) -> dict[str, Gate]:
    with reading() as session:
        return standing_gates(session, profile)


def _train_beside_the_first(run_id: str) -> int:
    from backend.settings import get_settings
    from backend.training.run import train

    train(get_settings().runs_dir / run_id)
    return 0


def _keep_in_sync(run_id: str, done: threading.Event) -> None:
    """Copy the folder to the store every few seconds. If that fails, training continues and a later attempt copies it."""
    people = PeopleFile(run_id)
    while not done.wait(_SYNC_SECONDS):
        with _store_faults_logged():
            sync_run(run_id, alive=True)
            offer_for_rating(run_id)
            people.update()


@contextmanager
def _store_faults_logged() -> Iterator[None]:
    """Print errors of the store to the run's log; they do not end the run."""
    try:
        yield
    except UserError as error:
        with suppress(OSError):  # the log may be on the disk that is full
            print(error, flush=True)
    except Exception:  # everything is in the folder, so the next attempt copies what this one missed
        with suppress(OSError):
            traceback.print_exc()
