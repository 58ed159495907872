"""Runs and their metrics."""

from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from backend.store.tables import Metric, Run


def all_runs(session: Session) -> list[Run]:
    """Every run, newest first; examples last."""
    return list(session.scalars(select(Run).order_by(Run.is_example, Run.created_at.desc())))


def save_metrics(session: Session, run_id: str, rows: list[dict[str, Any]]) -> None:
    """Write metric rows (step, name, value); one that is there already is replaced."""
    if not rows:
        return
    insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(Metric)
    latest = {(r["step"], r["name"]): {**r, "run_id": run_id} for r in rows}
    upsert = insert.on_conflict_do_update(
        index_elements=["run_id", "name", "step"], set_={"value": insert.excluded.value}
    )
    session.execute(upsert, list(latest.values()))


def load_metrics(session: Session, run_ids: list[str], names: list[str] | None = None) -> pd.DataFrame:
    """Columns run_id, step, name, value, ordered by step."""
    query = select(Metric.run_id, Metric.step, Metric.name, Metric.value).where(Metric.run_id.in_(run_ids))
    if names is not None:
        query = query.where(Metric.name.in_(names))
    return pd.DataFrame(session.execute(query.order_by(Metric.step)).all(), columns=["run_id", "step", "name", "value"])
