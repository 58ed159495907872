"""Copy a run's folder into the store. Repeating it is safe: the run's process, the app and an import may all do it, at
any time."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from backend.evaluation.evaluate import EvaluationResult, read_evaluation
from backend.runs.rating import take_back
from backend.store.completions import add_scores
from backend.store.engine import writing
from backend.store.runs import save_metrics
from backend.store.tables import Completion, Evaluation, Metric, Rating, Run, utc_now


def sync_run(run_id: str, alive: bool = False) -> None:
    """Copy new metric lines and evaluations of the run into the store; ``alive``: the caller is the run's own process."""
    with writing() as session:
        run = session.get(Run, run_id, with_for_update=True)  # other processes that sync this run wait
        if run is None:
            return
        if alive:
            run.heartbeat_at = utc_now()
        _sync_metrics(session, run)
        _sync_evaluations(session, run)


def rewind_store(run_id: str, step: int) -> None:
    """Delete the run's metrics and evaluations after ``step`` from the store, as ``rewind`` does in its folder.

    An evaluation with rated completions stays, so that no rating is lost.
    """
    with writing() as session:
        run = session.get_one(Run, run_id)
        session.execute(delete(Metric).where(Metric.run_id == run_id, Metric.step > step))
        run.metrics_read = 0
        take_back(session, run_id, step)
        rated = select(Completion.evaluation_id).join(Rating).where(Completion.evaluation_id.is_not(None))
        session.execute(
            delete(Evaluation).where(
                Evaluation.run_id == run_id,
                (Evaluation.step > step) | (Evaluation.label == "tuned"),
                Evaluation.id.not_in(rated),
            )
        )


def _sync_metrics(session: Session, run: Run) -> None:
    path = Path(run.folder) / "metrics.jsonl"
    if not path.exists():
        return
    size = path.stat().st_size
    if size < run.metrics_read:  # a resumed run has rewritten the file: read it again from the start
        run.metrics_read = 0
    with path.open("rb") as file:
        file.seek(run.metrics_read)
        block = file.read()
    whole = block[: block.rfind(b"\n") + 1]  # without a last line that is still being written
    rows: list[dict[str, Any]] = []
    for line in whole.splitlines():
        record = json.loads(line)
        rows += [{"step": record["step"], "name": name, "value": v} for name, v in record["metrics"].items()]
    save_metrics(session, run.id, rows)
    run.metrics_read += len(whole)


def _sync_evaluations(session: Session, run: Run) -> None:
    known = set(session.scalars(select(Evaluation.id).where(Evaluation.run_id == run.id)))
    for path in sorted((Path(run.folder) / "evaluations").glob("*.json")):
        evaluation_id = f"{run.id}:{path.stem}"
        if evaluation_id not in known:
            save_evaluation(session, evaluation_id, run.id, read_evaluation(path), run.is_example)


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
            "text": c.text,
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
