"""Tabs of which only the open one is drawn: the others cost nothing until somebody looks."""

from collections.abc import Callable, Mapping

import streamlit as st

from app.ui.language import language


def show_tabs(key: str, content: Mapping[str, Callable[[], None]]) -> None:
    """Draw tabs by title; ``key`` names them on the page."""
    lang = language()  # the titles change with it, so the open one must be another's
    for tab, draw in zip(st.tabs(list(content), key=f"{key}_{lang}", on_change="rerun"), content.values(), strict=True):
        if tab.open:
            with tab:
                draw()
