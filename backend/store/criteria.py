"""Queries about the scores of named criteria; ``backend.rating.criteria`` is the part that saves them."""

from collections.abc import Collection

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.store.frames import read_frame
from backend.store.tables import Completion, CriterionScore, Prompt, Rater

COLUMNS = ["completion_id", "prompt_id", "task", "criterion", "human", "raters"]


def criterion_scores(session: Session, only: Collection[int] | None = None) -> pd.DataFrame:
    """One row per completion and criterion: completion_id, prompt_id, task, criterion, human (mean over raters, 0 to 2), raters.

    The scores of raters who are left out do not count. With ``only``, of these completions.
    """
    query = (
        select(
            CriterionScore.completion_id,
            Completion.prompt_id,
            Prompt.task,
            CriterionScore.criterion,
            func.avg(CriterionScore.value),
            func.count(),
        )
        .join(Completion, Completion.id == CriterionScore.completion_id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .join(Rater, Rater.id == CriterionScore.rater_id)
        .where(Rater.left_out == "")
        .group_by(CriterionScore.completion_id, Completion.prompt_id, Prompt.task, CriterionScore.criterion)
        .order_by(CriterionScore.completion_id, CriterionScore.criterion)
    )
    found = read_frame(session, COLUMNS, query).astype({"human": float})
    return found if only is None else found[found["completion_id"].isin(only)]
