"""The comparison's charts, for the page and for the report: Altair, told in which language to speak."""

from typing import TypeVar

import altair as alt
import pandas as pd

from backend.evaluation.compare import TaskComparison
from backend.wording import Text, task_words

AnyChart = TypeVar("AnyChart", bound=alt.TopLevelMixin)

_QUIET = "#7d8a86"
"""Readable on a light and on a dark ground."""


def difference_chart(paired: pd.DataFrame, comparisons: list[TaskComparison], lang: str = "en") -> alt.LayerChart:
    """Every prompt's tuned minus base, a dot each, in a row per task; the mean with its interval above them.

    Args:
        paired: columns prompt_id, task, base, tuned.
        comparisons: of the same tasks.
        lang: ``en`` or ``pt``.
    """

    def t(en: str, pt: str) -> str:
        return Text(en, pt).within(lang)

    frame = paired.assign(
        d=paired["tuned"] - paired["base"], label=[task_words(task).within(lang) for task in paired["task"]]
    )
    frame["jitter"] = [(0.618 * i % 1 - 0.5) * 26 for i in range(len(frame))]  # apart, and the same at every redraw
    means = pd.DataFrame(
        [
            {"label": task_words(c.task).within(lang), "delta": c.delta, "low": c.low, "high": c.high}
            for c in comparisons
            if c.task != "overall"
        ]
    )
    y = alt.Y("label:N", title=None, sort=None)
    x = alt.X(
        "d:Q", title=t("tuned − base (reward, one dot per prompt)", "treinado − base (recompensa, um ponto por prompt)")
    )
    zero = alt.Chart(pd.DataFrame({"x": [0.0]})).mark_rule(strokeDash=[4, 4], color=_QUIET).encode(x="x:Q")
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
        alt.Chart(means).mark_rule(strokeWidth=3, color=_QUIET).encode(y=y, x="low:Q", x2="high:Q", tooltip=tooltip)
    )
    mean = alt.Chart(means).mark_tick(thickness=4, size=30, color=_QUIET).encode(x="delta:Q", y=y, tooltip=tooltip)
    return (zero + dots + interval + mean).properties(height=72 * max(1, frame["task"].nunique()))


def in_language(chart: AnyChart, lang: str) -> AnyChart:
    """The chart with its numbers written as the language writes them."""
    if lang != "pt":
        return chart
    number = alt.NumberLocale(decimal=",", thousands=".", grouping=[3], currency=["R$ ", ""])
    return chart.configure(locale=alt.Locale(number=number))


def svg(chart: alt.LayerChart, lang: str = "en", width: int = 640) -> str:
    """The chart as SVG, for a file that opens without a network."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(in_language(chart, lang).properties(width=width).to_dict()))
