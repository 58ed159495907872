"""Completions and their scores in the store."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from math import isnan
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Select, String, case, cast, delete, func, insert, literal, or_, select, true
from sqlalchemy.orm import Session

from backend.files import storable
from backend.records import Completion as Generated
from backend.records import Sampling
from backend.store.engine import in_parts, in_turn
from backend.store.frames import read_frame
from backend.store.ratings import counted_ratings, scored_ratings
from backend.store.tables import (
    Completion,
    Evaluation,
    Prompt,
    QueueItem,
    Rater,
    Rating,
    RatingEvent,
    Score,
    ScoreGap,
    Stratum,
    made_by_attack,
    scattered,
)
from backend.suites import ToScore, find_task, fingerprint, score_or_gaps, task_names


def save_completions(
    session: Session, prompt_ids: list[str], groups: list[list[Generated]], policy: str, sampling: Sampling
) -> list[int]:
    """Store sampled completions, one group per prompt; returns their ids."""
    rows = [
        Completion(
            prompt_id=prompt_id,
            text=storable(c.text),
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


def tasks_with_completions(session: Session) -> list[str]:
    """The suites' tasks of which the store has a completion, in the suites' order."""
    of_task = select(Completion.id).join(Prompt, Prompt.id == Completion.prompt_id).limit(1)
    return [task for task in task_names() if session.scalar(of_task.where(Prompt.task == task)) is not None]


def unscored(session: Session, profile: str, completion_ids: Iterable[int] | None = None) -> list[int]:
    """Those of the completions that have no score under ``profile``, or one whose fingerprint is not the current one.

    Of all rated ones when left out: unrated completions need no score yet, and evaluations store their own.
    """
    stored = session.scalars(select(Prompt.task).distinct()).all()
    rules_of = {task: fingerprint(task, profile) for task in stored if find_task(task) is not None}
    wanted = [_rated()] if completion_ids is None else map(_these, in_parts(sorted(completion_ids)))
    return [i for query in wanted for i in session.scalars(_without_score(query, profile, rules_of))]


def ensure_scores(session: Session, profile: str, completion_ids: Iterable[int] | None = None) -> int:
    """Score those that are ``unscored``, in a writing session; returns how many."""
    in_turn(session, "scores")
    ids = unscored(session, profile, completion_ids)
    for part in in_parts(ids):
        scores, gaps = _score_rows(session, part, profile)
        for table in (Score, ScoreGap):
            session.execute(delete(table).where(table.profile == profile, table.completion_id.in_(part)))
        add_scores(session, scores)
        if gaps:
            session.execute(insert(ScoreGap), gaps)
    return len(ids)


def _score_rows(
    session: Session, completion_ids: Sequence[int], profile: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The ``scores`` rows of completions, each one's components and their total, and the ``score_gaps`` rows."""
    query = (
        select(Completion, Prompt)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(Completion.id.in_(completion_ids))
        .order_by(Completion.id)
    )
    found = session.execute(query).tuples().all()
    first: dict[str, int] = {}
    for completion, _ in found:
        first.setdefault(completion.prompt_id, completion.id)
    by_task: dict[str, list[tuple[int, ToScore]]] = {}
    # A prompt's completions together, as a trainer has them, and prompts as they came.
    for completion, prompt in sorted(found, key=lambda row: (first[row[0].prompt_id], row[0].id)):
        by_task.setdefault(prompt.task, []).append((completion.id, to_score(completion, prompt)))
    rows, gaps = [], []
    for task, of_task in by_task.items():
        rules = fingerprint(task, profile)
        scores = score_or_gaps(task, [asked for _, asked in of_task], profile)
        for (completion_id, _), score in zip(of_task, scores, strict=True):
            head = {"completion_id": completion_id, "profile": profile, "fingerprint": rules}
            values = score.components if isnan(score.total) else {**score.components, "total": score.total}
            rows += [{**head, "component": name, "value": value} for name, value in values.items()]
            gaps += [
                {**head, "component": name, **asdict(gap), "what": storable(gap.what)}
                for name, gap in score.gaps.items()
            ]
    return rows, gaps


