"""The store, opened once per server, with its errors shown as messages."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.ui.language import t
from app.ui.markdown import message
from backend.errors import UserError
from backend.release.example import first_start
from backend.store.engine import StoreAway


@st.cache_resource(show_spinner=False)
def _opened() -> bool:
    first_start()
    return True


@st.cache_resource(show_spinner=False, max_entries=1)
def _settled(modules: int) -> bool:
    """Take what the libraries have loaded out of the garbage collector's sight.

    Streamlit collects garbage after every drawing. With pandas, scipy and SQLAlchemy in memory that looks at hundreds of
    thousands of objects that never go away, and takes four times as long as the drawing itself.
    """
    gc.collect()
    gc.freeze()
    return True


def open_store() -> None:
    """Make sure the store is there; a page that cannot have it says why and stops."""
    _settled(len(sys.modules))
    try:
        _opened()
    except StoreAway:
        raise  # the whole page waits for it
    except UserError as error:
        st.error(message(error), icon=":material/database_off:")
        st.stop()


@contextmanager
def shown_errors() -> Iterator[None]:
    """A user's error inside the block becomes a message on the page."""
    try:
        yield
    except UserError as error:
        st.error(message(error), icon=":material/error:")


def example_note(is_example: bool) -> None:
    """Say that what follows is the recorded example."""
    if is_example:
        st.caption(
            t(
                ":material/science: Recorded example: a real nano run, rated by the project's authors.",
                ":material/science: Exemplo gravado: um treino real do nano, avaliado pelos autores do projeto.",
            )
        )
