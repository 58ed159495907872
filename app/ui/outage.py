"""The database away for a moment: the page says so, looks again by itself, and goes on where it was."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import streamlit as st
from sqlalchemy import text

from app.ui.language import t
from backend.store.engine import StoreAway, reading

_LOOK_SECONDS = 3


def fragment(function: Callable[..., None], run_every: float | None = None, keep: tuple[str, ...] = ()) -> Any:
    """``st.fragment`` that says in its place when the database is away, and is drawn again once it is back.

    Args:
        function: draws the fragment.
        run_every: seconds between drawings.
        keep: what the keys of widgets begin with whose content somebody has typed; it is there again afterwards.
    """

    @wraps(function)
    def drawn(*args: Any) -> None:
        try:
            function(*args)
        except StoreAway as error:
            for key in list(st.session_state):
                if str(key).startswith(keep or ("\0",)):  # set like this, it stays although its widget is not drawn
                    st.session_state[key] = st.session_state[key]
            show_outage(error)

    return st.fragment(drawn, run_every=run_every)


def show_outage(error: StoreAway) -> None:
    """In place of a page or a fragment: what is wrong, and a look every few seconds whether it still is."""
    st.error(str(error), icon=":material/database_off:")
    st.caption(
        t(
            "What was confirmed before is kept. This page goes on by itself as soon as the database answers.",
            "O que já foi confirmado está guardado. Esta página continua sozinha assim que o banco de dados responder.",
        )
    )
    st.fragment(_look_again, run_every=_LOOK_SECONDS)()


def _look_again() -> None:
    try:
        with reading() as session:
            session.execute(text("SELECT 1"))
    except StoreAway:
        return
    st.rerun()
