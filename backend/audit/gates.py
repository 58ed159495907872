"""The gates of the store: decided on the ratings and rules of one moment, kept, and stale once either has changed."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.audit.correlation import Correlation, within_prompt
from backend.audit.gate import Gate, decide
from backend.audit.table import audit_table
from backend.store.completions import ensure_scores, rated_scores
from backend.store.events import record
from backend.store.ratings import scored_ratings
from backend.store.tables import GateDecision, Prompt, Rating
from backend.suites import GateSettings, fingerprint, suite_of, task_names


@needs("engineer")
def decide_gates(
    session: Session, profile: str, decided_by: str, settings: GateSettings | None = None
) -> list[GateDecision]:
    """Judge every rated task's reward now, and keep the decisions; returns them.

    Args:
        session: a writing session.
        profile: the reward rules.
        decided_by: who asked for it.
        settings: thresholds, in place of each suite's own; they are kept with the decisions.
    """
    ensure_scores(session, profile)
    rated = rated_scores(session, profile).query("component == 'total'")
    marks = ratings_marks(session)
    decisions = []
    for row in audit_table(rated[rated["task"].isin(task_names())]).itertuples():
        of_task = rated[rated["task"] == row.task]
        within = within_prompt(of_task["human"].to_numpy(), of_task["value"].to_numpy(), of_task["prompt_id"].tolist())
        rho, low, high, p = (None if pd.isna(x) else float(x) for x in (row.rho, row.low, row.high, row.p))
        c = Correlation(row.n, rho, low, high, p, row.constant)
        thresholds = settings or suite_of(str(row.task)).gate
        gate = decide(c, thresholds, within)
        decisions.append(
            GateDecision(
                task=row.task,
                profile=profile,
                fingerprint=fingerprint(str(row.task), profile),
                ratings=marks[row.task],
                verdict=gate.verdict,
                reason=gate.reason,
                numbers={"total": asdict(c), "within": asdict(within)},
                settings=thresholds.model_dump(),
                decided_by=decided_by,
            )
        )
        record(session, "decided", row.task, profile=profile, verdict=gate.verdict)
    session.add_all(decisions)
    session.flush()
    return decisions


def standing_gates(session: Session, profile: str, marks: Mapping[str, str] | None = None) -> dict[str, Gate]:
    """The latest decision on each task's reward; ``stale`` where the rules or the ratings have changed since.

    Args:
        session: a reading session.
        profile: the reward rules.
        marks: ``ratings_marks`` of this moment, from a caller that keeps them; read from the store when left out.
    """
    latest = select(func.max(GateDecision.id)).where(GateDecision.profile == profile).group_by(GateDecision.task)
    decisions = session.scalars(select(GateDecision).where(GateDecision.id.in_(latest))).all()
    if marks is None:
        marks = ratings_marks(session) if decisions else {}
    known = set(task_names())
    return {d.task: _standing(d, fingerprint(d.task, profile), marks.get(d.task)) for d in decisions if d.task in known}


def _standing(decision: GateDecision, rules: str, ratings: str | None) -> Gate:
    was = f"it was: {decision.verdict} ({decision.reason})"
    if decision.fingerprint != rules:
        return Gate("stale", f"the reward has changed since the decision; {was}")
    if decision.ratings != ratings:
        return Gate("stale", f"ratings have been given or changed since the decision; {was}")
    return Gate(decision.verdict, decision.reason)  # type: ignore[arg-type]


def ratings_marks(session: Session) -> dict[str, str]:
    """task -> twelve hex digits that name the set of its scores: who gave which completion how much."""
    query = scored_ratings(Prompt.task, Rating.completion_id, Rating.rater_id, Rating.score).order_by(
        Rating.completion_id, Rating.rater_id
    )
    marks: dict[str, hashlib._Hash] = {}
    for task, completion_id, rater_id, score in session.execute(query):
        marks.setdefault(task, hashlib.sha256()).update(f"{completion_id} {rater_id} {score}\n".encode())
    return {task: mark.hexdigest()[:12] for task, mark in marks.items()}
