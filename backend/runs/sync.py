"""Copy a run's folder into the store. Repeating it is safe: the run's process, the app and an import may all do it, at
any time.

What cannot be read is set aside: it stays in the folder, the store keeps where it is and why, and the run's page says so.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from backend.errors import reason
from backend.evaluation.evaluate import EvaluationResult, read_evaluation
from backend.files import storable
from backend.runs.rating import take_back
from backend.store.completions import add_scores
from backend.store.engine import StoreAway, writing
from backend.store.runs import save_metrics, store_now
from backend.store.tables import Completion, Evaluation, Metric, Rating, Run
from backend.training.metrics_file import parse_lines

METRICS = "metrics.jsonl"
_MOST_SET_ASIDE = 1000
_log = logging.getLogger(__name__)


def sync_run(run_id: str, alive: bool = False) -> None:
    """Copy new metric lines and evaluations of the run into the store; ``alive``: it is known to live now."""
    with writing() as session:
        run = session.get(Run, run_id, with_for_update=True)  # other processes that sync this run wait
        if run is None:
            return
        if alive and run.status == "running":
            run.heartbeat_at = store_now(session)
        copy_folder(session, run)


def copy_folder(session: Session, run: Run) -> None:
    """Copy what is new in the run's folder into the store."""
    sync_metrics(session, run)
    _sync_evaluations(session, run)


def take_in(run_id: str) -> None:
    """``sync_run`` for whoever looks after many runs: a fault nobody thought of is told at the run and stops nobody else.

    Raises:
        StoreAway: the database does not answer.
    """
    try:
        sync_run(run_id)
    except StoreAway:
        raise
    except Exception as error:
        _log.exception("cannot take in the folder of run %s", run_id)
        with writing() as session:
            run = session.get_one(Run, run_id)
            run.set_aside = _except_of(run, "")
            _set_aside(run, "", [f"{type(error).__name__}: {error}"[:200]])


def rewind_store(run_id: str, step: int) -> None:
    """Delete the run's metrics and evaluations after ``step`` from the store, as ``rewind`` does in its folder.

    An evaluation with rated completions stays, so that no rating is lost.
    """
    with writing() as session:
        run = session.get_one(Run, run_id)
        session.execute(delete(Metric).where(Metric.run_id == run_id, Metric.step > step))
        run.metrics_read, run.set_aside = 0, []
        take_back(session, run_id, step)
        rated = select(Completion.evaluation_id).join(Rating).where(Completion.evaluation_id.is_not(None))
        session.execute(
            delete(Evaluation).where(
                Evaluation.run_id == run_id,
                (Evaluation.step > step) | (Evaluation.label == "tuned"),
                Evaluation.id.not_in(rated),
            )
        )


def sync_metrics(session: Session, run: Run) -> None:
    """Copy the lines of a run's metrics file that the store has not read yet."""
    try:
        with (Path(run.folder) / METRICS).open("rb") as file:
            if file.seek(0, 2) < run.metrics_read:  # a resumed run has rewritten the file: read it again from the start
                run.metrics_read, run.set_aside = 0, _except_of(run, METRICS)
            file.seek(run.metrics_read)
            block = file.read()
    except OSError:  # not there yet, or not on this machine
        return
    whole = block[: block.rfind(b"\n") + 1]  # without a last line that is still being written
    logged, bad = parse_lines(whole)
    save_metrics(
        session, run.id, [{"step": of.step, "name": n, "value": v} for of in logged for n, v in of.metrics.items()]
    )
    _set_aside(run, METRICS, bad)
    run.metrics_read += len(whole)


def _sync_evaluations(session: Session, run: Run) -> None:
    known = set(session.scalars(select(Evaluation.id).where(Evaluation.run_id == run.id)))
    run.set_aside = [a for a in _except_of(run, "") if (Path(run.folder) / a["file"]).exists()]
    for path in sorted((Path(run.folder) / "evaluations").glob("*.json")):
        evaluation_id = f"{run.id}:{path.stem}"
        if evaluation_id in known:
            continue
        file = f"evaluations/{path.name}"
        run.set_aside = _except_of(run, file)  # it may have been mended
        try:
            with session.begin_nested():
                save_evaluation(session, evaluation_id, run.id, read_evaluation(path), run.is_example)
        except (OSError, ValueError, DataError, IntegrityError) as error:
            _set_aside(run, file, [reason(error).splitlines()[0][:200]])


def _set_aside(run: Run, file: str, why: Iterable[str]) -> None:
    """Note what could not be read. Beyond the first thousand of a run nothing is noted, so that garbage cannot fill the store."""
    added = [{"file": file, "why": words.replace("\x00", "\\x00")} for words in why]
    if added:
        run.set_aside = [*run.set_aside, *added][:_MOST_SET_ASIDE]


def _except_of(run: Run, file: str) -> list[Any]:
    return [aside for aside in run.set_aside if aside["file"] != file]


def save_evaluation(
    session: Session, evaluation_id: str, run_id: str | None, result: EvaluationResult, is_example: bool = False
) -> None:
    """Store an evaluation, its completions and their component scores."""
    session.add(
        Evaluation(
            id=evaluation_id,
            run_id=run_id,
            label=result.label,
            split=result.split,
            step=result.step,
            policy=result.policy,
            profile=result.profile,
        )
    )
    session.flush()
    rows = [
        {
            "prompt_id": c.prompt_id,
            "evaluation_id": evaluation_id,
            "text": storable(c.text),
            "tokens": c.tokens,
            "truncated": c.truncated,
            "policy": result.policy,
            "generation": result.sampling.model_dump(),
            "sample": c.sample,
            "is_example": is_example,
        }
        for c in result.completions
    ]
    ids = session.scalars(insert(Completion).returning(Completion.id, sort_by_parameter_order=True), rows).all()
    add_scores(
        session,
        (
            {
                "completion_id": completion_id,
                "profile": result.profile,
                "component": name,
                "value": value,
                "fingerprint": result.fingerprints.get(c.task, result.fingerprint),
            }
            for completion_id, c in zip(ids, result.completions, strict=True)
            for name, value in {**c.components, "total": c.total}.items()
        ),
    )
