"""Answers given in production, and the alarms they raised."""

from datetime import datetime, timedelta

import pandas as pd
from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from backend.store.tables import Alarm, Answer, utc_now

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
    frame = pd.DataFrame(session.execute(query).all(), columns=_DAILY)
    frame["day"] = pd.to_datetime(frame["day"])
    return frame.astype(dict.fromkeys(_DAILY[3:], float))


def lowest_answers(session: Session, task: str | None = None, days: int = 30, most: int = 20) -> list[Answer]:
    """The answers with the lowest rewards, lowest first, whose texts are kept and that raters have not been given."""
    query = select(Answer).where(
        Answer.at >= utc_now() - timedelta(days=days), Answer.text.is_not(None), Answer.completion_id.is_(None)
    )
    if task:
        query = query.where(Answer.task == task)
    return list(session.scalars(query.order_by(Answer.reward, Answer.id.desc()).limit(most)))


def alarms(session: Session, most: int = 50) -> list[Alarm]:
    """Alarms: the open ones first, then the newest closed ones."""
    order = (Alarm.closed_at.is_not(None), Alarm.opened_at.desc(), Alarm.id.desc())
    return list(session.scalars(select(Alarm).order_by(*order).limit(most)))
