"""Queries about raters and their ratings; ``backend.rating`` is the part that saves a rating."""

from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from backend.access import OPERATOR, NotAllowed, needs, who
from backend.errors import UserError
from backend.store.engine import in_turn
from backend.store.events import record
from backend.store.frames import read_frame
from backend.store.names import clean_name, compared_name, same_name
from backend.store.tables import Completion, Prompt, Rater, Rating, RatingEvent


@needs("annotator")
def get_rater(session: Session, name: str) -> Rater:
    """The rater of that name, added when new; names are compared as ``same_name`` does. Annotators get their own alone.

    Raises:
        UserError: the name is empty or too long.
        NotAllowed: it is another person's.
    """
    name = clean_name(name)
    if not 1 <= len(name) <= 120:
        raise UserError("give a rater name of 1 to 120 characters")
    person = who()
    if not person.may("engineer") and not same_name(name, person.name):
        raise NotAllowed(f"{person.name} may rate in their own name only, not as {name}")
    if (rater := session.scalar(select(Rater).where(Rater.name == name))) is not None:
        return rater
    in_turn(session, "raters")
    wanted = compared_name(name)
    for rater in session.scalars(select(Rater).order_by(Rater.id)):
        if compared_name(rater.name) == wanted:
            return rater
    rater = Rater(name=name)
    session.add(rater)
    session.flush()
    return rater


def check_own_rater(session: Session, rater_id: int) -> None:
    """Check that the acting person is this rater; an engineer may act for another, and the log says so.

    Raises:
        NotAllowed: the rater is another person.
    """
    person = who()
    if person == OPERATOR:  # nobody signs in here, or a program acts
        return
    rater = session.get(Rater, rater_id)
    if rater is not None and same_name(rater.name, person.name):
        return
    if not person.may("engineer"):
        raise NotAllowed(f"{person.name} may write their own ratings only")
    if rater is not None:
        record(session, "rated for", f"rater {rater.name}")


def rating_of(session: Session, completion_id: int, rater_id: int) -> Rating | None:
    """A rater's rating of a completion; None where there is none."""
    return session.scalar(select(Rating).where(Rating.completion_id == completion_id, Rating.rater_id == rater_id))


def counted_ratings(*columns: Any) -> Select[Any]:
    """A query of ``columns`` over every score that counts, joined with its rater.

    Skips are no scores, and those of raters who are left out do not count.
    """
    rated = select(*columns).select_from(Rating).join(Rater, Rater.id == Rating.rater_id)
    return rated.where(Rating.score.is_not(None), Rater.left_out == "")


def scored_ratings(*columns: Any) -> Select[Any]:
    """``counted_ratings``, joined with each score's completion and prompt too."""
    with_completion = counted_ratings(*columns).join(Completion, Completion.id == Rating.completion_id)
    return with_completion.join(Prompt, Prompt.id == Completion.prompt_id)


def left_out(session: Session) -> dict[str, str]:
    """rater -> the reason why the rater's scores do not count."""
    query = select(Rater.name, Rater.left_out).where(Rater.left_out != "").order_by(Rater.name)
    return dict(session.execute(query).tuples().all())


def self_agreement(session: Session, rater_id: int | None = None) -> pd.DataFrame:
    """How far raters, or one of them, agree with themselves on hidden repeats.

    Returns:
        Columns rater, repeats (how many), same (share with the same score), apart (mean distance).
    """
    first = (Rating.rater_id == RatingEvent.rater_id) & (Rating.completion_id == RatingEvent.completion_id)
    events = (
        select(Rater.name, RatingEvent.completion_id, RatingEvent.action, RatingEvent.score, Rating.score)
        .join(Rater, Rater.id == RatingEvent.rater_id)
        .outerjoin(Rating, first)
    )
    kinds = RatingEvent.action.in_(("repeat", "unrepeat"))
    if rater_id is not None:
        events = events.where(RatingEvent.rater_id == rater_id)
    apart: dict[tuple[str, int], float] = {}
    for name, completion_id, action, score, before in session.execute(events.where(kinds).order_by(RatingEvent.id)):
        apart.pop((name, completion_id), None)
        if action == "repeat" and score is not None and before is not None:
            apart[name, completion_id] = abs(before - score)
    rows = [(name, distance) for (name, _), distance in apart.items()]
    frame = pd.DataFrame(rows, columns=["rater", "apart"]).assign(same=lambda f: f["apart"] == 0)
    return frame.groupby("rater", as_index=False).agg(
        repeats=("apart", "size"), same=("same", "mean"), apart=("apart", "mean")
    )


def rating_counts(session: Session) -> pd.DataFrame:
    """Columns rater, task, ratings, mean, spread (standard deviation), seconds (median)."""
    query = scored_ratings(Rater.name, Prompt.task, Rating.score, Rating.seconds)
    frame = read_frame(session, ["rater", "task", "score", "seconds"], query)
    return frame.groupby(["rater", "task"], as_index=False).agg(
        ratings=("score", "size"), mean=("score", "mean"), spread=("score", "std"), seconds=("seconds", "median")
    )


def given_scores(session: Session, *wanted: ColumnElement[bool]) -> pd.DataFrame:
    """Every score that counts and meets these conditions, in the order they were given: columns completion_id, task, rater,
    score, comment, seconds."""
    columns = (Rating.completion_id, Prompt.task, Rater.name, Rating.score, Rating.comment, Rating.seconds)
    query = scored_ratings(*columns).where(*wanted).order_by(Rating.id)
    return read_frame(session, ["completion_id", "task", "rater", "score", "comment", "seconds"], query)


def own_ratings(session: Session, most: int) -> int:
    """How many ratings others than the example's raters have given, counted up to ``most``."""
    own = select(Rating.id).join(Rater).where(~Rater.is_example).limit(most)
    return session.scalar(select(func.count()).select_from(own.subquery())) or 0


def has_example_ratings(session: Session) -> bool:
    """Whether scores of the example's raters count."""
    return session.scalar(counted_ratings(Rating.id).where(Rater.is_example).limit(1)) is not None


def ratings_version(session: Session) -> str:
    """A text that changes whenever a rating is given, changed or taken back."""
    events = session.scalar(select(func.max(RatingEvent.id)))
    ratings, without = session.scalar(select(func.count(Rating.id))), sorted(left_out(session))
    return f"{session.get_bind().engine.url.render_as_string()} {events} {ratings} {without}"
