"""Tabs of which only the open one is drawn, so that the others take no time."""

from collections.abc import Callable, Mapping

import streamlit as st

from app.ui.language import language


def show_tabs(key: str, content: Mapping[str, Callable[[], None]]) -> None:
    """Draw tabs: title -> function that draws the tab. ``key`` is the widget's key."""
    with st.container(key=f"{key}_place"):
        tabs = st.tabs(list(content), key=_key(key), on_change="rerun")
    for tab, draw in zip(tabs, content.values(), strict=True):
        if tab.open:
            with tab:
                draw()
    if (opened := st.session_state.get(_opened(key), 0)) > 0:
        st.html(_SCROLL.format(key=key, opened=opened), unsafe_allow_javascript=True)


def open_tab(key: str, title: str) -> None:
    """In a callback: open the tab of that title, and bring it into view."""
    st.session_state[_key(key)] = title
    st.session_state[_opened(key)] = st.session_state.get(_opened(key), 0) + 1


def _key(key: str) -> str:
    return f"{key}_{language()}"  # the titles change with the language


def _opened(key: str) -> str:
    return f"{key}_opened"


_SCROLL = """<script>
/* {opened}: the page runs a script only when it is another one */
document.querySelector('.st-key-{key}_place')?.scrollIntoView({{behavior: 'smooth', block: 'start'}});
</script>"""
