"""Completions and their scores in the store."""

from collections.abc import Iterable
from typing import Any

import pandas as pd
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from backend.models.generate import Completion as Generated
from backend.models.generate import Sampling
from backend.store.tables import Completion, Prompt, Rating, Score
from rewards import fingerprint, score


def save_completions(
    session: Session,
    prompt_ids: list[str],
    groups: list[list[Generated]],
    policy: str,
    sampling: Sampling,
    in_queue: bool = True,
) -> list[int]:
    """Store sampled completions, one group per prompt; returns their ids."""
    rows = [
        Completion(
            prompt_id=prompt_id,
            text=c.text,
            tokens=c.tokens,
            truncated=c.truncated,
            policy=policy,
            generation=sampling.model_dump(),
            sample=i,
            in_queue=in_queue,
        )
        for prompt_id, group in zip(prompt_ids, groups, strict=True)
        for i, c in enumerate(group)
    ]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def score_rows(
    completion_id: int, task: str, text: str, user_text: str, profile: str, mark: str
) -> list[dict[str, Any]]:
    """The ``scores`` rows of one completion: its components and their total."""
    result = score(task, text, user_text, profile)
    values = {**result.components, "total": result.total}
    return [
        {"completion_id": completion_id, "profile": profile, "component": name, "value": value, "fingerprint": mark}
        for name, value in values.items()
    ]


def ensure_scores(session: Session, profile: str, only_rated: bool = True) -> int:
    """Score every (rated) completion under ``profile`` whose stored score is missing or of another fingerprint.

    Returns:
        How many completions were scored.
    """
    current = fingerprint(profile)
    scored = select(Score.completion_id).where(
        Score.profile == profile, Score.component == "total", Score.fingerprint == current
    )
    query = (
        select(Completion.id, Prompt.task, Completion.text, Prompt.user_text)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(Completion.id.not_in(scored))
    )
    if only_rated:
        query = query.where(Completion.id.in_(select(Rating.completion_id).where(Rating.score.is_not(None))))
    rows = session.execute(query).all()
    if rows:
        ids = [row[0] for row in rows]
        for start in range(0, len(ids), 500):
            stale = Score.completion_id.in_(ids[start : start + 500])
            session.execute(delete(Score).where(Score.profile == profile, stale))
        add_scores(session, (r for row in rows for r in score_rows(*row, profile, current)))
    return len(rows)


def add_scores(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Insert score rows in bulk."""
    batch = list(rows)
    if batch:
        session.execute(insert(Score), batch)


def rated_scores(session: Session, profile: str) -> pd.DataFrame:
    """Rated completions with their reward: one row per (completion, component).

    Columns: completion_id, prompt_id, task, component, value, human (mean over raters), raters (how many).
    """
    query = (
        select(
            Score.completion_id,
            Completion.prompt_id,
            Prompt.task,
            Score.component,
            Score.value,
            Rating.score.label("human"),
            Rating.rater_id,
        )
        .join(Completion, Completion.id == Score.completion_id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .join(Rating, Rating.completion_id == Completion.id)
        .where(Score.profile == profile, Rating.score.is_not(None))
    )
    frame = pd.DataFrame(session.execute(query).mappings().all())
    if frame.empty:
        return pd.DataFrame(columns=["completion_id", "prompt_id", "task", "component", "value", "human", "raters"])
    keys = ["completion_id", "prompt_id", "task", "component", "value"]
    return frame.groupby(keys, as_index=False).agg(human=("human", "mean"), raters=("rater_id", "nunique"))


def one_completion(session: Session, completion_id: int) -> dict[str, Any] | None:
    """A completion with its prompt: id, task, user_text, messages, text, tokens, policy, facts; None if gone."""
    query = (
        select(
            Completion.id,
            Prompt.task,
            Prompt.user_text,
            Prompt.messages,
            Prompt.facts,
            Completion.text,
            Completion.tokens,
            Completion.policy,
            Completion.truncated,
        )
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(Completion.id == completion_id)
    )
    row = session.execute(query).mappings().first()
    return dict(row) if row else None
