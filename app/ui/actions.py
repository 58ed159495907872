"""Button callbacks. A callback always runs to its end; code in the page can be cut off by a refresh of the page."""

from typing import Any

import streamlit as st

from app.ui.markdown import message
from backend.errors import UserError

_ERROR = "action_error"


def attempt(action: Any, *args: Any) -> None:
    """Do the action; what ends it (a ``UserError``, a folder that cannot be written, no process) is kept for ``show_failed``."""
    try:
        action(*args)
    except (UserError, OSError) as error:
        st.session_state[_ERROR] = str(error)


def tell_failed() -> None:
    """In a fragment: draw the whole page again if the last action failed, because the error is shown at its top."""
    if _ERROR in st.session_state:
        st.rerun()


def show_failed() -> None:
    """Show the error of the last action, once."""
    if error := st.session_state.pop(_ERROR, None):
        st.error(message(error))
