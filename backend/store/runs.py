"""Runs and their metrics."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.errors import UserError
from backend.store.engine import insert_or, reading
from backend.store.frames import read_frame
from backend.store.tables import Metric, Run, utc_now


def store_now(session: Session) -> datetime:
    """Now, by the clock that all machines on one store share: PostgreSQL's; a SQLite file has one machine."""
    if session.get_bind().dialect.name != "postgresql":
        return utc_now()
    now = session.scalar(select(func.clock_timestamp()))
    assert isinstance(now, datetime)  # noqa: S101
    return now.astimezone(UTC)


def all_runs(session: Session) -> list[Run]:
    """Every run, newest first; examples last."""
    return list(session.scalars(select(Run).order_by(Run.is_example, Run.created_at.desc())))


def active_runs(session: Session) -> list[Run]:
    """The runs that are queued or running, in the order of ``all_runs``."""
    return list(
        session.scalars(
            select(Run).where(Run.status.in_(("queued", "running"))).order_by(Run.is_example, Run.created_at.desc())
        )
    )


def get_run(session: Session, run_id: str) -> Run:
    """The run of that id.

    Raises:
        UserError: there is none.
    """
    run = session.get(Run, run_id)
    if run is None:
        raise UserError(f"there is no run {run_id}; `run_training.py --preset nano` makes a new one")
    return run


def run_folder(run_id: str) -> Path:
    """The folder of the run of that id.

    Raises:
        UserError: there is none.
    """
    with reading() as session:
        return Path(get_run(session, run_id).folder)


@needs("engineer")
def describe(session: Session, run_id: str, notes: str, tags: list[str]) -> None:
    """Store what people write about a run: notes of up to 10,000 characters, and up to 20 tags of up to 40 characters."""
    run = session.get_one(Run, run_id)
    run.notes = notes[:10_000]
    run.tags = list(dict.fromkeys(tag.strip()[:40] for tag in tags if tag.strip()))[:20]


def save_metrics(session: Session, run_id: str, rows: list[dict[str, Any]]) -> None:
    """Write metric rows (step, name, value); a row with the same step and name is replaced."""
    if not rows:
        return
    insert = insert_or(session, Metric)
    latest = {(r["step"], r["name"]): {**r, "run_id": run_id} for r in rows}
    upsert = insert.on_conflict_do_update(
        index_elements=["run_id", "name", "step"], set_={"value": insert.excluded.value}
    )
    session.execute(upsert, list(latest.values()))


def drawn_metrics(session: Session, run_id: str, names: list[str], points: int = 400) -> pd.DataFrame:
    """A run's metrics for a chart. If there are many, only the lowest and the highest value per bucket of steps.

    Every extreme is kept, so a spike of one step in a million is still seen; its step is exact to the bucket's width.

    Returns:
        Columns run_id, step, name, value, ordered by step.
    """
    mine = (Metric.run_id == run_id) & Metric.name.in_(names)
    last = session.scalar(select(func.max(Metric.step)).where(mine)) or 0
    width = max(1, (last + 1) // points)
    if width == 1:
        return load_metrics(session, [run_id], names)
    query = (
        select(
            Metric.name, func.min(Metric.step), func.max(Metric.step), func.min(Metric.value), func.max(Metric.value)
        )
        .where(mine)
        .group_by(Metric.name, Metric.step // width)
    )
    rows = []
    for name, first, end, low, high in session.execute(query):
        rows += (
            [(run_id, first, name, low), (run_id, end, name, high)] if first != end else [(run_id, first, name, low)]
        )
    frame = pd.DataFrame(rows, columns=["run_id", "step", "name", "value"])
    return frame.sort_values("step", kind="stable", ignore_index=True)


def metric_names(session: Session, run_id: str) -> list[str]:
    """The names of a run's metrics."""
    return sorted(session.scalars(select(Metric.name).where(Metric.run_id == run_id).distinct()))


def latest_metrics(session: Session, run_id: str) -> dict[str, float]:
    """The last value of each of a run's metrics."""
    last = (
        select(Metric.name, func.max(Metric.step).label("step"))
        .where(Metric.run_id == run_id)
        .group_by(Metric.name)
        .subquery()
    )
    query = select(Metric.name, Metric.value).join(
        last, (Metric.name == last.c.name) & (Metric.step == last.c.step) & (Metric.run_id == run_id)
    )
    return dict(session.execute(query).tuples().all())


def load_metrics(session: Session, run_ids: list[str], names: list[str] | None = None) -> pd.DataFrame:
    """Columns run_id, step, name, value, ordered by step."""
    query = select(Metric.run_id, Metric.step, Metric.name, Metric.value).where(Metric.run_id.in_(run_ids))
    if names is not None:
        query = query.where(Metric.name.in_(names))
    return read_frame(session, ["run_id", "step", "name", "value"], query.order_by(Metric.step))
