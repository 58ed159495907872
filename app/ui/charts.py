"""The charts: Altair, units on the axes, tooltips, and readable without colour."""

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from app.ui.language import t, task_name
from backend.evaluation.charts import in_language
from rewards import registered


def show_chart(chart: alt.Chart | alt.LayerChart, alt: str, **more: Any) -> Any:
    """Draw a chart in the reader's language, with ``alt`` for those who do not see it."""
    return st.altair_chart(in_language(chart, st.session_state.get("lang", "en")), alt=alt, **more)


def correlation_chart(audit: pd.DataFrame) -> alt.Chart:
    """Rho of every task's total with its 95 % interval, beside the gate's threshold."""
    frame = audit.assign(label=audit["task"].map(task_name))
    y = alt.Y("label:N", title=None, sort=None)
    base = alt.Chart(frame)
    tooltip = [
        alt.Tooltip("label:N", title=t("Task", "Tarefa")),
        alt.Tooltip("n:Q", title="n"),
        alt.Tooltip("rho:Q", title="ρ", format=".2f"),
        alt.Tooltip("low:Q", title=t("low", "mín."), format=".2f"),
        alt.Tooltip("high:Q", title=t("high", "máx."), format=".2f"),
        alt.Tooltip("verdict:N", title=t("Gate", "Portão")),
    ]
    x = alt.X("low:Q", title=t("Spearman's ρ with human scores", "ρ de Spearman com as notas humanas"))
    interval = base.mark_rule(strokeWidth=2, color="#7d8a86").encode(y=y, x=x.scale(domain=[-0.5, 1]), x2="high:Q")
    point = base.mark_point(size=110, filled=True, opacity=1).encode(
        y=y, x="rho:Q", shape=alt.Shape("verdict:N", title=t("Gate", "Portão")), tooltip=tooltip
    )
    gate = alt.Chart(pd.DataFrame({"x": [0.6]})).mark_rule(strokeDash=[4, 4], color="#7d8a86").encode(x="x:Q")
    return (gate + interval + point).properties(height=46 * max(2, len(frame)))


def scatter_chart(totals: pd.DataFrame) -> alt.Chart:
    """Human score against reward, one point per completion; a click selects it."""
    picked = alt.selection_point(name="picked", fields=["completion_id"])
    return (
        alt.Chart(totals)
        .mark_circle(size=90)
        .encode(
            x=alt.X(
                "human:Q",
                title=t("human score (1 to 5)", "nota humana (1 a 5)"),
                scale=alt.Scale(domain=[0.8, 5.2]),
                axis=alt.Axis(values=[1, 2, 3, 4, 5], format="d"),
            ),
            y=alt.Y("value:Q", title=t("reward (0 to 1)", "recompensa (0 a 1)"), scale=alt.Scale(domain=[0, 1])),
            opacity=alt.condition(picked, alt.value(0.95), alt.value(0.45)),
            tooltip=[
                alt.Tooltip("completion_id:Q", title=t("completion", "resposta")),
                alt.Tooltip("human:Q", format=".1f"),
                alt.Tooltip("value:Q", title=t("reward", "recompensa"), format=".2f"),
            ],
        )
        .add_params(picked)
        .properties(height=320)
    )


def task_curves(points: pd.DataFrame, title: str, best_step: int | None = None) -> alt.LayerChart:
    """One line per task (and run) over steps, with its interval where there is one, and the best step marked.

    Args:
        points: columns step, value, task and run; low and high where there is an interval.
        title: of the y axis.
        best_step: the step whose adapter was kept.
    """
    frame = points.assign(label=points["task"].map(task_name))
    x = alt.X("step:Q", title=t("training step", "passo de treino"), axis=alt.Axis(tickMinStep=1, tickCount=10))
    color, shape = _task_marks(frame["label"])
    encoding = {
        "x": x,
        "y": alt.Y("value:Q", title=title, scale=alt.Scale(zero=False, nice=True)),
        "color": color,
        "shape": shape,
        "tooltip": [
            alt.Tooltip("run:N", title=t("run", "treino")),
            alt.Tooltip("label:N", title=t("Task", "Tarefa")),
            alt.Tooltip("step:Q", title=t("step", "passo")),
            alt.Tooltip("value:Q", format=".3f"),
        ],
    }
    few = len(frame) <= 300  # beyond that the points would hide the lines, and take long to draw
    lines = alt.Chart(frame).mark_line(point=alt.OverlayMarkDef(size=46, filled=True) if few else False)
    layers: list[alt.Chart] = []
    if frame["run"].nunique() > 1:
        encoding["strokeDash"] = alt.StrokeDash("run:N", title=t("run", "treino"))
    elif "low" in frame:
        band = alt.Chart(frame).mark_area(fillOpacity=0.13)
        layers.append(band.encode(x=x, y="low:Q", y2="high:Q", color=color))
    layers.append(lines.encode(**encoding))
    if best_step is not None:
        at = alt.Chart(pd.DataFrame({"step": [best_step], "label": [t("best", "melhor")]}))
        layers.append(at.mark_rule(strokeDash=[2, 3], color="#7d8a86").encode(x="step:Q"))
        layers.append(at.mark_text(align="right", dx=-4, y=8, color="#7d8a86").encode(x="step:Q", text="label:N"))
    return alt.LayerChart(layer=layers).properties(height=300)


