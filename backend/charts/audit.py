"""The audit's charts: ρ against the gate, and rewards against human scores."""

import altair as alt
import pandas as pd

from backend.charts.base import LIMIT, QUIET, labels
from backend.wording import speaker


def correlation_chart(audit: pd.DataFrame, lang: str = "en") -> alt.LayerChart:
    """Rho of every task's total with its 95 % interval, and the gate's threshold (column least_rho)."""
    t = speaker(lang)
    frame = audit.assign(label=labels(audit["task"], lang))
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
    interval = base.mark_rule(strokeWidth=2, color=QUIET).encode(y=y, x=x.scale(domain=[-0.5, 1]), x2="high:Q")
    point = base.mark_point(size=110, filled=True, opacity=1).encode(
        y=y, x="rho:Q", shape=alt.Shape("verdict:N", title=t("Gate", "Portão")), tooltip=tooltip
    )
    gate = base.mark_tick(thickness=2, size=30, color=LIMIT).encode(y=y, x="least_rho:Q")
    return (gate + interval + point).properties(height=46 * max(2, len(frame)))


def scatter_chart(totals: pd.DataFrame, lang: str = "en") -> alt.Chart:
    """Human score against reward, one point per completion; a click selects it."""
    t = speaker(lang)
    in_unit = bool(totals["value"].between(0, 1).all())
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
            y=alt.Y(
                "value:Q",
                title=t("reward (0 to 1)", "recompensa (0 a 1)") if in_unit else t("reward", "recompensa"),
                scale=alt.Scale(domain=[0, 1]) if in_unit else alt.Scale(zero=False, nice=True),
            ),
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


def climb_chart(climb: pd.DataFrame, target: float, lang: str = "en") -> alt.LayerChart:
    """The best total an attack had reached by each number of calls (columns calls, best), and what counts as high."""
    t = speaker(lang)
    line = (
        alt.Chart(climb)
        .mark_line(interpolate="step-after", point=True)
        .encode(
            x=alt.X(
                "calls:Q", title=t("calls of the reward", "chamadas da recompensa"), scale=alt.Scale(type="symlog")
            ),
            y=alt.Y("best:Q", title=t("best total so far", "melhor total até aqui")),
            tooltip=[
                alt.Tooltip("calls:Q", title=t("calls", "chamadas")),
                alt.Tooltip("best:Q", title=t("best", "melhor"), format=".2f"),
            ],
        )
    )
    rule = alt.Chart(pd.DataFrame({"target": [target]})).mark_rule(color=LIMIT, strokeWidth=2).encode(y="target:Q")
    return (line + rule).properties(height=180)


def best_of_chart(gains: pd.DataFrame, title: str, lang: str = "en") -> alt.LayerChart:
    """The gain from one answer to the best of n by the reward, with its 95 % interval.

    Args:
        gains: columns n, prompts, gain, low, high (``backend.audit.best_of_n.gains``).
        title: what is gained.
        lang: ``en`` or ``pt``.
    """
    t = speaker(lang)
    x = alt.X("n:O", title=t("best of", "melhor de"), axis=alt.Axis(labelAngle=0))
    base = alt.Chart(gains)
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=QUIET, strokeDash=[4, 4]).encode(y="zero:Q")
    interval = base.mark_rule(strokeWidth=2, color=QUIET).encode(x=x, y="low:Q", y2="high:Q")
    line = base.mark_line(point=alt.OverlayMarkDef(size=70, filled=True)).encode(
        x=x,
        y=alt.Y("gain:Q", title=None),
        tooltip=[
            alt.Tooltip("n:O", title=t("best of", "melhor de")),
            alt.Tooltip("gain:Q", title=t("gain", "ganho"), format="+.2f"),
            alt.Tooltip("low:Q", title=t("low", "mín."), format="+.2f"),
            alt.Tooltip("high:Q", title=t("high", "máx."), format="+.2f"),
            alt.Tooltip("prompts:Q", title="prompts"),
        ],
    )
    heading = alt.TitleParams(title, anchor="start", fontSize=13, fontWeight="normal", color=QUIET)
    return (zero + interval + line).properties(height=180, title=heading)
