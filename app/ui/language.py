"""The interface's language: one switch, stored in the address, so that links and reloads keep it."""

from collections.abc import Collection
from math import isnan

import pandas as pd
import streamlit as st

from backend import wording
from backend.suites import label_of

_NAMES = {"en": "English", "pt": "Português"}
_HTML_LANGUAGE = {"en": "en", "pt": "pt-BR"}
"""For screen readers and the browser's own translation."""


def choose_language() -> None:
    """Draw the switch in the sidebar; the initial language is the browser's."""
    if st.session_state.get("lang") not in _NAMES:  # a new session, or a rerun in which the widget lost its value
        preferred = (st.context.locale or "en")[:2].lower()
        known = st.session_state.get("last_lang", preferred)
        st.session_state["lang"] = known if known in _NAMES else "en"
    st.session_state["last_lang"] = st.session_state["lang"]
    with st.sidebar:
        st.segmented_control(
            "Language / Idioma",
            list(_NAMES),
            format_func=_NAMES.__getitem__,
            key="lang",
            required=True,
            bind="query-params",
            label_visibility="collapsed",
        )
        st.html(
            f"<script>document.documentElement.lang = '{_HTML_LANGUAGE[language()]}'</script>",
            unsafe_allow_javascript=True,
        )


def language() -> str:
    """The chosen language: ``en`` or ``pt``."""
    return "pt" if st.session_state.get("lang") == "pt" else "en"


def t(english: str, portuguese: str) -> str:
    """The text in the chosen language."""
    return portuguese if language() == "pt" else english


def filled(english: str, portuguese: str, **parts: wording.Text | str | int) -> str:
    """The template in the chosen language with its parts filled in; see ``backend.wording.fill``."""
    return t(*wording.fill(english, portuguese, **parts))


def queued(n: int, english: str, portuguese: str) -> str:
    """What stands in the raters' queue now; the words are templates such as "{n:find is|finds are}"."""
    return filled("{n} " + english + " in the raters' queue.", "{n} " + portuguese + " na fila dos avaliadores.", n=n)


def task_name(task: str) -> str:
    """The display name of a task."""
    return t(*label_of(task))


def number(value: float | None, digits: int = 2, signed: bool = False) -> str:
    """A number with sensible digits; a decimal comma in Portuguese, a dash for None and NaN."""
    if value is None or isnan(value):
        return "–"
    return t(*wording.decimal(value, digits, signed))


def grouped(n: int) -> str:
    """A whole number, its thousands apart."""
    return t(*wording.grouped(n))


def p_value(value: float | None) -> str:
    """A p-value; a dash for None and NaN."""
    return "–" if value is None or isnan(value) else t(*wording.p_value(value))


def numbers(frame: pd.DataFrame, digits: dict[str, int], signed: Collection[str] = ()) -> pd.DataFrame:
    """The table with these columns formatted by ``number``: column -> digits after the point."""
    written = {name: [number(v, d, name in signed) for v in frame[name]] for name, d in digits.items()}
    return frame.assign(**written)


def change_words(values: "pd.Series[float]") -> str:
    """The first and the last value, or the one value where there is one, or where they are written alike."""
    first, last = number(float(values.iloc[0])), number(float(values.iloc[-1]))
    if len(values) == 1:
        return last
    return t(f"{last}, as at first", f"{last}, como no início") if first == last else f"{first} → {last}"


def interval(low: float | None, high: float | None, signed: bool = True) -> str:
    """An interval's two ends; an empty text if there is no interval."""
    if low is None or isnan(low):
        return ""
    return f"{number(low, signed=signed)} … {number(high, signed=signed)}"


def duration(seconds: float) -> str:
    """A length of time: 45 s, 12 min, 3.4 h."""
    return t(*wording.duration(seconds))