def to_score(completion: Completion, prompt: Prompt) -> ToScore:
    """A stored completion as a reward reads it: with its prompt, and what stood beside either in the data."""
    form: Any = prompt.form
    return ToScore(prompt.messages, completion.text, {**prompt.facts, **completion.columns}, form)


def _rated() -> Select[int, str]:
    rated = select(Rating.completion_id).where(Rating.score.is_not(None))
    return select(Completion.id, Prompt.task).where(Completion.id.in_(rated))


def _these(ids: Sequence[int]) -> Select[int, str]:
    return select(Completion.id, Prompt.task).where(Completion.id.in_(ids))


def _without_score(query: Select[int, str], profile: str, rules_of: dict[str, str]) -> Select[int]:
    """Ids of those completions of a query whose stored score is missing or of another fingerprint than their task's.

    A total that is missing because of a gap is asked for again only where the gap is not final.
    """
    rules = case(rules_of, value=Prompt.task) if rules_of else literal("")
    scored = select(Score.completion_id).where(
        Score.completion_id == Completion.id,
        Score.profile == profile,
        Score.component == "total",
        Score.fingerprint == rules,
    )
    gaps = select(ScoreGap.completion_id).where(
        ScoreGap.completion_id == Completion.id, ScoreGap.profile == profile, ScoreGap.fingerprint == rules
    )
    done = or_(scored.exists(), gaps.exists()) & ~gaps.where(~ScoreGap.is_final).exists()
    joined = query.join(Prompt, Prompt.id == Completion.prompt_id)
    return joined.with_only_columns(Completion.id).where(Prompt.task.in_(rules_of), ~done)


def totals(session: Session, completion_ids: Sequence[int], profile: str) -> dict[int, float]:
    """completion id -> its stored total under a profile; completions without one are left out."""
    found: dict[int, float] = {}
    for part in in_parts(completion_ids):
        wanted = (Score.profile == profile, Score.component == "total", Score.completion_id.in_(part))
        found |= dict(session.execute(select(Score.completion_id, Score.value).where(*wanted)).tuples().all())
    return found


