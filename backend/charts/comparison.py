"""The charts that compare base and tuned: the difference of every prompt, and of every seed."""

import json
from textwrap import wrap

import altair as alt
import pandas as pd

from backend.charts.base import GOOD, LIMIT, QUIET, labels, vertical
from backend.wording import decimal, speaker


def difference_chart(paired: pd.DataFrame, means: pd.DataFrame, lang: str = "en") -> alt.LayerChart:
    """One dot per prompt for tuned minus base, in a row per task, with the mean and its interval on top.

    Args:
        paired: columns prompt_id, task, base, tuned.
        means: columns task, delta, low, high; one row per task.
        lang: ``en`` or ``pt``.
    """
    t = speaker(lang)
    frame = paired.assign(d=paired["tuned"] - paired["base"], label=labels(paired["task"], lang))
    # Spread the dots, in the same way at every drawing.
    frame["jitter"] = [(0.618 * i % 1 - 0.5) * 26 for i in range(len(frame))]
    means = means.assign(label=labels(means["task"], lang))
    y = alt.Y("label:N", title=None, sort=None)
    x = alt.X(
        "d:Q", title=t("tuned − base (reward, one dot per prompt)", "treinado − base (recompensa, um ponto por prompt)")
    )
    dots = (
        alt.Chart(frame)
        .mark_circle(size=46, opacity=0.5)
        .encode(
            x=x,
            y=y,
            yOffset=alt.YOffset("jitter:Q", scale=alt.Scale(domain=[-40, 40])),
            tooltip=[alt.Tooltip("prompt_id:N", title="prompt"), alt.Tooltip("d:Q", format="+.2f")],
        )
    )
    tooltip = [
        alt.Tooltip("label:N", title=t("task", "tarefa")),
        alt.Tooltip("delta:Q", title=t("mean", "média"), format="+.3f"),
        alt.Tooltip("low:Q", title=t("low", "mín."), format="+.3f"),
        alt.Tooltip("high:Q", title=t("high", "máx."), format="+.3f"),
    ]
    interval = (
        alt.Chart(means).mark_rule(strokeWidth=3, color=QUIET).encode(y=y, x="low:Q", x2="high:Q", tooltip=tooltip)
    )
    mean = alt.Chart(means).mark_tick(thickness=4, size=30, color=QUIET).encode(x="delta:Q", y=y, tooltip=tooltip)
    return (vertical(0) + dots + interval + mean).properties(height=72 * max(1, frame["task"].nunique()))


_WIDEST = 24
"""Characters of a verdict in one line: half of a phone's width."""


def change_chart(changes: pd.DataFrame, lang: str = "en") -> alt.LayerChart:
    """Each task's mean difference with its interval, beside its name, n and verdict.

    Args:
        changes: columns task, n, delta, low, high, verdict (in words), better (True, False, or None where it is not known);
            one row per task.
        lang: ``en`` or ``pt``.
    """
    t = speaker(lang)
    names, rows = labels(changes["task"], lang), len(changes)
    words = [
        [f"{name} · n = {n}", *(line for part in verdict.split("; ") for line in wrap(part, _WIDEST))]
        for name, n, verdict in zip(names, changes["n"], changes["verdict"], strict=True)
    ]
    frame = changes.assign(
        name=names,
        row=range(rows),
        moved=[decimal(d, signed=True).within(lang) for d in changes["delta"]],
        colour=changes["better"].map({True: GOOD, False: LIMIT}).fillna(QUIET),
    )
    step = 16 * max(map(len, words)) + 16
    up = 7 * (max(map(len, words)) - 1) / step  # a label hangs from its first line
    axis = alt.Axis(
        values=[row - up for row in range(rows)], labelExpr=f"{json.dumps(words)}[round(datum.value + {up})]", labelLimit=0,
        labelOverlap=False, labelFontSize=12, labelPadding=12, ticks=False, grid=False, domain=False,
    )  # fmt: skip
    base = alt.Chart(frame).encode(
        y=alt.Y("row:Q", title=None, axis=axis, scale=alt.Scale(domain=[rows - 0.5, -0.5], nice=False)),
        color=alt.Color("colour:N", scale=None),
        tooltip=[
            alt.Tooltip("name:N", title=t("Task", "Tarefa")),
            alt.Tooltip("verdict:N", title=t("verdict", "veredito")),
            alt.Tooltip("delta:Q", title="Δ", format="+.2f"),
            alt.Tooltip("low:Q", title=t("from", "de"), format="+.2f"),
            alt.Tooltip("high:Q", title=t("to", "até"), format="+.2f"),
            alt.Tooltip("n:Q", title="n"),
        ],
    )
    interval = base.mark_rule(strokeWidth=3).encode(
        x=alt.X("low:Q", title=None, axis=alt.Axis(tickCount=5)), x2="high:Q"
    )
    mean = base.mark_point(size=110, filled=True, opacity=1).encode(x="delta:Q")
    number = base.mark_text(dy=-14, fontWeight="bold").encode(x="delta:Q", text="moved:N")
    return (vertical(0) + interval + mean + number).properties(height=step * rows + 30)


def seeds_chart(points: pd.DataFrame, lang: str = "en") -> alt.LayerChart:
    """One point for each seed's mean difference per task: columns label, seed, delta."""
    t = speaker(lang)
    dots = (
        alt.Chart(points)
        .mark_point(filled=True, size=90, opacity=0.85)
        .encode(
            x=alt.X("delta:Q", title=t("mean Δ of a seed (reward)", "Δ médio de uma semente (recompensa)")),
            y=alt.Y("label:N", title=None, sort=None),
            shape=alt.Shape("seed:N", title=t("seed", "semente")),
            color=alt.Color("seed:N", title=t("seed", "semente")),
            tooltip=["label", "seed", alt.Tooltip("delta:Q", format="+.3f")],
        )
    )
    return (vertical(0) + dots).properties(height=56 * max(1, points["label"].nunique()))
