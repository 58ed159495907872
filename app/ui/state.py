"""Open the store once per server, and show its errors as messages."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.ui.language import t
from app.ui.markdown import message
from backend.errors import UserError
from backend.evaluation.words import EXAMPLE
from backend.release.start import first_start
from backend.settings import get_settings
from backend.store.engine import StoreAway


@st.cache_resource(show_spinner=False)
def _opened(database_url: str) -> bool:
    first_start()
    return True


@st.cache_resource(show_spinner=False, max_entries=1)
def _freeze_garbage_collector(modules: int) -> bool:
    """Exclude the objects of the loaded libraries from garbage collection.

    Streamlit collects garbage after every drawing. With pandas, scipy and SQLAlchemy in memory, that checks hundreds of
    thousands of objects that are never freed, and takes four times as long as the drawing itself.
    """
    gc.collect()
    gc.freeze()
    return True


def open_store() -> None:
    """Open the store; if that fails, the page shows why and stops."""
    _freeze_garbage_collector(len(sys.modules))  # again when more modules have been loaded
    try:
        _opened(get_settings().database_url)
    except StoreAway:
        raise  # main.py shows it in place of the page and checks again
    except UserError as error:
        st.error(message(error), icon=":material/database_off:")
        st.stop()


@contextmanager
def shown_errors() -> Iterator[None]:
    """Show a ``UserError`` raised inside the block as a message on the page."""
    try:
        yield
    except UserError as error:
        st.error(message(error), icon=":material/error:")


def example_note(is_example: bool) -> None:
    """If it is the recorded example, say so."""
    if is_example:
        st.caption(f":material/science: {t(*EXAMPLE)}")
