"""Ratings given elsewhere, taken in large parts; the same ones again change nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.errors import UserError
from backend.rating.queue import lock_items, recount
from backend.store.engine import in_parts, in_turn
from backend.store.events import record
from backend.store.ratings import get_rater
from backend.store.tables import Rating, RatingEvent, utc_now

LOWEST, HIGHEST = 1.0, 5.0
"""The scale on which every score is kept."""


@dataclass(frozen=True)
class ImportedScore:
    """One rater's score of one stored completion, on the scale of its file."""

    completion_id: int
    rater: str
    score: float
    comment: str = ""


def on_our_scale(score: float, scale: tuple[float, float]) -> float:
    """A score of another scale on the scale of 1 to 5, which keeps its order.

    Raises:
        ValueError: it lies outside of its own scale.
    """
    low, high = scale
    if not low <= score <= high:
        raise ValueError(
            f"the score {score:g} is not from {low:g} to {high:g}; SCALE says what raters' numbers range over"
        )
    if scale == (LOWEST, HIGHEST):
        return score
    return LOWEST + (HIGHEST - LOWEST) * (score - low) / (high - low)


def check_scale(scores: Iterable[float], scale: tuple[float, float]) -> None:
    """Check that scores lie on their scale, before any of them is stored.

    Raises:
        UserError: one does not.
    """
    try:
        for score in scores:
            on_our_scale(score, scale)
    except ValueError as error:
        raise UserError(str(error)) from error


@needs("engineer")
def import_scores(session: Session, scores: Sequence[ImportedScore], scale: tuple[float, float] = (1, 5)) -> int:
    """Take scores into the store; returns how many are new or changed. A rater's score of a completion is replaced.

    Raises:
        UserError: a score lies outside of the scale.
    """
    in_turn(session, "raters")
    in_turn(session, "ratings")
    check_scale((s.score for s in scores), scale)
    raters = {name: get_rater(session, name).id for name in dict.fromkeys(s.rater for s in scores)}
    wanted = {(s.completion_id, raters[s.rater]): (on_our_scale(s.score, scale), s.comment) for s in scores}
    items = lock_items(session, (completion_id for completion_id, _ in wanted))
    by_completion: dict[int, list[tuple[int, int]]] = {}
    for key in wanted:
        by_completion.setdefault(key[0], []).append(key)
    changed: list[tuple[int, int]] = []
    for part in in_parts(list(by_completion)):
        there = {
            (r.completion_id, r.rater_id): r
            for r in session.scalars(select(Rating).where(Rating.completion_id.in_(part)))
        }
        fresh = []
        for key in (key for completion_id in part for key in by_completion[completion_id]):
            score, comment = wanted[key]
            old = there.get(key)
            if old is None:
                fresh.append({"completion_id": key[0], "rater_id": key[1], "score": score, "comment": comment})
            elif old.score != score or old.comment != comment:
                old.score, old.skip_reason, old.comment, old.created_at = score, None, comment, utc_now()
            else:
                continue
            changed.append(key)
        if fresh:
            session.execute(insert(Rating), [{**row, "flags": [], "created_at": utc_now()} for row in fresh])
    if changed:
        events = [
            {"completion_id": c, "rater_id": r, "action": "import", "score": wanted[c, r][0], "created_at": utc_now()}
            for c, r in changed
        ]
        session.execute(insert(RatingEvent), events)
        record(session, "imported", "ratings", count=len(changed))
    for completion_id in sorted({c for c, _ in changed} & set(items)):
        recount(session, items[completion_id])
    return len(changed)
