"""A choice whose id stands in the address, so that the address can be sent to somebody."""

from collections.abc import Mapping

import streamlit as st

from app.ui.language import t
from app.ui.markdown import literal


def choose_by_id(label: str, options: Mapping[str, str], key: str, default: str) -> str:
    """Draw a select box; the chosen id.

    The address names the id even where it is the default, since the default may be another tomorrow, and in no language.

    Args:
        label: of the select box.
        options: id -> its words.
        key: of the select box, and the id's name in the address.
        default: the id where the address names none.
    """
    if st.session_state.get(key) not in options:
        asked = st.query_params.get(key, default)
        st.session_state[key] = asked if asked in options else default
        if asked not in options:
            name = literal(asked)
            st.warning(t(f"{name} is not here; this is another.", f"{name} não está aqui; este é outro."))
    chosen = st.selectbox(label, list(options), format_func=options.__getitem__, key=key)
    st.query_params[key] = chosen
    return chosen


def forget(*keys: str) -> None:
    """Take choices that are not drawn out of the address."""
    for key in keys:
        st.query_params.pop(key, None)
