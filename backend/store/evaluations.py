"""Evaluations in the store."""

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.store.tables import Completion, Evaluation, Prompt, Score


def run_evaluations(session: Session, run_id: str) -> list[Evaluation]:
    """A run's evaluations in step order: base, steps, tuned."""
    query = select(Evaluation).where(Evaluation.run_id == run_id)
    return sorted(session.scalars(query), key=lambda e: ({"base": -1, "tuned": 1}.get(e.label, 0), e.step))


def evaluation_scores(session: Session, evaluation_id: str, component: str = "total") -> pd.DataFrame:
    """One row per prompt: prompt_id, task, value (mean over samples), in prompt order."""
    query = (
        select(Completion.prompt_id, Prompt.task, func.avg(Score.value))
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .join(Score, Score.completion_id == Completion.id)
        .where(Completion.evaluation_id == evaluation_id, Score.component == component)
        .group_by(Completion.prompt_id, Prompt.task)
        .order_by(Completion.prompt_id)
    )
    return pd.DataFrame(session.execute(query).all(), columns=["prompt_id", "task", "value"])


def evaluation_texts(session: Session, evaluation_id: str) -> pd.DataFrame:
    """One row per completion: prompt_id, sample, completion_id, text, user_text."""
    query = (
        select(Completion.prompt_id, Completion.sample, Completion.id, Completion.text, Prompt.user_text)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(Completion.evaluation_id == evaluation_id)
        .order_by(Completion.prompt_id, Completion.sample)
    )
    return pd.DataFrame(
        session.execute(query).all(), columns=["prompt_id", "sample", "completion_id", "text", "user_text"]
    )


def component_means(session: Session, evaluation_id: str) -> pd.DataFrame:
    """Columns task, component, value: each component's mean over the task's prompts."""
    query = (
        select(Prompt.task, Score.component, func.avg(Score.value))
        .join(Completion, Completion.id == Score.completion_id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(Completion.evaluation_id == evaluation_id)
        .group_by(Prompt.task, Score.component)
    )
    return pd.DataFrame(session.execute(query).all(), columns=["task", "component", "value"])
