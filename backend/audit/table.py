"""The audit as one table: tasks x (total and components), with n, ρ, interval, p and the gate."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from backend.audit.agreement import Agreement, agreement
from backend.audit.correlation import Correlation, correlate, spearman, within_prompt
from backend.audit.gate import decide
from backend.audit.gate_words import GATE_WORDS
from backend.audit.policies import rests_on
from backend.audit.raters import RaterCheck, check_raters, doubt_of
from backend.audit.severity import Severity, adjusted_correlation, severity
from backend.suites import GateSettings, find_task, in_order, suite_of
from backend.wording import Text, decimal, fill
from rewards.types import Functions

COLUMNS = [
    "task", "reward", "n", "prompts", "rho", "low", "high", "p", "p_holm", "constant", "rare", "verdict", "reason", "least_rho",
    "within_n", "within", "within_low", "within_high", "length", "adjusted",
]  # fmt: skip
LITTLE_AGREEMENT = 0.4
"""Below this alpha the gate's reason says that raters agree little."""

_NAMED = 30
"""From this many rated completions on, the gate's reason says that a single person rated them."""


@dataclass(frozen=True)
class People:
    """What is known of a task's raters.

    Attributes:
        agreement: with each other.
        severity: how strict each is.
        checks: each rater, with what speaks against counting the scores.
        ratings: every score: completion_id, prompt_id, rater, score, seconds.
    """

    agreement: Agreement
    severity: Severity
    checks: list[RaterCheck]
    ratings: pd.DataFrame


def people_of(ratings: pd.DataFrame, repeats: pd.DataFrame | None = None) -> dict[str, People]:
    """What is known of each task's raters.

    Args:
        ratings: columns completion_id, prompt_id, task, rater, score, seconds; one row per score.
        repeats: each rater's agreement with oneself (``backend.store.ratings.self_agreement``).
    """
    return {
        str(task): People(agreement(rows), severity(rows), check_raters(rows, repeats), rows)
        for task, rows in ratings.groupby("task")
    }