def task_totals(session: Session, task: str, profile: str, most: int = 20_000) -> list[float]:
    """The stored totals of a task under a profile; of more than ``most``, a stable sample."""
    query = (
        select(Score.value)
        .join(Completion, Completion.id == Score.completion_id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(Prompt.task == task, Score.profile == profile, Score.component == "total")
        .order_by(scattered(Score.completion_id))
        .limit(most)
    )
    return list(session.scalars(query))


def add_scores(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Insert score rows in bulk."""
    batch = list(rows)
    if batch:
        session.execute(insert(Score), batch)


MOST_SAMPLED = 20_000
"""The most completions of a task that best-of-n reads."""


def sampled_scores(session: Session, task: str, profile: str) -> pd.DataFrame:
    """A task's completions that have a total under a profile, rated or not: columns prompt_id, policy, text, facts, value."""
    query = (
        select(Completion.prompt_id, written_by(), Completion.text, Prompt.facts, Score.value)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .join(Score, Score.completion_id == Completion.id)
        .outerjoin(Evaluation, Evaluation.id == Completion.evaluation_id)
        .where(
            Prompt.task == task,
            Score.profile == profile,
            Score.component == "total",
            Score.fingerprint == fingerprint(task, profile),
        )
        .order_by(Completion.prompt_id, Completion.id)
        .limit(MOST_SAMPLED)
    )
    return read_frame(session, ["prompt_id", "policy", "text", "facts", "value"], query)


MOST_RATED = 2_000
"""The most rated completions of a task that an audit reads; if there are more, it reads a stable sample of this many."""


MOST_WITH_RATERS = 5_000
"""The most rated completions of a task from which raters are compared with each other."""


def rated_scores(
    session: Session, profile: str, people: pd.DataFrame | None = None, with_total: bool = True
) -> pd.DataFrame:
    """Rated completions with their reward: one row per (completion, component).

    Args:
        session: any.
        profile: whose stored scores.
        people: rows of ``human_scores``, of which completions; when left out, those of an audit: all of a task, or a stable
            sample of ``MOST_RATED``.
        with_total: only completions that have a total.

    Returns:
        Columns completion_id, prompt_id, task, component, value, human, raters, length, policy, weight (how many completions
        of the raters' queue it represents: see ``backend.rating.design``; NaN if nobody got it from the queue, as with ratings
        that came with a file).
    """
    people = human_scores(session, MOST_RATED) if people is None else people
    columns = [
        "completion_id", "prompt_id", "task", "component", "value", "human", "raters", "length", "policy", "weight",
    ]  # fmt: skip
    if people.empty:
        return pd.DataFrame(columns=columns)
    ids = people["completion_id"].tolist()
    of_profile = select(Score.completion_id, Score.component, Score.value).where(Score.profile == profile)
    queries = (of_profile.where(Score.completion_id.in_(part)) for part in in_parts(ids))
    scores = read_frame(session, ["completion_id", "component", "value"], *queries)
    if with_total:  # there is none where a judge that counts in it gave no value
        scores = scores[scores["completion_id"].isin(scores.loc[scores["component"] == "total", "completion_id"])]
    weighted = people.assign(weight=_weights(session, people))
    return scores.merge(weighted, on="completion_id").sort_values(["completion_id", "component"])[columns]


def gaps(session: Session, profile: str, only: Collection[int] | None = None) -> pd.DataFrame:
    """The components that a rated completion of a policy has no value for, and why: one row per (completion, component).

    Columns: completion_id, task, component, kind, what, has_total. With ``only``, of these completions.
    """
    total = select(Score.completion_id).where(
        Score.completion_id == ScoreGap.completion_id, Score.profile == profile, Score.component == "total"
    )
    rated = scored_ratings(Rating.completion_id).where(Rating.completion_id == ScoreGap.completion_id)
    query = (
        select(ScoreGap.completion_id, Prompt.task, ScoreGap.component, ScoreGap.kind, ScoreGap.what, total.exists())
        .join(Completion, Completion.id == ScoreGap.completion_id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(ScoreGap.profile == profile, rated.exists(), ~made_by_attack())
        .order_by(ScoreGap.completion_id)
    )
    columns = ["completion_id", "task", "component", "kind", "what", "has_total"]
    found = read_frame(session, columns, query)
    return found if only is None else found[found["completion_id"].isin(only)]


def gap_counts(session: Session, profile: str, only: Collection[int] | None = None) -> dict[str, int]:
    """task -> how many of its rated completions have no total, because a judge that counts gave no value."""
    without = gaps(session, profile, only)
    without = without[~without["has_total"].astype(bool)].drop_duplicates("completion_id")
    return {str(task): int(n) for task, n in without["task"].value_counts().items()}


def _weights(session: Session, people: pd.DataFrame) -> pd.Series:
    """How many completions of the queue each rated one represents: its stratum's size over the stratum's rated ones.

    Only the queue's own choice is weighed. A completion that was rated elsewhere is nobody's choice here, also where raters
    have scored it here again: it stands for itself, and the stratum's chosen ones for the others.
    """
    queued = people["stratum"].notna()
    came = RatingEvent.action == "import"
    rated = (
        select(RatingEvent.completion_id, came).where(or_(came, RatingEvent.action.in_(("rate", "change")))).distinct()
    )
    ids = people.loc[queued, "completion_id"].tolist()
    queries = (rated.where(RatingEvent.completion_id.in_(part)) for part in in_parts(ids))
    events = read_frame(session, ["completion_id", "elsewhere"], *queries)
    elsewhere = events.loc[events["elsewhere"].astype(bool), "completion_id"]
    chosen_here = people["completion_id"].isin(set(events["completion_id"]) - set(elsewhere))
    strata = people["stratum"].where(chosen_here)
    items = {s.name: s.items for s in session.scalars(select(Stratum))}
    chosen, all_rated = strata.value_counts(), people["stratum"].value_counts()
    stand_for = {name: items.get(name, 0) - (all_rated[name] - n) for name, n in chosen.items()}
    return strata.map({name: max(1.0, stand_for[name] / n) for name, n in chosen.items()}).astype(float)


def human_scores(
    session: Session,
    most: int | None = None,
    evaluation_id: str | None = None,
    only: Collection[int] | None = None,
) -> pd.DataFrame:
    """What people say of each rated completion that a policy wrote: one row each. An attack's texts are left out, for they were
    chosen to fool a reward: what they say of it is said of the attack.

    Args:
        session: any.
        most: for a task with more than this many, a stable sample, which holds that of every smaller ``most``; the database
            draws it, so the other rows are never loaded.
        evaluation_id: this evaluation's completions; of all when left out.
        only: these completions; all when left out.

    Returns:
        Columns completion_id, prompt_id, task, human (mean over raters), raters (how many), place (in the order of the task's
        samples, from 1), length (characters), stratum (of the queue), policy (who wrote it: ``written_by``).
    """
    human, raters = func.avg(Rating.score).label("human"), func.count().label("raters")
    rated = counted_ratings(Rating.completion_id, human, raters).group_by(Rating.completion_id).subquery()
    place = func.row_number().over(partition_by=Prompt.task, order_by=scattered(rated.c.completion_id)).label("place")
    placed = (
        select(rated.c.completion_id, Completion.prompt_id, Prompt.task, rated.c.human, rated.c.raters, place)
        .join(Completion, Completion.id == rated.c.completion_id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(~made_by_attack(), true() if evaluation_id is None else Completion.evaluation_id == evaluation_id)
        .subquery()
    )
    query = (
        select(placed, func.length(Completion.text), QueueItem.stratum, written_by())
        .join(Completion, Completion.id == placed.c.completion_id)
        .outerjoin(Evaluation, Evaluation.id == Completion.evaluation_id)
        .outerjoin(QueueItem, QueueItem.completion_id == placed.c.completion_id)
        .where(true() if most is None else placed.c.place <= most)
    )
    columns = ["completion_id", "prompt_id", "task", "human", "raters", "place", "length", "stratum", "policy"]
    people = read_frame(session, columns, query).astype({"human": float})
    return people if only is None else people[people["completion_id"].isin(only)]


def written_by() -> ColumnElement[str]:
    """Who wrote a completion, in a query that has its evaluation joined: the policy's name and, where a run has trained it,
    ``, tuned in RUN`` or ``, step 20 of RUN``."""
    run = func.coalesce(Evaluation.run_id, "")
    return case(
        (Evaluation.label == "tuned", Completion.policy + ", tuned in " + run),
        (Evaluation.label == "step", Completion.policy + ", step " + cast(Evaluation.step, String) + " of " + run),
        (Evaluation.label == "sft", Completion.policy + ", after the warm-up of " + run),
        else_=Completion.policy,
    )


def all_ratings(session: Session, completion_ids: Iterable[int] | None = None) -> pd.DataFrame:
    """One row per score that counts: completion_id, prompt_id, task, rater, score, seconds; of the given completions, or else of
    all, or of a task's stable sample of ``MOST_WITH_RATERS``, which holds all that ``rated_scores`` reads."""
    if completion_ids is None:
        completion_ids = human_scores(session, MOST_WITH_RATERS)["completion_id"]
    columns = {
        "completion_id": Rating.completion_id, "prompt_id": Completion.prompt_id, "task": Prompt.task, "rater": Rater.name,
        "score": Rating.score, "seconds": Rating.seconds,
    }  # fmt: skip
    query = scored_ratings(*columns.values())
    queries = (query.where(Rating.completion_id.in_(part)) for part in in_parts(sorted(completion_ids)))
    return read_frame(session, list(columns), *queries).astype({"seconds": float})


def one_completion(session: Session, completion_id: int) -> dict[str, Any] | None:
    """A completion with its prompt: id, task, user_text, messages, text, tokens, policy, facts; None if there is none."""
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
