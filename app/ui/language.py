"""The interface's language: one switch, kept in the address so that a link and a reload keep it."""

from math import isnan

import streamlit as st

from backend.wording import decimal, task_words

_NAMES = {"en": "English", "pt": "Português"}


def choose_language() -> None:
    """Draw the switch in the sidebar; the browser's own language is the start."""
    if "lang" not in st.session_state:
        preferred = (st.context.locale or "en")[:2].lower()
        st.session_state["lang"] = preferred if preferred in _NAMES else "en"
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


def t(english: str, portuguese: str) -> str:
    """The text in the chosen language."""
    return portuguese if st.session_state.get("lang") == "pt" else english


def task_name(task: str) -> str:
    """A task as people call it."""
    return t(*task_words(task))


def number(value: float | None, digits: int = 2, signed: bool = False) -> str:
    """A number with sensible digits; a decimal comma in Portuguese, a dash for nothing."""
    if value is None or isnan(value):
        return "–"
    return t(*decimal(value, digits, signed))
