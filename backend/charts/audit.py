"""The audit's charts: ρ against the gate, and rewards against human scores."""

import altair as alt
import pandas as pd

from backend.charts.base import GOOD, LIMIT, QUIET, labels
from backend.wording import decimal, speaker


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
    least = -1.0 if (audit["low"] < -0.5).any() or (audit["rho"] < -0.5).any() else -0.5
    interval = base.mark_rule(strokeWidth=2, color=QUIET).encode(y=y, x=x.scale(domain=[least, 1]), x2="high:Q")
    point = base.mark_point(size=110, filled=True, opacity=1).encode(
        y=y, x="rho:Q", shape=alt.Shape("verdict:N", title=t("Gate", "Portão")), tooltip=tooltip
    )
    gate = base.mark_tick(thickness=2, size=30, color=LIMIT).encode(y=y, x="least_rho:Q")
    return (gate + interval + point).properties(height=46 * max(2, len(frame)))


def scatter_chart(
    totals: pd.DataFrame, chosen: int | None = None, lang: str = "en", in_unit: bool = False
) -> alt.Chart:
    """Human score against reward, one point per completion; a click selects it, and the chosen one is large.

    Points at the same place stand side by side, so that none hides another. ``in_unit``: the reward is from 0 to 1.
    """
    t = speaker(lang)
    spread = (totals["value"].max() - totals["value"].min()) or 1.0
    place = totals.assign(near=(totals["value"] / spread * 25).round()).groupby(["human", "near"])
    of, all_of = place.cumcount(), place["value"].transform("size")
    frame = totals.assign(
        x=totals["human"] + (of - (all_of - 1) / 2) * (0.8 / all_of).clip(upper=0.12),
        chosen=totals["completion_id"] == chosen,
    )
    picked = alt.selection_point(name="picked", fields=["completion_id"])
    return (
        alt.Chart(frame)
        .mark_point(filled=True)
        .encode(
            x=alt.X(
                "x:Q",
                title=t("human score (1 to 5)", "nota humana (1 a 5)"),
                scale=alt.Scale(domain=[0.5, 5.5]),
                axis=alt.Axis(values=[1, 2, 3, 4, 5], format="d"),
            ),
            y=alt.Y(
                "value:Q",
                title=t("reward (0 to 1)", "recompensa (0 a 1)") if in_unit else t("reward", "recompensa"),
                scale=alt.Scale(domain=[0, 1]) if in_unit else alt.Scale(zero=False, nice=True),
            ),
            size=alt.condition("datum.chosen", alt.value(330), alt.value(70)),
            shape=alt.condition("datum.chosen", alt.value("diamond"), alt.value("circle")),
            color=alt.condition("datum.chosen", alt.value(LIMIT), alt.value(GOOD)),
            opacity=alt.condition("datum.chosen", alt.value(1.0), alt.value(0.75)),
            order=alt.Order("chosen:O"),
            tooltip=[
                alt.Tooltip("completion_id:Q", title=t("completion", "resposta")),
                alt.Tooltip("human:Q", title=t("human score", "nota humana"), format=".1f"),
                alt.Tooltip("value:Q", title=t("reward", "recompensa"), format=".2f"),
            ],
        )
        .add_params(picked)
        .properties(height=340)
    )


def heat_map(audit: pd.DataFrame, lang: str = "en") -> alt.LayerChart:
    """Every task's rewards by their ρ with people: a column a task, the total first, ρ and n in each cell.

    Args:
        audit: of ``audit_table``.
        lang: ``en`` or ``pt``.
    """
    t = speaker(lang)
    total = t("total", "total")
    frame = audit.assign(
        label=labels(audit["task"], lang),
        name=audit["reward"].where(audit["reward"] != "total", total),
        words=[
            f"{'–' if pd.isna(r) else decimal(r).within(lang)} ({n})"
            for r, n in zip(audit["rho"], audit["n"], strict=True)
        ],
    )
    names = [total, *sorted(set(frame["name"]) - {total})]
    base = alt.Chart(frame).encode(
        x=alt.X(
            "label:N",
            title=None,
            sort=None,
            axis=alt.Axis(orient="top", labelAngle=-25, labelAlign="left", labelOverlap=False, ticks=False),
        ),
        y=alt.Y(
            "name:N",
            title=None,
            sort=names,
            axis=alt.Axis(labelLimit=0, labelFlush=False, labelOverlap=False, ticks=False),
        ),
        tooltip=[
            alt.Tooltip("label:N", title=t("Task", "Tarefa")),
            alt.Tooltip("name:N", title=t("Reward", "Recompensa")),
            alt.Tooltip("rho:Q", title="ρ", format=".2f"),
            alt.Tooltip("low:Q", title=t("from", "de"), format=".2f"),
            alt.Tooltip("high:Q", title=t("to", "até"), format=".2f"),
            alt.Tooltip("n:Q", title="n"),
        ],
    )
    colour = alt.Color(
        "rho:Q", title="ρ", legend=None, scale=alt.Scale(domain=[-1, 0, 1], range=[LIMIT, "#f1f3f2", GOOD])
    )
    return (base.mark_rect().encode(color=colour) + base.mark_text(color="#17211f").encode(text="words:N")).properties(
        height=28 * len(names) + 40
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
