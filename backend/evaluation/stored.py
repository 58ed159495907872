"""Compare two stored evaluations; the pages, the reports and the terminal all use the result."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.audit.attacks import standing_attacks
from backend.audit.gates import standing_gates
from backend.errors import UserError
from backend.evaluation.compare import TaskComparison, compare
from backend.evaluation.evidence import Evidence, gather
from backend.evaluation.noise import variance_shares
from backend.evaluation.paired import mean_interval
from backend.evaluation.people import PeopleEstimate, would_people_agree
from backend.evaluation.settings import ComparisonSettings
from backend.evaluation.words import EXAMPLE, split_words
from backend.store.evaluations import (
    answered,
    evaluation_components,
    evaluation_samples,
    evaluation_scores,
    evaluation_texts,
    run_evaluations,
)
from backend.store.tables import Evaluation, Metric, Run
from backend.suites import by_task, label_of
from backend.wording import Text, decimal, fill, joined


@dataclass(frozen=True)
class Compared:
    """Two evaluations, compared on the prompts they share; differences are ``tuned`` minus ``base``.

    Attributes:
        base, tuned: the evaluations.
        profile: the reward rules both are scored under.
        tasks: per task, then overall.
        paired: columns prompt_id, task, base, tuned, and the completions' mean length in characters as base_length and
            tuned_length; one row per shared prompt.
        components: columns task, component, base, tuned, delta, low, high: means over the shared prompts, and the change with
            its 95 % interval; within a task, the largest change comes first.
        texts: columns prompt_id, user_text, base, tuned (the first sample's completion).
        people: what people would say of the change: the estimate per task, then overall.
        evidence: of each task's change: the reward's, the truth's, people's, and whether the reward is trusted.
        left_out: prompts that only one of them has.
        settings: what the verdicts are judged by, as fixed before the tuned evaluation's run.
        answers: how many completions each prompt has in base and in tuned.
        sampling_share: task -> the share of the variance of its mean difference that comes from sampling; see ``variance_shares``.
        steps: how many the tuned evaluation's run has made; None where it is of no run.
    """

    base: Evaluation
    tuned: Evaluation
    profile: str
    tasks: list[TaskComparison]
    paired: pd.DataFrame
    components: pd.DataFrame
    texts: pd.DataFrame
    people: list[PeopleEstimate]
    evidence: list[Evidence]
    left_out: int
    settings: ComparisonSettings
    answers: tuple[int, int]
    sampling_share: dict[str, float | None]
    steps: int | None

    @property
    def chosen_here(self) -> bool:
        """Whether one of them is of a step that was, or may have been, picked by its score on these same prompts."""
        return any(e.label in ("step", "tuned") and e.step and e.split != "test" for e in (self.base, self.tuned))

    def means(self) -> pd.DataFrame:
        """Each task's mean difference and its interval, as charts take them: columns task, delta, low, high."""
        rows = [(c.task, c.delta, c.low, c.high) for c in self.tasks if c.task != "overall"]
        return pd.DataFrame(rows, columns=["task", "delta", "low", "high"])


def name_of(evaluation: Evaluation) -> Text:
    """``base · test``, ``step 20 · eval``, ``tuned (step 40) · test``: what was evaluated, and on which prompts."""
    label, step = evaluation.label, evaluation.step
    tuned = Text("tuned", "treinado") if label == "tuned" else Text(label, label)
    names = {"base": Text("base", "base"), "step": fill("step {step}", "passo {step}", step=step)}
    name = names.get(label, fill("{tuned} (step {step})", "{tuned} (passo {step})", tuned=tuned, step=step))
    return joined([name, split_words(evaluation.split)], " · ")


def note_of(session: Session, compared: Compared) -> Text | None:
    """What a reader of the comparison must know of where it comes from: that it is of the recorded example."""
    runs = [session.get(Run, e.run_id) for e in (compared.base, compared.tuned) if e.run_id is not None]
    return EXAMPLE if any(run is not None and run.is_example for run in runs) else None


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
    settings = settings_of(session, tuned)
    scores = [evaluation_scores(session, e) for e in (base, tuned)]
    paired = scores[0].merge(scores[1], on=["prompt_id", "task"], suffixes=("_base", "_tuned"))
    paired = paired.rename(columns={"value_base": "base", "value_tuned": "tuned"})
    if paired.empty:
        raise UserError(f"{base.id} and {tuned.id} share no prompt, so nothing can be paired")
    paired = pd.concat([rows for _, rows in by_task(paired)], ignore_index=True)  # all that follows keeps this order
    texts_of = [evaluation_texts(session, e.id) for e in (base, tuned)]
    for name, texts in zip(("base_length", "tuned_length"), texts_of, strict=True):
        paired[name] = paired["prompt_id"].map(texts["text"].str.len().groupby(texts["prompt_id"]).mean())
    first = [texts.drop_duplicates("prompt_id") for texts in texts_of]
    changes = compare(paired, settings)
    people = would_people_agree(session, base, tuned, paired)
    parts = [evaluation_components(session, e) for e in (base, tuned)]
    texts = first[0].merge(first[1], on=["prompt_id", "user_text"], suffixes=("_base", "_tuned"))
    return Compared(
        base=base,
        tuned=tuned,
        profile=base.profile,
        tasks=changes,
        paired=paired,
        components=_components(*parts),
        texts=texts.rename(columns={"text_base": "base", "text_tuned": "tuned"})[
            ["prompt_id", "user_text", "base", "tuned"]
        ],
        people=people,
        evidence=gather(
            changes,
            paired,
            (texts_of[0], texts_of[1]),
            standing_gates(session, tuned.profile),
            people,
            standing_attacks(session, tuned.profile),
            _parts(paired, *parts),
        ),
        left_out=len(scores[0]) + len(scores[1]) - 2 * len(paired),
        settings=settings,
        answers=(answered(session, base.id)[1], answered(session, tuned.id)[1]),
        sampling_share=variance_shares(
            pd.concat([evaluation_samples(session, e).assign(side=s) for s, e in (("base", base), ("tuned", tuned))])
        ),
        steps=session.scalar(select(func.max(Metric.step)).where(Metric.run_id == tuned.run_id)),
    )


def _components(base: pd.DataFrame, tuned: pd.DataFrame) -> pd.DataFrame:
    """Each component's means before and after, and the change with its interval over the shared prompts."""
    both = base.merge(tuned, on=["prompt_id", "task", "component"], suffixes=("_base", "_tuned"))
    rows: list[tuple[Any, ...]] = []
    for task, of_task in by_task(both):
        found = []
        for component, of in of_task.groupby("component"):
            d = (of["value_tuned"] - of["value_base"]).round(9)
            ends = mean_interval([d.to_numpy(float)])
            found.append((task, component, of["value_base"].mean(), of["value_tuned"].mean(), d.mean(), *ends))
        rows += sorted(found, key=lambda row: -abs(row[4]))
    return pd.DataFrame(rows, columns=["task", "component", "base", "tuned", "delta", "low", "high"])


def _parts(paired: pd.DataFrame, base: pd.DataFrame, tuned: pd.DataFrame) -> pd.DataFrame:
    """What each component brought to its task's mean change: columns task, component, part. As in the total, a component that
    does not apply to an answer counts 0."""
    prompts, keys = paired["task"].value_counts(), ["task", "component"]
    sums = [of[of["prompt_id"].isin(paired["prompt_id"])].groupby(keys)["value"].sum() for of in (base, tuned)]
    change = sums[1].sub(sums[0], fill_value=0.0).rename("part").reset_index()
    return change.assign(part=change["part"] / change["task"].map(prompts))


def settings_of(session: Session, evaluation: Evaluation) -> ComparisonSettings:
    """What the configuration of an evaluation's run says a comparison is judged by; the defaults where it says nothing."""
    run = session.get(Run, evaluation.run_id) if evaluation.run_id else None
    return ComparisonSettings.model_validate((run.config.get("comparison") if run else None) or {})


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
    """Which components changed a task's reward, in words; None if none surely changed, by at least ``least``.

    A component whose interval holds 0 is not named.
    """
    sure = (components["low"] > 0) | (components["high"] < 0)
    moved = components[(components["task"] == task) & sure & (components["delta"].abs() >= least)].head(3)
    if moved.empty:
        return None
    parts = [
        fill("{name} {by}", "{name} {by}", name=r.component, by=decimal(r.delta, signed=True))
        for r in moved.itertuples()
    ]
    return fill(
        "{task} moved through {parts}", "{task} mudou por {parts}", task=label_of(task), parts=joined(parts, ", ")
    )
