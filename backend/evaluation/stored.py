"""Compare two stored evaluations; the pages, the reports and the terminal all use the result."""

from dataclasses import dataclass
from statistics import fmean

import pandas as pd
from sqlalchemy.orm import Session

from backend.errors import UserError
from backend.evaluation.compare import TaskComparison, compare
from backend.store.evaluations import component_means, evaluation_scores, evaluation_texts, run_evaluations
from backend.store.tables import Evaluation, Run
from backend.suites import label_of, tasks
from backend.wording import Text, decimal, fill


@dataclass(frozen=True)
class Compared:
    """Two evaluations, compared on the prompts they share; differences are ``tuned`` minus ``base``.

    Attributes:
        base, tuned: the evaluations.
        profile: the reward rules both are scored under.
        tasks: per task, then overall.
        paired: columns prompt_id, task, base, tuned; one row per shared prompt.
        components: columns task, component, base, tuned, delta; within a task, the largest change comes first.
        texts: columns prompt_id, user_text, base, tuned (the first sample's completion).
        truth: a task's truth measure -> (base's share of facts right, tuned's).
        left_out: prompts that only one of them has.
    """

    base: Evaluation
    tuned: Evaluation
    profile: str
    tasks: list[TaskComparison]
    paired: pd.DataFrame
    components: pd.DataFrame
    texts: pd.DataFrame
    truth: dict[str, tuple[float, float]]
    left_out: int

    def means(self) -> pd.DataFrame:
        """Each task's mean difference and its interval, as charts take them: columns task, delta, low, high."""
        rows = [(c.task, c.delta, c.low, c.high) for c in self.tasks if c.task != "overall"]
        return pd.DataFrame(rows, columns=["task", "delta", "low", "high"])


def name_of(evaluation: Evaluation) -> str:
    """``base``, ``step 20``, ``tuned (step 40)``."""
    return {"base": "base", "step": f"step {evaluation.step}"}.get(
        evaluation.label, f"{evaluation.label} (step {evaluation.step})"
    )


def compare_stored(session: Session, base: Evaluation, tuned: Evaluation) -> Compared:
    """Compare two stored evaluations, of one run or of two.

    Raises:
        UserError: they were scored under different rules, or share no prompt.
    """
    if base.profile != tuned.profile:
        raise UserError(
            f"{base.id} was scored under {base.profile} and {tuned.id} under {tuned.profile}; a difference between them "
            "would be one of rules. Compare evaluations of one profile."
        )
    scores = [evaluation_scores(session, e) for e in (base, tuned)]
    paired = scores[0].merge(scores[1], on=["prompt_id", "task"], suffixes=("_base", "_tuned"))
    paired = paired.rename(columns={"value_base": "base", "value_tuned": "tuned"})
    if paired.empty:
        raise UserError(f"{base.id} and {tuned.id} share no prompt, so nothing can be paired")
    means = [component_means(session, e) for e in (base, tuned)]
    components = means[0].merge(means[1], on=["task", "component"], suffixes=("_base", "_tuned"))
    components = components.rename(columns={"value_base": "base", "value_tuned": "tuned"})
    components["delta"] = components["tuned"] - components["base"]
    components = components[components["component"] != "total"]
    order = components["delta"].abs().sort_values(ascending=False).index
    texts_of = [evaluation_texts(session, e.id) for e in (base, tuned)]
    first = [texts.drop_duplicates("prompt_id") for texts in texts_of]
    right = [_truths(texts, paired) for texts in texts_of]
    texts = first[0].merge(first[1], on=["prompt_id", "user_text"], suffixes=("_base", "_tuned"))
    return Compared(
        base=base,
        tuned=tuned,
        profile=base.profile,
        tasks=compare(paired),
        paired=paired,
        components=components.loc[order].sort_values("task", kind="stable", ignore_index=True),
        texts=texts.rename(columns={"text_base": "base", "text_tuned": "tuned"})[
            ["prompt_id", "user_text", "base", "tuned"]
        ],
        truth={name: (right[0][name], right[1][name]) for name in right[0] if name in right[1]},
        left_out=len(scores[0]) + len(scores[1]) - 2 * len(paired),
    )


def _truths(texts: pd.DataFrame, paired: pd.DataFrame) -> dict[str, float]:
    """Each truth measure's share of facts right, over the completions of the shared prompts."""
    found: dict[str, list[bool]] = {}
    task_of = dict(zip(paired["prompt_id"], paired["task"], strict=True))
    known = tasks()
    for row in texts[texts["prompt_id"].isin(task_of)].itertuples():
        task = known.get(task_of[row.prompt_id])
        if task is not None and task.truth is not None:
            found.setdefault(task.truth.name, []).extend(task.truth.judge(row.text, row.facts) or ())
    return {name: fmean(judged) for name, judged in found.items() if judged}


def base_and_tuned(session: Session, run_id: str) -> tuple[Evaluation, Evaluation] | None:
    """A run's base and tuned evaluation; None while it does not have both."""
    by_label = {e.label: e for e in run_evaluations(session, run_id)}
    return (by_label["base"], by_label["tuned"]) if {"base", "tuned"} <= by_label.keys() else None


def find_evaluation(session: Session, name: str, label: str = "tuned") -> Evaluation:
    """The evaluation with the id ``name``; if ``name`` is a run's id, the run's evaluation with this label.

    Raises:
        UserError: there is neither such an evaluation nor such a run, or the run has no evaluation with this label.
    """
    found = session.get(Evaluation, name)
    if found is not None:
        return found
    if session.get(Run, name) is None:
        raise UserError(f"there is no evaluation and no run {name}; `workbench evaluations list` shows them")
    of_run = next((e for e in run_evaluations(session, name) if e.label == label), None)
    if of_run is None:
        raise UserError(
            f"run {name} has no {label} evaluation; it is made when the run {'starts' if label == 'base' else 'ends'}"
        )
    return of_run


def why(components: pd.DataFrame, task: str, least: float = 0.01) -> Text | None:
    """Which components changed a task's reward, in words; None if none changed by at least ``least``."""
    moved = components[(components["task"] == task) & (components["delta"].abs() >= least)].head(3)
    if moved.empty:
        return None
    parts = [
        fill("{name} {by}", "{name} {by}", name=r.component, by=decimal(r.delta, signed=True))
        for r in moved.itertuples()
    ]
    joined = Text(", ".join(p.en for p in parts), ", ".join(p.pt for p in parts))
    return fill("{task} moved through {parts}", "{task} mudou por {parts}", task=label_of(task), parts=joined)
