"""The gates as they stand now: every task's reward against the ratings in the store."""

from sqlalchemy.orm import Session

from backend.audit.gate import Gate
from backend.audit.table import audit_table
from backend.store.completions import ensure_scores, rated_scores


def current_gates(session: Session, profile: str) -> dict[str, Gate]:
    """The gate of each task that has ratings, for the profile's rules as they are now (stale scores are redone)."""
    ensure_scores(session, profile)
    totals = audit_table(rated_scores(session, profile)).query("reward == 'total'")
    return {row.task: Gate(row.verdict, row.reason) for row in totals.itertuples()}
