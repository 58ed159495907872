"""Tabs of which only the open one is drawn, so that the others take no time."""

from collections.abc import Callable, Mapping

import streamlit as st

from app.ui.language import language


def show_tabs(key: str, content: Mapping[str, Callable[[], None]]) -> None:
    """Draw tabs: title -> function that draws the tab. ``key`` is the widget's key."""
    for tab, draw in zip(st.tabs(list(content), key=_key(key), on_change="rerun"), content.values(), strict=True):
        if tab.open:
            with tab:
                draw()


def open_tab(key: str, title: str) -> None:
    """In a callback: open the tab of that title."""
    st.session_state[_key(key)] = title


def _key(key: str) -> str:
    return f"{key}_{language()}"  # the titles change with the language
