"""The database away for a moment: the page says so, looks again by itself, and goes on where it was."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import streamlit as st
from sqlalchemy import text

from app.ui.language import t
from app.ui.markdown import message
from backend.store.engine import StoreAway, reading

_LOOK_SECONDS = 3
_WAS_AWAY = "store_was_away"


def fragment(function: Callable[..., None], run_every: float | None = None, keep: tuple[str, ...] = ()) -> Any:
    """``st.fragment`` that says in its place when the database is away, and is drawn again once it is back.

    Args:
        function: draws the fragment.
        run_every: seconds between drawings.
        keep: what the keys of widgets begin with whose content somebody has typed; it is there again afterwards.
    """

    @wraps(function)
    def drawn(*args: Any) -> None:
        if st.session_state.pop(_WAS_AWAY, False):
            _set_again(keep)  # a widget that comes back shows what has been set in the same run
        try:
            function(*args)
        except StoreAway as error:
            st.session_state[_WAS_AWAY] = True
            _set_again(keep)  # what has been set stays, although its widget is not drawn
            show_outage(error)

    return st.fragment(drawn, run_every=run_every)


def _set_again(keep: tuple[str, ...]) -> None:
    for key in [str(key) for key in st.session_state]:
        if key.startswith(keep):
            st.session_state[key] = st.session_state[key]


def show_outage(error: StoreAway) -> None:
    """In place of a page or a fragment: what is wrong, and a look every few seconds whether it still is."""
    st.error(message(error), icon=":material/database_off:")
    st.caption(
        t(
            "What was confirmed before is kept. This page goes on by itself as soon as the database answers.",
            "O que já foi confirmado está guardado. Esta página continua sozinha assim que o banco de dados responder.",
        )
    )
    st.fragment(_look_again, run_every=_LOOK_SECONDS)(time.monotonic())


def _look_again(shown_at: float) -> None:
    if time.monotonic() - shown_at < _LOOK_SECONDS / 2:  # as it is drawn first: a page that fails at once must not spin
        return
    try:
        with reading() as session:
            session.execute(text("SELECT 1"))
    except StoreAway:
        return
    st.rerun()
