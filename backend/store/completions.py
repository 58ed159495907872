"""Completions and their scores in the store."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Select, case, delete, func, insert, literal, select, true
from sqlalchemy.orm import Session

from backend.records import Completion as Generated
from backend.records import Sampling
from backend.store.engine import in_parts, in_turn
from backend.store.ratings import scored_ratings
from backend.store.tables import Completion, Prompt, QueueItem, Rater, Rating, Score, Stratum, scattered
from backend.suites import fingerprint, score_completion, task_names


def save_completions(
    session: Session, prompt_ids: list[str], groups: list[list[Generated]], policy: str, sampling: Sampling
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
        )
        for prompt_id, group in zip(prompt_ids, groups, strict=True)
        for i, c in enumerate(group)
    ]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def unscored_count(session: Session, profile: str) -> int:
    """How many completions ``ensure_scores`` would score."""
    unscored = _without_score(_rated(), profile).subquery()
    return session.scalar(select(func.count()).select_from(unscored)) or 0


def ensure_scores(
    session: Session, profile: str, completion_ids: Sequence[int] | None = None, most: int | None = None
) -> int:
    """Score completions that have no score under ``profile``, or one of other rules than today's.

    Args:
        session: a writing session.
        profile: the reward rules.
        completion_ids: which; every rated one when left out. What nobody has rated needs no score until somebody does; an
            evaluation brings its own.
        most: score at most this many, for a caller that shows progress.

    Returns:
        How many were scored.
    """
    in_turn(session, "scores")
    wanted = [_rated()] if completion_ids is None else map(_these, in_parts(completion_ids))
    ids = [i for query in wanted for i in session.scalars(_without_score(query, profile).limit(most))]
    for part in in_parts(ids):
        session.execute(delete(Score).where(Score.profile == profile, Score.completion_id.in_(part)))
        query = (
            select(Completion.id, Prompt.task, Completion.text, Prompt.user_text, Prompt.facts)
            .join(Prompt, Prompt.id == Completion.prompt_id)
            .where(Completion.id.in_(part))
        )
        add_scores(session, [row for one in session.execute(query).all() for row in _score_rows(one, profile)])
    return len(ids)


def _score_rows(completion: Sequence[Any], profile: str) -> list[dict[str, Any]]:
    """The ``scores`` rows of one completion: its components and their total."""
    completion_id, task, text, user_text, facts = completion
    result, rules = score_completion(task, text, user_text, facts, profile), fingerprint(task, profile)
    values = {**result.components, "total": result.total}
    return [
        {"completion_id": completion_id, "profile": profile, "component": name, "value": value, "fingerprint": rules}
        for name, value in values.items()
    ]


def _rated() -> Select[int, str]:
    return select(Completion.id, Prompt.task).where(
        select(Rating.id).where(Rating.completion_id == Completion.id, Rating.score.is_not(None)).exists()
    )


def _these(ids: Sequence[int]) -> Select[int, str]:
    return select(Completion.id, Prompt.task).where(Completion.id.in_(ids))


def _without_score(query: Select[int, str], profile: str) -> Select[Any]:
    """Ids of those completions of a query whose stored score is missing or of another fingerprint."""
    names = task_names()
    rules = case({task: fingerprint(task, profile) for task in names}, value=Prompt.task) if names else literal("")
    scored = select(Score.completion_id).where(
        Score.completion_id == Completion.id,
        Score.profile == profile,
        Score.component == "total",
        Score.fingerprint == rules,
    )
    joined = query.join(Prompt, Prompt.id == Completion.prompt_id)
    return joined.with_only_columns(Completion.id).where(Prompt.task.in_(names), ~scored.exists())


def totals(session: Session, completion_ids: Sequence[int], profile: str) -> dict[int, float]:
    """completion id -> its stored total under a profile; those without one are missing."""
    found: dict[int, float] = {}
    for part in in_parts(completion_ids):
        wanted = (Score.profile == profile, Score.component == "total", Score.completion_id.in_(part))
        found |= dict(session.execute(select(Score.completion_id, Score.value).where(*wanted)).tuples().all())
    return found


def add_scores(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Insert score rows in bulk."""
    batch = list(rows)
    if batch:
        session.execute(insert(Score), batch)


