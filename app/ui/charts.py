"""The charts: Altair, units on the axes, tooltips, and readable without colour."""

import altair as alt
import pandas as pd

from app.ui.language import t, task_name


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
    interval = base.mark_rule(strokeWidth=2).encode(y=y, x=x.scale(domain=[-0.5, 1]), x2="high:Q")
    point = base.mark_point(size=110, filled=True, opacity=1).encode(
        y=y, x="rho:Q", shape=alt.Shape("verdict:N", title=t("Gate", "Portão")), tooltip=tooltip
    )
    gate = alt.Chart(pd.DataFrame({"x": [0.6]})).mark_rule(strokeDash=[4, 4], opacity=0.7).encode(x="x:Q")
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


def task_curves(metrics: pd.DataFrame, title: str) -> alt.Chart:
    """One line per task (and run) over steps.

    Args:
        metrics: columns step, value, task and run.
        title: of the y axis.
    """
    frame = metrics.assign(label=metrics["task"].map(task_name))
    encoding = {
        "x": alt.X("step:Q", title=t("training step", "passo de treino"), axis=alt.Axis(tickMinStep=1)),
        "y": alt.Y("value:Q", title=title, scale=alt.Scale(zero=False, nice=True)),
        "color": alt.Color("label:N", title=t("Task", "Tarefa"), sort=None),
        "tooltip": [
            alt.Tooltip("run:N", title=t("run", "treino")),
            alt.Tooltip("label:N", title=t("Task", "Tarefa")),
            alt.Tooltip("step:Q", title=t("step", "passo")),
            alt.Tooltip("value:Q", format=".3f"),
        ],
    }
    if frame["run"].nunique() > 1:
        encoding["strokeDash"] = alt.StrokeDash("run:N", title=t("run", "treino"))
    return alt.Chart(frame).mark_line(point=alt.OverlayMarkDef(size=36)).encode(**encoding).properties(height=300)


def metric_line(metrics: pd.DataFrame, title: str, height: int = 170) -> alt.Chart:
    """One number over steps; a line per run."""
    return (
        alt.Chart(metrics)
        .mark_line()
        .encode(
            x=alt.X("step:Q", title=t("step", "passo"), axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(format="~r")),
            color=alt.Color("run:N", title=None, legend=None),
            tooltip=["run", "step", alt.Tooltip("value:Q", format=".4g")],
        )
        .properties(height=height, title=alt.TitleParams(title, anchor="start", fontSize=13))
    )


def difference_chart(paired: pd.DataFrame) -> alt.LayerChart:
    """Every prompt's tuned minus base, a dot each, in a row per task; the mean as a tick."""
    frame = paired.assign(d=paired["tuned"] - paired["base"], label=paired["task"].map(task_name))
    frame["jitter"] = [(0.618 * i % 1 - 0.5) * 26 for i in range(len(frame))]  # apart, and the same at every redraw
    y = alt.Y("label:N", title=None, sort=None)
    x = alt.X(
        "d:Q", title=t("tuned − base (reward, one dot per prompt)", "treinado − base (recompensa, um ponto por prompt)")
    )
    zero = alt.Chart(pd.DataFrame({"x": [0.0]})).mark_rule(strokeDash=[4, 4], opacity=0.7).encode(x="x:Q")
    dots = (
        alt.Chart(frame)
        .mark_circle(size=46, opacity=0.55)
        .encode(
            x=x,
            y=y,
            yOffset=alt.YOffset("jitter:Q", scale=alt.Scale(domain=[-40, 40])),
            tooltip=[alt.Tooltip("prompt_id:N", title="prompt"), alt.Tooltip("d:Q", format="+.2f")],
        )
    )
    mean = (
        alt.Chart(frame)
        .mark_tick(thickness=3, size=34)
        .encode(x="mean(d):Q", y=y, tooltip=[alt.Tooltip("mean(d):Q", title=t("mean", "média"), format="+.3f")])
    )
    return (zero + dots + mean).properties(height=72 * max(1, frame["task"].nunique()))
