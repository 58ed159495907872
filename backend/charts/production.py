"""The charts of production: one number per day."""

import altair as alt
import pandas as pd

from backend.charts.base import LIMIT, labels, task_marks
from backend.wording import speaker


def day_chart(
    days: pd.DataFrame, column: str, title: str, limit: float | None = None, lang: str = "en"
) -> alt.LayerChart:
    """One number over days, a line per task.

    Args:
        days: columns day, task, answers and ``column``.
        column: reward, unparsable (a share) or characters.
        title: of the y axis.
        limit: drawn as a dashed line; a chart with a limit is larger and has the legend.
        lang: ``en`` or ``pt``.
    """
    t = speaker(lang)
    frame = days.assign(label=labels(days["task"], lang))
    share, main = column == "unparsable", limit is not None
    if column == "characters":
        y = alt.Y(f"{column}:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(format=",.0f", tickCount=5))
    else:
        scale = alt.Scale(domain=[0, 1])
        y = alt.Y(f"{column}:Q", title=title, scale=scale, axis=alt.Axis(format="%") if share else alt.Axis())
    days_axis = alt.Axis(
        format=t("%b %-d", "%d/%m"), tickCount="day" if frame["day"].nunique() < 15 else 10, labelFlush=False
    )
    color, shape = task_marks(frame["label"], lang, legend=main)  # all charts share the first one's legend
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
                alt.Tooltip("day:T", format=t("%Y-%m-%d", "%d/%m/%Y"), title=t("day", "dia")),
                alt.Tooltip(f"{column}:Q", title=title, format=".0%" if share else ".2f" if main else ",.0f"),
                alt.Tooltip("answers:Q", title=t("answers", "respostas")),
            ],
        )
    )
    layers: list[alt.Chart] = [line]
    if main:
        rule = alt.Chart(pd.DataFrame({"limit": [limit]})).mark_rule(strokeDash=[5, 4], color=LIMIT)
        layers.append(rule.encode(y="limit:Q"))
    return alt.LayerChart(layer=layers).properties(height=280 if main else 200)
