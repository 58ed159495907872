"""When the database does not answer, the page says so, checks again by itself, and continues where it was."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import streamlit as st
from sqlalchemy import text

from app.ui.language import t
from app.ui.markdown import message
from backend.store.engine import StoreAway, reading

_CHECK_SECONDS = 3
_WAS_AWAY = "store_was_away"


def fragment(function: Callable[..., None], run_every: float | None = None, keep: tuple[str, ...] = ()) -> Any:
    """``st.fragment`` that shows a message while the database is away, and is drawn again once it is back.

    Args:
        function: draws the fragment.
        run_every: seconds between drawings.
        keep: prefixes of the keys of widgets whose typed content must not be lost meanwhile.
    """

    @wraps(function)
    def drawn(*args: Any) -> None:
        if st.session_state.pop(_WAS_AWAY, False):
            _set_again(keep)  # a widget that is drawn again shows the value that was set in the same run
        try:
            function(*args)
        except StoreAway as error:
            st.session_state[_WAS_AWAY] = True
            _set_again(keep)  # a value that was set in this run is kept although its widget is not drawn
            show_outage(error)

    return st.fragment(drawn, run_every=run_every)


def _set_again(keep: tuple[str, ...]) -> None:
    """Set the values of widgets again, because Streamlit drops the values of widgets that are not drawn."""
    for key in [str(key) for key in st.session_state]:
        if key.startswith(keep):
            st.session_state[key] = st.session_state[key]


def show_outage(error: StoreAway) -> None:
    """In place of a page or a fragment: show what is wrong, and check every few seconds whether the database is back."""
    st.error(message(error), icon=":material/database_off:")
    st.caption(
        t(
            "What was confirmed before is kept. This page goes on by itself as soon as the database answers.",
            "O que já foi confirmado está guardado. Esta página continua sozinha assim que o banco de dados responder.",
        )
    )
    st.fragment(_check_again, run_every=_CHECK_SECONDS)(time.monotonic())


def _check_again(shown_at: float) -> None:
    # Not at the first drawing: a page that fails again at once would reload without a pause.
    if time.monotonic() - shown_at < _CHECK_SECONDS / 2:
        return
    try:
        with reading() as session:
            session.execute(text("SELECT 1"))
    except StoreAway:
        return
    st.rerun()