def audit_table(
    rated: pd.DataFrame,
    people: dict[str, People] | None = None,
    settings: GateSettings | None = None,
    gaps: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """Correlate every task's total and components with the human scores, and judge each task's total.

    This is the one place that decides: the page, the terminal and the recorded decision read it.

    Args:
        rated: columns completion_id, prompt_id, task, component, value, human, and where known length, policy and weight; one row per
            (completion, component).
        people: what is known of each task's raters; the gate's reason says what a reader should know of them.
        settings: thresholds, in place of each suite's own.
        gaps: task -> how many more rated completions have no total (``gap_counts``).

    Returns:
        One row per task and reward, ``total`` first, tasks in the suites' order; the gate's verdict, its reason (a ``Text``),
        the within-prompt ρ that it also rests on, the ρ of the completions' length, and ρ with the scores adjusted for rater
        severity stand on the total alone. ``p_holm`` is corrected over all components of the table (Holm).
    """
    rows: list[dict[str, object]] = []
    for task in in_order([str(task) for task in rated["task"].unique()]):
        rows += _task_rows(
            task, rated[rated["task"] == task], (people or {}).get(task), settings, (gaps or {}).get(task, 0)
        )
    table = pd.DataFrame(rows, columns=COLUMNS)
    tested = table["p"].notna() & (table["reward"] != "total")
    if tested.any():
        table.loc[tested, "p_holm"] = multipletests(table.loc[tested, "p"].astype(float), method="holm")[1]
    return table


def _task_rows(
    task: str, rated: pd.DataFrame, people: People | None, given: GateSettings | None, gaps: int
) -> list[dict[str, object]]:
    known = find_task(task)
    settings = given or (suite_of(task).gate if known is not None else GateSettings())
    values = rated.pivot(index="completion_id", columns="component", values="value")
    first = rated.groupby("completion_id").first().reindex(values.index)
    names = ["total", *(c for c in values.columns if c != "total")]
    found = correlated(first, values[names])
    human, total = first["human"].to_numpy(float), values["total"].to_numpy(float)
    within = within_prompt(human, total, first["prompt_id"].tolist())
    length = spearman(human, first["length"]) if "length" in first else None
    adjusted = _adjusted(first, values[["total"]], people)
    notes = _notes(found[0], length, first, values[["total"]], people)
    if "policy" in first:
        notes.insert(0, rests_on(first["policy"].tolist()))
    gate = decide(found[0], settings, within, notes, gaps)
    if adjusted is not None and (other := decide(adjusted, settings, within, gaps=gaps).verdict) != gate.verdict:
        notes.append(_otherwise(adjusted, other))
        gate = decide(found[0], settings, within, notes, gaps)
    rows: list[dict[str, object]] = []
    if known is not None and isinstance(known.reward, Functions):
        never = [
            name for name in known.reward.weights if name not in values.columns
        ]  # applied to none of these completions
        names, found = [*names, *never], [*found, *(Correlation(0, None) for _ in never)]
    for name, c in zip(names, found, strict=True):
        row: dict[str, object] = {"task": task, "reward": name, "least_rho": settings.least_rho, **asdict(c)}
        if name == "total":
            row |= {"verdict": gate.verdict, "reason": gate.reason, "within_n": within.n, "within": within.rho}
            row |= {"within_low": within.low, "within_high": within.high, "length": length}
            row |= {"adjusted": None if adjusted is None else adjusted.rho}
        else:
            row |= {"verdict": "", "reason": _why_none(c)}
        rows.append(row)
    return rows


def _why_none(c: Correlation) -> Text:
    if c.n == 0:
        return Text("applies to none of them", "não se aplica a nenhuma")
    if c.constant:
        return Text("constant", "constante")
    return Text("too rare to tell", "raro demais para dizer") if c.rare else Text("", "")


def correlated(first: pd.DataFrame, values: pd.DataFrame) -> list[Correlation]:
    """Each column's correlation with the human scores, on the completions that it applies to, weighted to the queue."""
    weights = weights_of(first)

    def on(there: np.ndarray, names: list[str]) -> list[Correlation]:
        rows = first[there]
        return correlate(rows["human"], values.loc[there, names], rows["prompt_id"].tolist(), weights[there])

    whole = [name for name in values if values[name].notna().all()]
    found = dict(zip(whole, on(np.ones(len(first), bool), whole), strict=True))
    for name in values.columns.difference(whole):
        (found[name],) = on(values[name].notna().to_numpy(), [name])
    return [found[name] for name in values]


def _adjusted(first: pd.DataFrame, totals: pd.DataFrame, people: People | None) -> Correlation | None:
    """The total's correlation with human scores less the raters' severity; None where that cannot be told."""
    if people is None or not people.severity.identified:
        return None
    ratings = people.ratings[people.ratings["completion_id"].isin(first.index)]
    return adjusted_correlation(ratings, first[["prompt_id"]].assign(value=totals["total"], weight=weights_of(first)))


def weights_of(rows: pd.DataFrame) -> pd.Series:
    """How many completions each one stands for; itself, where the queue did not choose it."""
    return rows["weight"].fillna(1.0) if "weight" in rows else pd.Series(1.0, index=rows.index)


def length_note(c: Correlation, length: float | None) -> list[Text]:
    """That a reward ranks no better than the completion's length, whose ρ with people is ``length``; nothing where it does."""
    if c.rho is None or length is None or c.rho > abs(length):
        return []
    by_length = Text("the longest first", "a mais longa primeiro")
    if length < 0:
        by_length = Text("the shortest first", "a mais curta primeiro")
    return [
        fill(
            "it ranks no better than length alone, {order} (ρ = {rho})",
            "não ordena melhor que só o tamanho, {order} (ρ = {rho})",
            order=by_length,
            rho=decimal(abs(length)),
        )
    ]


def _notes(
    total: Correlation, length: float | None, first: pd.DataFrame, totals: pd.DataFrame, people: People | None
) -> list[Text]:
    """What a reader of the gate should know beside ρ: what length alone reaches, and who rated."""
    notes = length_note(total, length)
    if people is None:
        return notes
    agreed, raters = people.agreement, people.ratings["rater"].nunique()
    if agreed.alpha is not None and agreed.alpha < LITTLE_AGREEMENT:
        notes.append(
            fill(
                "the raters agree little: α = {alpha} on {n} completions",
                "os avaliadores concordam pouco: α = {alpha} em {n} respostas",
                alpha=decimal(agreed.alpha), n=agreed.completions,
            )
        )  # fmt: skip
    if raters == 1 and total.n >= _NAMED:
        notes.append(
            Text(
                "one person rated everything, so how far people agree is not known",
                "uma só pessoa avaliou tudo; não se sabe quanto as pessoas concordam",
            )
        )
    if raters >= 2 and not people.severity.identified:
        notes.append(
            Text(
                "the raters share too few completions to tell who is strict",
                "os avaliadores têm poucas respostas em comum para saber quem é severo",
            )
        )
    if len(people.checks) > 1 and all(check.at_chance for check in people.checks):
        nobody = "no rater agrees with the others better than chance"
        return [*notes, Text(nobody, "nenhum avaliador concorda com os outros mais que o acaso")]
    doubts = {check.rater: doubt for check in people.checks if (doubt := doubt_of(check)) is not None}
    return [*notes, *doubts.values(), *_without(set(doubts), first, totals, people)]


def _without(flagged: set[str], first: pd.DataFrame, totals: pd.DataFrame, people: People) -> list[Text]:
    """What ρ is without the raters in doubt."""
    if not flagged:
        return []
    kept = people.ratings[~people.ratings["rater"].isin(flagged)]
    human = kept.groupby("completion_id")["score"].mean().reindex(first.index)
    there = human.notna()
    c = correlated(first[there].assign(human=human[there]), totals[there])[0]
    if c.rho is None:
        return []
    return [fill("without them ρ is {rho} (n = {n})", "sem eles ρ é {rho} (n = {n})", rho=decimal(c.rho), n=c.n)]


def _otherwise(adjusted: Correlation, verdict: str) -> Text:
    return fill(
        "with the scores adjusted for rater severity ρ is {rho}, and the gate would say: {verdict}",
        "com as notas ajustadas pela severidade dos avaliadores ρ é {rho}, e o portão diria: {verdict}",
        rho=decimal(adjusted.rho or 0.0), verdict=GATE_WORDS[verdict],
    )  # fmt: skip


def disagreements(rated: pd.DataFrame, task: str, count: int = 10) -> pd.DataFrame:
    """The completions of a task on which people and the reward differ most, by rank.

    Returns:
        Columns completion_id, human, reward, gap (reward's rank minus human's, as a share of n), largest first.
    """
    totals = rated[(rated["task"] == task) & (rated["component"] == "total")]
    ranks = totals[["human", "value"]].rank(pct=True)
    gap = (ranks["value"] - ranks["human"]).rename("gap")
    frame = totals[["completion_id", "human", "value"]].rename(columns={"value": "reward"}).join(gap)
    return frame.reindex(frame["gap"].abs().sort_values(ascending=False, kind="stable").index).head(count)
