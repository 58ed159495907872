"""The charts of a run: curves over its steps, with the thresholds of the stop rules."""

import altair as alt
import pandas as pd

from backend.charts.base import LIMIT, QUIET, TICKS, labels, task_marks, value_scale
from backend.wording import speaker


def task_curves(points: pd.DataFrame, title: str, best_step: int | None = None, lang: str = "en") -> alt.LayerChart:
    """One line per task (and run) over steps, with its interval if there is one, and a line at the best step.

    Args:
        points: columns step, value, task and run; low and high where there is an interval.
        title: of the y axis.
        best_step: the step whose adapter was kept.
        lang: ``en`` or ``pt``.
    """
    t = speaker(lang)
    frame = points.assign(label=labels(points["task"], lang))
    x = alt.X("step:Q", title=t("training step", "passo de treino"), axis=_steps(10))
    color, shape = task_marks(frame["label"], lang)
    encoding = {
        "x": x,
        "y": alt.Y("value:Q", title=title, scale=_scale(frame), axis=alt.Axis(format=TICKS)),
        "color": color,
        "shape": shape,
        "tooltip": [
            alt.Tooltip("run:N", title=t("run", "treino")),
            alt.Tooltip("label:N", title=t("Task", "Tarefa")),
            alt.Tooltip("step:Q", title=t("step", "passo")),
            alt.Tooltip("value:Q", format=".3f"),
        ],
    }
    few = len(frame) <= 300  # more points would hide the lines and take long to draw
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
        layers.append(at.mark_rule(strokeDash=[2, 3], color=QUIET).encode(x="step:Q"))
        layers.append(at.mark_text(align="right", dx=-4, y=8, color=QUIET).encode(x="step:Q", text="label:N"))
    return alt.LayerChart(layer=layers).properties(height=300)


def _steps(count: int) -> alt.Axis:
    """The axis of steps. A label stands under its place also at the end, where it would else be moved inwards."""
    return alt.Axis(tickMinStep=1, tickCount=count, labelFlush=False, labelBound=False)


def _scale(frame: pd.DataFrame) -> alt.Scale:
    """A scale for the values with their intervals."""
    ends = [frame[name] for name in ("value", "low", "high") if name in frame]
    return value_scale(pd.concat(ends).dropna())


def metric_line(
    points: pd.DataFrame,
    title: str,
    limit: float | None = None,
    stopped_at: int | None = None,
    legend: bool = False,
    height: int = 180,
    lang: str = "en",
    domain: tuple[float, float] | None = None,
    from_zero: bool = False,
) -> alt.LayerChart:
    """One metric over steps, a line per run, with the stop rule's threshold and the step at which a rule stopped the run.

    Args:
        points: columns step, value and run.
        title: of the chart.
        limit: the rule's threshold.
        stopped_at: the step.
        legend: whether it says which run is which, and that it is over steps; a small chart has no room for that.
        height: in pixels.
        lang: ``en`` or ``pt``.
        domain: the ends of the y axis; around the values when left out.
        from_zero: whether the y axis begins at zero, if it has no domain.
    """
    t = speaker(lang)
    names = alt.Legend(orient="bottom", columns=2, title=None) if legend else None
    drawn = points["value"] if limit is None else pd.concat([points["value"], pd.Series([limit])])
    scale, ticks = value_scale(drawn, from_zero), alt.Axis(format=TICKS, tickCount=4)
    if domain is not None:
        scale, ticks = (
            alt.Scale(domain=list(domain)),
            alt.Axis(format=TICKS, values=[domain[0], sum(domain) / 2, domain[1]]),
        )
    line = (
        alt.Chart(points)
        .mark_line()
        .encode(
            x=alt.X("step:Q", title=t("step", "passo") if legend else None, axis=_steps(4)),
            y=alt.Y("value:Q", title=None, scale=scale, axis=ticks),
            color=alt.Color("run:N", title=None, sort=None, legend=names),
            tooltip=["run", "step", alt.Tooltip("value:Q", format=".4g")],
        )
    )
    layers: list[alt.Chart] = [line]
    if limit is not None:
        rule = alt.Chart(pd.DataFrame({"limit": [limit]})).mark_rule(strokeDash=[5, 4], color=LIMIT)
        layers.append(
            rule.encode(y="limit:Q", tooltip=[alt.Tooltip("limit:Q", title=t("rule", "regra"), format=".3g")])
        )
    if stopped_at is not None:
        rule = alt.Chart(pd.DataFrame({"step": [stopped_at]})).mark_rule(color=LIMIT, strokeWidth=2)
        layers.append(rule.encode(x="step:Q", tooltip=[alt.Tooltip("step:Q", title=t("stopped at", "parou em"))]))
    return alt.LayerChart(layer=layers).properties(
        height=height, title=alt.TitleParams(title, anchor="start", fontSize=13)
    )


def gap_chart(points: pd.DataFrame, since: int | None = None, lang: str = "en") -> alt.LayerChart:
    """The reward and a measure beside it over steps, with their intervals, and the step from which they part.

    Args:
        points: columns step, measure (its label; the reward first), value, low and high, as shares of the range.
        since: the step from which the two part.
        lang: ``en`` or ``pt``.
    """
    t = speaker(lang)
    x = alt.X("step:Q", title=t("training step", "passo de treino"), axis=_steps(8))
    share = t("share of the range", "fração da escala")
    ends = alt.Scale(domain=[min(0.0, float(points["low"].min())), max(1.0, float(points["high"].max()))], nice=False)
    legend = alt.Legend(orient="top", title=None)
    color, shape = alt.Color("measure:N", sort=None, legend=legend), alt.Shape("measure:N", sort=None, legend=legend)
    base = alt.Chart(points)
    layers: list[alt.Chart] = [
        base.mark_area(fillOpacity=0.15).encode(
            x=x, y=alt.Y("low:Q", title=share, scale=ends), y2="high:Q", color=color
        ),
        base.mark_line(point=alt.OverlayMarkDef(size=46, filled=True)).encode(
            x=x,
            y=alt.Y("value:Q", title=share, scale=ends),
            color=color,
            shape=shape,
            tooltip=[
                alt.Tooltip("measure:N", title=t("measure", "medida")),
                alt.Tooltip("step:Q", title=t("step", "passo")),
                alt.Tooltip("value:Q", title=t("value", "valor"), format=".3f"),
                alt.Tooltip("low:Q", title=t("from", "de"), format=".3f"),
                alt.Tooltip("high:Q", title=t("to", "até"), format=".3f"),
            ],
        ),
    ]
    if since is not None:
        at = alt.Chart(pd.DataFrame({"step": [since], "label": [t("they part", "se separam")]}))
        layers.append(at.mark_rule(strokeDash=[5, 4], color=LIMIT).encode(x="step:Q"))
        layers.append(at.mark_text(align="left", dx=4, y=8, color=LIMIT).encode(x="step:Q", text="label:N"))
    return alt.LayerChart(layer=layers).properties(height=300)
