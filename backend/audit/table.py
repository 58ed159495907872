"""The audit as one table: tasks x (total and components), with n, rho, interval, p and the gate."""

from dataclasses import asdict

import pandas as pd

from backend.audit.correlation import Correlation, correlate, within_prompt
from backend.audit.gate import decide
from backend.suites import GateSettings, find_task, in_order, suite_of

COLUMNS = [
    "task", "reward", "n", "rho", "low", "high", "p", "constant", "verdict", "reason", "least_rho",
    "within_n", "within", "within_low", "within_high",
]  # fmt: skip


def audit_table(rated: pd.DataFrame, settings: GateSettings | None = None) -> pd.DataFrame:
    """Correlate every task's total and components with the human scores, and judge each task's total.

    This is the one place that decides: the page, the terminal and the recorded decision read it.

    Args:
        rated: columns completion_id, task, component, value, human, and prompt_id where within-prompt ρ is to count; one row
            per (completion, component).
        settings: thresholds, in place of each suite's own.

    Returns:
        One row per task and reward, ``total`` first, tasks in the suites' order; the gate's verdict, and the within-prompt ρ
        that it also rests on, stand on the total alone.
    """
    rows: list[dict[str, object]] = []
    for task in in_order([str(task) for task in rated["task"].unique()]):
        of_task = rated[rated["task"] == task]
        found = find_task(task)
        thresholds = settings or (suite_of(task).gate if found is not None else GateSettings())
        values = of_task.pivot(index="completion_id", columns="component", values="value")
        first = of_task.groupby("completion_id").first().reindex(values.index)
        within = _within(first, values["total"])
        names = ["total", *(c for c in values.columns if c != "total")]
        for name, c in zip(names, _correlated(first["human"], values[names]), strict=True):
            row: dict[str, object] = {"task": task, "reward": name, "least_rho": thresholds.least_rho, **asdict(c)}
            if name == "total":
                gate = decide(c, thresholds, within)
                row |= {"verdict": gate.verdict, "reason": gate.reason, "within_n": within.n, "within": within.rho}
                row |= {"within_low": within.low, "within_high": within.high}
            else:
                row |= {"verdict": "", "reason": "constant" if c.constant else ""}
            rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


def _within(rated: pd.DataFrame, totals: pd.Series) -> Correlation:
    """The within-prompt correlation of a task's totals; of no prompts where the rows name none."""
    if "prompt_id" not in rated:
        return Correlation(0, None)
    return within_prompt(rated["human"].to_numpy(float), totals.to_numpy(float), rated["prompt_id"].tolist())


def _correlated(human: pd.Series, values: pd.DataFrame) -> list[Correlation]:
    """Each column's correlation with the human scores, on the completions that it applies to."""
    whole = [name for name in values if values[name].notna().all()]
    found = dict(zip(whole, correlate(human.to_numpy(float), values[whole].to_numpy(float)), strict=True))
    for name in values.columns.difference(whole):
        there = values[name].notna()
        (found[name],) = correlate(human[there].to_numpy(float), values.loc[there, [name]].to_numpy(float))
    return [found[name] for name in values]


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
