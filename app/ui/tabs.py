"""Tabs of which only the open one is drawn, so that the others take no time."""

from collections.abc import Callable, Mapping

import streamlit as st

from app.ui.language import language


def show_tabs(key: str, content: Mapping[str, Callable[[], None]]) -> None:
    """Draw tabs: title -> function that draws the tab. ``key`` is the widget's key."""
    lang = language()  # part of the key, because the titles change with the language
    for tab, draw in zip(st.tabs(list(content), key=f"{key}_{lang}", on_change="rerun"), content.values(), strict=True):
        if tab.open:
            with tab:
                draw()
