"""Queries about which of two completions raters find better."""

from collections.abc import Sequence

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.store.engine import in_parts
from backend.store.frames import read_frame
from backend.store.tables import Completion, PairRating, Prompt, Rater, Score

COLUMNS = ["prompt_id", "task", "first", "second", "rater", "better", "swapped"]


def pair_ratings(session: Session, completion_ids: Sequence[int] | None = None) -> pd.DataFrame:
    """One row per choice that counts: prompt_id, task, first, second (completion ids), rater, better (1, 2, 0), swapped.

    Of the given completions, or of all; the choices of raters who are left out do not count.
    """
    query = (
        select(Completion.prompt_id, Prompt.task, PairRating.first_id, PairRating.second_id, Rater.name, PairRating.better,
               PairRating.swapped)
        .join(Completion, Completion.id == PairRating.first_id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .join(Rater, Rater.id == PairRating.rater_id)
        .where(Rater.left_out == "")
        .order_by(PairRating.id)
    )  # fmt: skip
    if completion_ids is None:
        return read_frame(session, COLUMNS, query)
    return read_frame(
        session, COLUMNS, *(query.where(PairRating.first_id.in_(part)) for part in in_parts(completion_ids))
    )


def pairs_by(session: Session, rater_id: int) -> int:
    """How many pairs a rater has chosen from."""
    return session.scalar(select(func.count()).where(PairRating.rater_id == rater_id)) or 0


def stored_values(session: Session, completion_ids: Sequence[int], profile: str) -> dict[str, dict[int, float]]:
    """reward (``total`` first) -> completion id -> its stored value under a profile."""
    found: dict[str, dict[int, float]] = {"total": {}}
    for part in in_parts(completion_ids):
        query = select(Score.component, Score.completion_id, Score.value)
        query = query.where(Score.profile == profile, Score.completion_id.in_(part)).order_by(Score.component)
        for component, completion_id, value in session.execute(query).tuples():
            found.setdefault(component, {})[completion_id] = value
    return found
