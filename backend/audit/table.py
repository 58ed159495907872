"""The audit as one table: tasks x (total and components), with n, rho, interval, p and the gate."""

import pandas as pd

from backend.audit.correlation import correlate
from backend.audit.gate import decide
from backend.suites import GateSettings, suite_of, task_names

COLUMNS = ["task", "reward", "n", "rho", "low", "high", "p", "constant", "verdict", "reason", "least_rho"]


def audit_table(rated: pd.DataFrame) -> pd.DataFrame:
    """Correlate every task's total and components with the human scores.

    Args:
        rated: columns completion_id, task, component, value, human; one row per (completion, component).

    Returns:
        One row per task and reward, ``total`` first; the gate's verdict stands on the total alone.
    """
    rows: list[dict[str, object]] = []
    for task, of_task in rated.groupby("task", sort=True):
        thresholds = suite_of(str(task)).gate if task in task_names() else None
        values = of_task.pivot(index="completion_id", columns="component", values="value")
        human = of_task.groupby("completion_id")["human"].first().reindex(values.index)
        names = ["total", *(c for c in values.columns if c != "total")]
        results = correlate(human.to_numpy(float), values[names].to_numpy(float))
        for name, c in zip(names, results, strict=True):
            gate = decide(c, thresholds) if name == "total" else None
            rows.append(
                {
                    "task": task,
                    "reward": name,
                    "n": c.n,
                    "rho": c.rho,
                    "low": c.low,
                    "high": c.high,
                    "p": c.p,
                    "constant": c.constant,
                    "verdict": gate.verdict if gate else "",
                    "reason": gate.reason if gate else "constant" if c.constant else "",
                    "least_rho": (thresholds or GateSettings()).least_rho,
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)


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
