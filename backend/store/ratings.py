"""Raters and their ratings."""

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.errors import UserError
from backend.store.tables import Completion, Prompt, Rater, Rating, Score, utc_now


def get_rater(session: Session, name: str) -> Rater:
    """The rater of that name, added when new.

    Raises:
        UserError: the name is empty or too long.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 120:
        raise UserError("give a rater name of 1 to 120 characters")
    rater = session.scalar(select(Rater).where(Rater.name == name))
    if rater is None:
        rater = Rater(name=name)
        session.add(rater)
        session.flush()
    return rater


def save_rating(
    session: Session,
    completion_id: int,
    rater_id: int,
    score: int | None = None,
    skip_reason: str | None = None,
    comment: str = "",
    seconds: float | None = None,
) -> None:
    """Store a rating, or change the one this rater gave before.

    Raises:
        UserError: the score is not 1 to 5, neither or both of score and skip reason are given, or the completion is gone.
    """
    if score is not None and (isinstance(score, bool) or score not in (1, 2, 3, 4, 5)):
        raise UserError(f"a rating is a whole number from 1 to 5, not {score!r}")
    if (score is None) == (skip_reason is None):
        raise UserError("give a score or a reason to skip, one of the two")
    rating = session.scalar(
        select(Rating).where(Rating.completion_id == completion_id, Rating.rater_id == rater_id)
    ) or Rating(completion_id=completion_id, rater_id=rater_id)
    rating.score, rating.skip_reason, rating.comment, rating.seconds = score, skip_reason, comment, seconds
    rating.created_at = utc_now()
    session.add(rating)
    try:
        session.flush()
    except IntegrityError as error:
        raise UserError(f"completion {completion_id} cannot be rated: it or the rater is not in the store") from error


def undo_last(session: Session, rater_id: int) -> int | None:
    """Take the rater's latest rating back; returns its completion, or None when there is none."""
    rating = session.scalar(
        select(Rating).where(Rating.rater_id == rater_id).order_by(Rating.created_at.desc(), Rating.id.desc()).limit(1)
    )
    if rating is None:
        return None
    completion_id = rating.completion_id
    session.delete(rating)
    return completion_id


def next_to_rate(session: Session, rater_id: int, raters_per_completion: int, skip: tuple[int, ...] = ()) -> int | None:
    """The completion this rater should see next, or None when the queue is done for them.

    Half-rated completions come first, so that agreement can be measured early; then the task and the reward quarter
    with the fewest ratings, so that ρ sees the whole range. Ties are broken by a fixed shuffle of the ids.
    """
    taken = select(Rating.completion_id).where(Rating.rater_id == rater_id)
    counts = select(Rating.completion_id, func.count().label("n")).group_by(Rating.completion_id).subquery()
    total = (
        select(Score.completion_id, func.max(Score.value).label("total"))
        .where(Score.component == "total")
        .group_by(Score.completion_id)
        .subquery()
    )
    rated = func.coalesce(counts.c.n, 0)
    query = (
        select(Completion.id, Prompt.task, rated.label("rated"), total.c.total)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .outerjoin(counts, counts.c.completion_id == Completion.id)
        .outerjoin(total, total.c.completion_id == Completion.id)
        .where(Completion.in_queue, Completion.id.not_in(taken), Completion.id.not_in(skip))
    )
    frame = pd.DataFrame(session.execute(query).all(), columns=["id", "task", "rated", "total"])
    open_items = frame[frame["rated"] < raters_per_completion].copy()
    if open_items.empty:
        return None
    frame["quarter"] = frame.groupby("task")["total"].rank(pct=True).mul(4).fillna(0).astype(int)
    weight = frame.groupby(["task", "quarter"])["rated"].sum().rename("stratum")
    open_items = open_items.join(frame["quarter"]).join(weight, on=["task", "quarter"])
    open_items["shuffle"] = open_items["id"].mul(2654435761) % 4294967291
    half_rated = open_items["rated"] > 0
    order = open_items.assign(first=~half_rated).sort_values(["first", "stratum", "shuffle"])
    return int(order.iloc[0]["id"])


def rating_counts(session: Session) -> pd.DataFrame:
    """Columns rater, task, ratings, mean, seconds (median)."""
    query = (
        select(Rater.name.label("rater"), Prompt.task, Rating.score, Rating.seconds)
        .join(Rating, Rating.rater_id == Rater.id)
        .join(Completion, Completion.id == Rating.completion_id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(Rating.score.is_not(None))
    )
    frame = pd.DataFrame(session.execute(query).all(), columns=["rater", "task", "score", "seconds"])
    return frame.groupby(["rater", "task"], as_index=False).agg(
        ratings=("score", "size"), mean=("score", "mean"), seconds=("seconds", "median")
    )


def progress(session: Session, rater_id: int, raters_per_completion: int) -> tuple[int, int]:
    """(rated by this rater, still open for this rater)."""
    done = session.scalar(select(func.count()).where(Rating.rater_id == rater_id)) or 0
    mine = select(Rating.completion_id).where(Rating.rater_id == rater_id)
    full = select(Rating.completion_id).group_by(Rating.completion_id).having(func.count() >= raters_per_completion)
    open_for_me = session.scalar(
        select(func.count()).where(Completion.in_queue, Completion.id.not_in(mine), Completion.id.not_in(full))
    )
    return done, open_for_me or 0
