"""What all charts share: number formats by language, line colours, task colours and shapes, and export to SVG."""

from typing import TypeVar

import altair as alt
import pandas as pd

from backend.suites import label_of, task_names
from backend.wording import speaker

AnyChart = TypeVar("AnyChart", bound=alt.TopLevelMixin)

QUIET = "#7d8a86"
"""Colour of everything except the data; readable on a light and on a dark background."""
GOOD = "#0d9488"
"""Colour of what is shown to be good."""
LIMIT = "#c4432b"
"""Colour of a threshold that a value must not cross."""


def in_language(chart: AnyChart, lang: str) -> AnyChart:
    """The chart with its numbers in the format of the language."""
    if lang != "pt":
        return chart
    number = alt.NumberLocale(decimal=",", thousands=".", grouping=[3], currency=["R$ ", ""])
    return chart.configure(locale=alt.Locale(number=number))


def svg(chart: alt.LayerChart, lang: str = "en", width: int = 640) -> str:
    """The chart as SVG, for a file that opens without a network."""
    import vl_convert

    return str(
        vl_convert.vegalite_to_svg(in_language(chart, lang).properties(width=width, background="transparent").to_dict())
    )


def vertical(at: float, color: str = QUIET, dash: tuple[int, int] = (4, 4)) -> alt.Chart:
    """A dashed vertical line at a value of the x axis."""
    return alt.Chart(pd.DataFrame({"x": [at]})).mark_rule(strokeDash=list(dash), color=color).encode(x="x:Q")


def value_scale(values: pd.Series, from_zero: bool = False, least: float = 0.02) -> alt.Scale:
    """A scale with round ends around the values; values that are (nearly) all alike get room on both sides.

    Args:
        values: all that is drawn, limits too.
        from_zero: whether zero is in it.
        least: the least range, as a share of the values' size where that is over 1.
    """
    low, high = float(values.min()), float(values.max())
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    missing = least * max(1.0, abs(low), abs(high)) - (high - low)
    if missing > 0:
        low, high = low - (0 if from_zero else missing / 2), high + missing / (1 if from_zero else 2)
    return alt.Scale(domain=[low, high], nice=True, zero=False)


TICKS = ".3~r"
"""The format of an axis of numbers: at most three digits that count."""


def labels(tasks: pd.Series, lang: str) -> list[str]:
    """The display names of tasks."""
    return [label_of(task).within(lang) for task in tasks]


def task_marks(shown: pd.Series, lang: str, legend: bool = True) -> tuple[alt.Color, alt.Shape]:
    """Colour and shape of each label. A task has the same ones in every chart, whichever other tasks are in it."""
    tasks, present = labels(pd.Series(task_names(), dtype=object), lang), list(shown.unique())
    scale = alt.Scale(domain=tasks) if set(present) <= set(tasks) else alt.Scale()
    entries = alt.Legend(values=[name for name in tasks if name in present] or present) if legend else None
    title = speaker(lang)("Task", "Tarefa")
    return (
        alt.Color("label:N", title=title, sort=None, scale=scale, legend=entries),
        alt.Shape("label:N", title=title, sort=None, scale=scale, legend=entries),
    )
