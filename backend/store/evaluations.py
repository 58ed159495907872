"""Evaluations in the store."""

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.store.frames import read_frame
from backend.store.ratings import scored_ratings
from backend.store.tables import Completion, Evaluation, Prompt, Rating, Score


def run_evaluations(session: Session, run_id: str) -> list[Evaluation]:
    """A run's evaluations in step order: base, sft, steps, tuned."""
    return sorted(session.scalars(select(Evaluation).where(Evaluation.run_id == run_id)), key=_in_run)


def _in_run(e: Evaluation) -> tuple[int, int]:
    return {"base": -2, "sft": -1, "tuned": 1}.get(e.label, 0), e.step


def all_evaluations(session: Session) -> list[Evaluation]:
    """Every evaluation, newest run first, in step order within a run."""
    of_run: dict[str, list[Evaluation]] = {}
    for e in session.scalars(select(Evaluation).where(Evaluation.run_id.is_not(None)).order_by(Evaluation.id)):
        of_run.setdefault(str(e.run_id), []).append(e)
    runs = sorted(of_run.values(), key=lambda mine: max(e.created_at for e in mine), reverse=True)
    return [e for mine in runs for e in sorted(mine, key=_in_run)]


def tuned_evaluations(session: Session) -> dict[str, Evaluation]:
    """Run -> its tuned evaluation, the newest run first."""
    query = select(Evaluation).where(Evaluation.label == "tuned", Evaluation.run_id.is_not(None))
    return {str(e.run_id): e for e in session.scalars(query.order_by(Evaluation.created_at.desc(), Evaluation.id))}


def evaluation_scores(session: Session, evaluation: Evaluation) -> pd.DataFrame:
    """One row per prompt: prompt_id, task, value (total under the evaluation's rules, mean over samples), in prompt order."""
    query = (
        select(Completion.prompt_id, Prompt.task, func.avg(Score.value))
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .join(Score, Score.completion_id == Completion.id)
        .where(
            Completion.evaluation_id == evaluation.id, Score.component == "total", Score.profile == evaluation.profile
        )
        .group_by(Completion.prompt_id, Prompt.task)
        .order_by(Completion.prompt_id)
    )
    return read_frame(session, ["prompt_id", "task", "value"], query)


def evaluation_samples(session: Session, evaluation: Evaluation) -> pd.DataFrame:
    """One row per completion: prompt_id, task, sample, value (total under the evaluation's rules)."""
    query = (
        select(Completion.prompt_id, Prompt.task, Completion.sample, Score.value)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .join(Score, Score.completion_id == Completion.id)
        .where(
            Completion.evaluation_id == evaluation.id, Score.component == "total", Score.profile == evaluation.profile
        )
    )
    return read_frame(session, ["prompt_id", "task", "sample", "value"], query)


def answered(session: Session, evaluation_id: str) -> tuple[int, int]:
    """(how many prompts an evaluation is on, how many completions each has at most)."""
    query = select(func.count(Completion.prompt_id.distinct()), func.max(Completion.sample)).where(
        Completion.evaluation_id == evaluation_id
    )
    prompts, last = session.execute(query).one()
    return prompts, 0 if last is None else last + 1


def run_scores(session: Session, run_id: str) -> pd.DataFrame:
    """A run's curve on its eval prompts, from before training on: columns step, task, prompt_id, value (mean over samples)."""
    query = (
        select(Evaluation.step, Prompt.task, Completion.prompt_id, func.avg(Score.value))
        .join(Completion, Completion.evaluation_id == Evaluation.id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .join(Score, Score.completion_id == Completion.id)
        .where(
            Evaluation.run_id == run_id,
            Evaluation.label.in_(("base", "step")),
            Evaluation.split == "eval",
            Score.component == "total",
            Score.profile == Evaluation.profile,
        )
        .group_by(Evaluation.step, Prompt.task, Completion.prompt_id)
        .order_by(Evaluation.step)
    )
    return read_frame(session, ["step", "task", "prompt_id", "value"], query)


def run_completions(session: Session, run_id: str) -> pd.DataFrame:
    """A run's completions on its eval prompts, from before training on, one row each: step, task, prompt_id, completion_id,
    sample, reward (total under the evaluation's rules), text, facts, human (mean score; NaN where nobody rated)."""
    people = (
        scored_ratings(Rating.completion_id, func.avg(Rating.score).label("human"))
        .group_by(Rating.completion_id)
        .subquery()
    )
    c = Completion
    query = (
        select(
            Evaluation.step, Prompt.task, c.prompt_id, c.id, c.sample, Score.value, c.text, Prompt.facts, people.c.human
        )
        .join(c, c.evaluation_id == Evaluation.id)
        .join(Prompt, Prompt.id == c.prompt_id)
        .join(Score, Score.completion_id == c.id)
        .outerjoin(people, people.c.completion_id == c.id)
        .where(
            Evaluation.run_id == run_id,
            Evaluation.label.in_(("base", "step")),
            Evaluation.split == "eval",
            Score.component == "total",
            Score.profile == Evaluation.profile,
        )
        .order_by(Evaluation.step, c.id)
    )
    names = ["step", "task", "prompt_id", "completion_id", "sample", "reward", "text", "facts", "human"]
    return read_frame(session, names, query).astype({"human": float, "reward": float})


def evaluation_texts(session: Session, evaluation_id: str) -> pd.DataFrame:
    """One row per completion: prompt_id, sample, completion_id, text, user_text, facts."""
    query = (
        select(Completion.prompt_id, Completion.sample, Completion.id, Completion.text, Prompt.user_text, Prompt.facts)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(Completion.evaluation_id == evaluation_id)
        .order_by(Completion.prompt_id, Completion.sample)
    )
    columns = ["prompt_id", "sample", "completion_id", "text", "user_text", "facts"]
    return read_frame(session, columns, query)


def evaluation_components(session: Session, evaluation: Evaluation) -> pd.DataFrame:
    """Columns prompt_id, task, component, value: each component's mean over a prompt's completions, under the evaluation's
    rules."""
    query = (
        select(Completion.prompt_id, Prompt.task, Score.component, func.avg(Score.value))
        .join(Completion, Completion.id == Score.completion_id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(
            Completion.evaluation_id == evaluation.id, Score.profile == evaluation.profile, Score.component != "total"
        )
        .group_by(Completion.prompt_id, Prompt.task, Score.component)
    )
    return read_frame(session, ["prompt_id", "task", "component", "value"], query)


def evaluation_people(session: Session, evaluation_id: str) -> pd.DataFrame:
    """Human scores of an evaluation's completions: columns prompt_id, human (mean score), one row per rated prompt."""
    query = (
        scored_ratings(Completion.prompt_id, func.avg(Rating.score))
        .where(Completion.evaluation_id == evaluation_id)
        .group_by(Completion.prompt_id)
    )
    return read_frame(session, ["prompt_id", "human"], query).astype({"human": float})