MOST_RATED = 2_000
"""Rated completions of a task that an audit reads; beyond that a stable sample says the same."""


def rated_scores(session: Session, profile: str, evaluation_id: str | None = None) -> pd.DataFrame:
    """Rated completions with their reward: one row per (completion, component).

    Columns: completion_id, prompt_id, task, component, value, human, raters (how many), length (characters), weight
    (how many completions of the queue it stands for: see ``backend.rating.queue``; NaN for one that is not in it).
    ``human`` is the mean over raters; the median where three or more lie two or more apart. Of a task with more than
    ``MOST_RATED`` rated completions, a stable sample. With ``evaluation_id``, that evaluation's completions alone.
    """
    people = human_scores(session, MOST_RATED, evaluation_id)
    columns = ["completion_id", "prompt_id", "task", "component", "value", "human", "raters", "length", "weight"]
    if people.empty:
        return pd.DataFrame(columns=columns)
    ids = people["completion_id"].tolist()
    rows: list[Any] = []
    for part in in_parts(ids):
        wanted = Score.completion_id.in_(part)
        query = select(Score.completion_id, Score.component, Score.value).where(Score.profile == profile, wanted)
        rows += session.execute(query).all()
    scores = pd.DataFrame(rows, columns=["completion_id", "component", "value"])
    people["weight"] = people["stratum"].map(
        {s.name: s.items / s.rated for s in session.scalars(select(Stratum)) if s.rated}
    )
    return scores.merge(people, on="completion_id").sort_values(["completion_id", "component"])[columns]


def human_scores(session: Session, most: int | None = None, evaluation_id: str | None = None) -> pd.DataFrame:
    """One row per rated completion: completion_id, prompt_id, task, stratum, human, raters, length.

    Of a task with more than ``most``, a stable sample; it is drawn in the database, which has the rows. With
    ``evaluation_id``, of that evaluation's completions alone.
    """
    score = Rating.score
    people = (
        select(
            Rating.completion_id,
            func.avg(score).label("human"),
            func.min(score).label("low"),
            func.max(score).label("high"),
            func.count().label("raters"),
        )
        .where(score.is_not(None))
        .group_by(Rating.completion_id)
        .subquery()
    )
    ranked = (
        select(
            *people.c,
            Completion.prompt_id,
            Prompt.task,
            func.row_number().over(partition_by=Prompt.task, order_by=scattered(people.c.completion_id)).label("place"),
        )
        .select_from(people)
        .join(Completion, Completion.id == people.c.completion_id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(Completion.evaluation_id == evaluation_id if evaluation_id is not None else true())
        .subquery()
    )
    c = ranked.c
    query = (
        select(
            c.completion_id,
            c.human,
            c.low,
            c.high,
            c.raters,
            c.prompt_id,
            c.task,
            func.length(Completion.text),
            QueueItem.stratum,
        )
        .select_from(ranked)
        .join(Completion, Completion.id == c.completion_id)
        .outerjoin(QueueItem, QueueItem.completion_id == c.completion_id)
    )
    if most is not None:
        query = query.where(c.place <= most)
    columns = ["completion_id", "human", "low", "high", "raters", "prompt_id", "task", "length", "stratum"]
    frame = pd.DataFrame(session.execute(query).all(), columns=columns).astype({"human": float})
    apart = frame[(frame["raters"] >= 3) & (frame["high"] - frame["low"] >= 2)]["completion_id"].tolist()
    if apart:
        ratings = all_ratings(session, apart)
        medians = ratings.groupby("completion_id")["score"].median()
        frame["human"] = frame["completion_id"].map(medians).fillna(frame["human"])
    return frame.drop(columns=["low", "high"])


def all_ratings(session: Session, completion_ids: list[int] | None = None) -> pd.DataFrame:
    """One row per score: completion_id, task, rater, score, seconds; of some completions, or of all."""
    query = scored_ratings(Rating.completion_id, Prompt.task, Rater.name, Rating.score, Rating.seconds)
    rows: list[Any] = []
    for start in range(0, len(completion_ids or [0]), 500):
        part = query.where(Rating.completion_id.in_(completion_ids[start : start + 500])) if completion_ids else query
        rows += session.execute(part).all()
    return pd.DataFrame(rows, columns=["completion_id", "task", "rater", "score", "seconds"])


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