def _task_marks(labels: pd.Series, legend: bool = True) -> tuple[alt.Color, alt.Shape]:
    """Colour and shape of each label: a task has the same ones in every chart, whichever others are there."""
    tasks, present = [task_name(name) for name in registered()], list(labels.unique())
    scale = alt.Scale(domain=tasks) if set(present) <= set(tasks) else alt.Scale()
    shown = alt.Legend(values=[name for name in tasks if name in present] or present) if legend else None
    title = t("Task", "Tarefa")
    return (
        alt.Color("label:N", title=title, sort=None, scale=scale, legend=shown),
        alt.Shape("label:N", title=title, sort=None, scale=scale, legend=shown),
    )


def metric_line(
    points: pd.DataFrame,
    title: str,
    limit: float | None = None,
    stopped_at: int | None = None,
    legend: bool = False,
    height: int = 170,
) -> alt.LayerChart:
    """One number over steps, a line per run; the stop rule's threshold, and where a rule ended the run."""
    names = alt.Legend(orient="bottom", columns=2, title=None) if legend else None
    line = (
        alt.Chart(points)
        .mark_line()
        .encode(
            x=alt.X("step:Q", title=t("step", "passo"), axis=alt.Axis(tickMinStep=1, tickCount=5)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(format="~r")),
            color=alt.Color("run:N", title=None, sort=None, legend=names),
            tooltip=["run", "step", alt.Tooltip("value:Q", format=".4g")],
        )
    )
    layers: list[alt.Chart] = [line]
    if limit is not None:
        rule = alt.Chart(pd.DataFrame({"limit": [limit]})).mark_rule(strokeDash=[5, 4], color="#c4432b")
        layers.append(
            rule.encode(y="limit:Q", tooltip=[alt.Tooltip("limit:Q", title=t("rule", "regra"), format=".3g")])
        )
    if stopped_at is not None:
        rule = alt.Chart(pd.DataFrame({"step": [stopped_at]})).mark_rule(color="#c4432b", strokeWidth=2)
        layers.append(rule.encode(x="step:Q", tooltip=[alt.Tooltip("step:Q", title=t("stopped at", "parou em"))]))
    return alt.LayerChart(layer=layers).properties(
        height=height, title=alt.TitleParams(title, anchor="start", fontSize=13)
    )


def day_chart(days: pd.DataFrame, column: str, title: str, limit: float | None = None) -> alt.LayerChart:
    """One number over days, a line per task.

    Args:
        days: columns day, task, answers and ``column``.
        column: reward, unparsable (a share) or characters.
        title: of the y axis.
        limit: drawn as a dashed rule; the chart with it is the large one, and has the legend.
    """
    frame = days.assign(label=days["task"].map(task_name))
    share, main = column == "unparsable", limit is not None
    if column == "characters":
        y = alt.Y(f"{column}:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(format=",.0f", tickCount=5))
    else:
        scale = alt.Scale(domain=[0, 1])
        y = alt.Y(f"{column}:Q", title=title, scale=scale, axis=alt.Axis(format="%") if share else alt.Axis())
    days_axis = alt.Axis(format="%d/%m", tickCount="day" if frame["day"].nunique() < 15 else 10)
    color, shape = _task_marks(frame["label"], legend=main)  # the first chart's legend is everybody's
    line = (
        alt.Chart(frame)
        .mark_line(point=alt.OverlayMarkDef(size=46, filled=True))
        .encode(
            x=alt.X("day:T", title=t("day (UTC)", "dia (UTC)"), axis=days_axis),
            y=y,
            color=color,
            shape=shape,
            tooltip=[
                alt.Tooltip("label:N", title=t("Task", "Tarefa")),
                alt.Tooltip("day:T", format="%Y-%m-%d", title=t("day", "dia")),
                alt.Tooltip(f"{column}:Q", title=title, format=".0%" if share else ".2f" if main else ",.0f"),
                alt.Tooltip("answers:Q", title=t("answers", "respostas")),
            ],
        )
    )
    layers: list[alt.Chart] = [line]
    if main:
        rule = alt.Chart(pd.DataFrame({"limit": [limit]})).mark_rule(strokeDash=[5, 4], color="#c4432b")
        layers.append(rule.encode(y="limit:Q"))
    return alt.LayerChart(layer=layers).properties(height=280 if main else 200)
