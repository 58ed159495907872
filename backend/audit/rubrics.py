"""Criteria and weights: which criterion each component of a reward goes by, and whether other weights would rank better.

Weights are refitted on the visible half of the prompts and judged on the half that is held out, with the functions of every
other ρ and Δρ of the audit. What comes out is offered, never applied.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import nnls
from scipy.stats import rankdata

from backend.audit.correlation import (
    FEWEST_ACTING,
    FEWEST_PROMPTS,
    Difference,
    acting_prompts,
    numbered,
    rho_difference,
    spearman,
)
from backend.audit.robustness import is_held_out
from backend.audit.table import correlated
from backend.wording import Text, decimal, fill
from rewards.types import Functions, Task

FEWEST_FITTED = 20
"""Rated completions in the visible half from which weights are refitted."""


@dataclass(frozen=True)
class Refit:
    """A task's weights, refitted.

    Attributes:
        now, refitted: component -> its weight; of a task of the workbench's own kind, by what its value is multiplied.
        fitted_on, judged_on: completions in the visible half, and in the held-out one.
        before, after: ρ of the total on the held-out half, as it is and with the refitted weights.
        difference: after minus before.
    """

    now: Mapping[str, float]
    refitted: Mapping[str, float]
    fitted_on: int
    judged_on: int
    before: float | None
    after: float | None
    difference: Difference

    @property
    def is_better(self) -> bool:
        """Whether the interval of the difference lies above 0."""
        return self.difference.low is not None and self.difference.low > 0


def criterion_correlations(rated: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """Correlate a task's total and components with each criterion.

    Args:
        rated: the task's rows of ``rated_scores``.
        given: the task's rows of ``criterion_scores``.

    Returns:
        Columns reward (``total`` first), criterion, n, prompts, rho, low, high, p; one row each.
    """
    values = rated.pivot(index="completion_id", columns="component", values="value")
    values = values[["total", *(c for c in values.columns if c != "total")]]
    rows: list[dict[str, object]] = []
    for criterion, of in given.groupby("criterion", sort=False):
        first = of[of["completion_id"].isin(values.index)].set_index("completion_id")
        found = correlated(first, values.loc[first.index])
        for name, c in zip(values, found, strict=True):
            numbers = {key: getattr(c, key) for key in ("n", "prompts", "rho", "low", "high", "p")}
            rows.append({"reward": name, "criterion": criterion, **numbers})
    return pd.DataFrame(rows, columns=["reward", "criterion", "n", "prompts", "rho", "low", "high", "p"])


def refit(rated: pd.DataFrame, task: Task) -> Refit | None:
    """Refit a task's weights to the human scores of the visible half: least squares on their ranks, no weight changing its sign.

    A component that acts in fewer than ``FEWEST_ACTING`` prompts, such as a penalty for what is rare, keeps its weight; so
    does one of weight 0. The fitted weights keep their sum, and are rounded to three digits before they are judged.

    Args:
        rated: the task's rows of ``rated_scores``.
        task: says how components make up the total.

    Returns:
        None with too few completions or prompts in the visible half, or fewer than two components to fit.
    """
    values = rated.pivot(index="completion_id", columns="component", values="value").drop(columns="total").fillna(0.0)
    first = rated.groupby("completion_id")[["human", "prompt_id"]].first().reindex(values.index)
    held = first["prompt_id"].map(is_held_out).to_numpy(bool)
    seen = values[~held]
    now = dict(task.reward.weights) if isinstance(task.reward, Functions) else dict.fromkeys(values, 1.0)
    prompts = first.loc[~held, "prompt_id"]
    prompt_of = numbered(prompts.tolist())
    fitted = [n for n in seen if now.get(n) and acting_prompts(prompt_of, seen[n].to_numpy(float)) >= FEWEST_ACTING]
    if len(seen) < FEWEST_FITTED or prompts.nunique() < FEWEST_PROMPTS or len(fitted) < 2:
        return None
    factors = _factors(seen[fitted] * pd.Series(now)[fitted], first.loc[~held, "human"].to_numpy(float), now)
    refitted = {name: round(weight * factors.get(name, 1.0), 3) for name, weight in now.items()}
    human, of = first.loc[held, "human"].to_numpy(float), first.loc[held, "prompt_id"].tolist()
    a, b = (_totals(values[held], weights, task) for weights in (now, refitted))
    rhos = spearman(human, a), spearman(human, b)
    return Refit(now, refitted, len(seen), int(held.sum()), *rhos, rho_difference(human, a, b, of))


def _factors(weighted: pd.DataFrame, human: np.ndarray, now: Mapping[str, float]) -> dict[str, float]:
    """component -> by what its weight is multiplied; all 1 where no weights at all rank as people do."""
    ranks = rankdata(human)
    x = weighted.to_numpy(float)
    found, _ = nnls(x - x.mean(axis=0), ranks - ranks.mean())
    weights = np.array([abs(now[name]) for name in weighted])
    if not found @ weights:
        return {}
    return dict(zip(weighted, (found * weights.sum() / (found @ weights)).tolist(), strict=True))


def _totals(values: pd.DataFrame, weights: Mapping[str, float], task: Task) -> np.ndarray:
    total = (values * pd.Series(weights).reindex(values.columns).fillna(0.0)).sum(axis=1)
    return (total if task.bounds is None else total.clip(*task.bounds)).to_numpy(float)


def refit_words(found: Refit | None) -> Text:
    """What the held-out half says of the refitted weights."""
    if found is None:
        return fill(
            "Weights are refitted from {n} rated completions of {m} prompts in the visible half, and two components that act there.",
            "Os pesos são reajustados a partir de {n} respostas avaliadas de {m} prompts na metade visível, e dois componentes que "
            "agem nela.",
            n=FEWEST_FITTED, m=FEWEST_PROMPTS,
        )  # fmt: skip
    d = found.difference
    if d.delta is None or d.low is None or d.high is None:
        return Text(
            "The held-out half has too few prompts to judge the refitted weights.",
            "A metade reservada tem poucos prompts para julgar os pesos reajustados.",
        )
    seen: dict[str, Text | str | int] = {
        "before": decimal(found.before or 0.0), "after": decimal(found.after or 0.0), "n": found.judged_on,
        "delta": decimal(d.delta, signed=True), "low": decimal(d.low, signed=True), "high": decimal(d.high, signed=True),
    }  # fmt: skip
    head = fill(
        "On the held-out half (n = {n}) ρ goes from {before} to {after}: Δρ = {delta}, interval {low} to {high}. ",
        "Na metade reservada (n = {n}) o ρ vai de {before} a {after}: Δρ = {delta}, intervalo {low} a {high}. ",
        **seen,
    )
    if found.is_better:
        said = Text("The refitted weights rank better.", "Os pesos reajustados ordenam melhor.")
    elif d.high < 0:
        said = Text("The refitted weights rank worse: keep those there are.", "Os pesos reajustados ordenam pior: fique com os atuais.")  # fmt: skip
    else:
        said = Text(
            "No gain is shown: keep the weights there are.", "Nenhum ganho se mostrou: fique com os pesos atuais."
        )
    return Text(head.en + said.en, head.pt + said.pt)


def as_dict(criteria: pd.DataFrame, found: Refit | None, new_version: str) -> dict[str, Any]:
    """Both as plain values, for JSON."""
    rows = criteria.astype(object).where(criteria.notna(), None).to_dict("records")
    if found is None:
        return {"criteria": rows, "refit": None}
    weights = {name: {"now": found.now[name], "refitted": found.refitted[name]} for name in found.now}
    judged = {"fitted_on": found.fitted_on, "judged_on": found.judged_on, "before": found.before, "after": found.after}
    offer = {
        "better": found.is_better,
        "sentence": str(refit_words(found)),
        "new_version": new_version if found.is_better else None,
    }
    return {"criteria": rows, "refit": {"weights": weights, **judged, **asdict(found.difference), **offer}}


def as_lines(task: Mapping[str, Any]) -> list[str]:
    """What ``as_dict`` says of a task, as lines for a terminal."""
    lines = []
    for criterion in dict.fromkeys(row["criterion"] for row in task.get("criteria") or []):
        rows = [row for row in task["criteria"] if row["criterion"] == criterion]
        each = ", ".join(f"{row['reward']} {row['rho']:+.2f}" for row in rows if row["rho"] is not None)
        lines.append(f"  criterion {criterion} (n = {max(row['n'] for row in rows)}): {each or 'too few to tell'}")
    if (found := task.get("refit")) is not None:
        new = ", ".join(f"{name} {w['now']:g} → {w['refitted']:g}" for name, w in found["weights"].items())
        lines.append(f"  refitted weights: {new}. {found['sentence']}")
    return lines
