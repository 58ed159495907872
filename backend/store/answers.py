"""Answers given in production, and the alarms they raised."""

from datetime import datetime, timedelta

import pandas as pd
from sqlalchemy import delete, func, select, true
from sqlalchemy.orm import Session

from backend.store.engine import in_turn
from backend.store.frames import read_frame
from backend.store.ratings import scored_ratings
from backend.store.tables import Alarm, Answer, Completion, Rating, utc_now

EXAMPLE = "nano (example)"
"""The engine of the example's answers, which are composed (``backend.release.month``)."""

_DAILY = ["task", "day", "answers", "reward", "unparsable", "characters", "retries", "milliseconds", "reward_square",
          "characters_square"]  # fmt: skip


def daily_answers(session: Session, days: int = 30, end: datetime | None = None) -> pd.DataFrame:
    """One row per task and UTC day with answers, oldest first.

    Args:
        session: a session.
        days: how many days before ``end``.
        end: before which answers count; when left out, days are counted from the present.

    Returns:
        Columns task, day (a date), answers (how many), the means reward, unparsable (a share), characters, retries and
        milliseconds, and the mean squares reward_square and characters_square.
    """
    day = func.date(Answer.at).label("day")  # connections are in UTC
    share = func.sum(func.cast(Answer.unparsable, type_=Answer.characters.type)) * 1.0 / func.count()
    characters = func.cast(Answer.characters, type_=Answer.reward.type)
    query = (
        select(
            Answer.task, day, func.count(), func.avg(Answer.reward), share, func.avg(Answer.characters),
            func.avg(Answer.retries), func.avg(Answer.milliseconds), func.avg(Answer.reward * Answer.reward),
            func.avg(characters * characters),
        )
        .where(Answer.at >= (end or utc_now()) - timedelta(days=days), true() if end is None else Answer.at < end)
        .group_by(Answer.task, day)
        .order_by(day, Answer.task)
    )  # fmt: skip
    frame = read_frame(session, _DAILY, query)
    frame["day"] = pd.to_datetime(frame["day"])
    return frame.astype(dict.fromkeys(_DAILY[3:], float))


def lowest_answers(
    session: Session, task: str | None = None, days: int = 30, most: int = 20, end: datetime | None = None
) -> list[Answer]:
    """The answers with the lowest rewards, lowest first, whose texts are kept and that raters have not been given.

    Args:
        session: a session.
        task: all tasks when left out.
        days: how many days before ``end``.
        end: the present when left out.
        most: how many answers.
    """
    query = select(Answer).where(
        Answer.at >= (end or utc_now()) - timedelta(days=days),
        Answer.text.is_not(None),
        Answer.completion_id.is_(None),
    )
    if task:
        query = query.where(Answer.task == task)
    return list(session.scalars(query.order_by(Answer.reward, Answer.id.desc()).limit(most)))


def alarms(session: Session, most: int = 50) -> list[Alarm]:
    """Alarms: the open ones first, then the newest closed ones."""
    order = (Alarm.closed_at.is_not(None), Alarm.opened_at.desc(), Alarm.id.desc())
    return list(session.scalars(select(Alarm).order_by(*order).limit(most)))


def given_to_raters(session: Session) -> tuple[int, int, float | None]:
    """(how many answers raters have been given, how many of these are rated, and their mean score or None)."""
    sent = select(Answer.completion_id).where(Answer.completion_id.is_not(None)).distinct()
    rated = scored_ratings(func.count(Completion.id.distinct()), func.avg(Rating.score)).where(Completion.id.in_(sent))
    count, mean = session.execute(rated).one()
    return session.scalar(select(func.count()).select_from(sent.subquery())) or 0, count, mean


def example_end(session: Session) -> datetime | None:
    """The end of the example's last day; None when no answer is the example's."""
    last = session.scalar(select(func.max(Answer.at)).where(Answer.engine == EXAMPLE))
    return None if last is None else last.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def forget_example(session: Session) -> None:
    """Delete the example's answers and their alarms, before the first real answer is given.

    Args:
        session: a writing session.
    """
    in_turn(session, "production")
    if example_end(session) is not None:
        session.execute(delete(Answer).where(Answer.engine == EXAMPLE))
        session.execute(delete(Alarm))
