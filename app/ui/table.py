"""A table that becomes a list of cards where there is no room for its columns (``page.css`` says where)."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from app.ui.language import t
from app.ui.times import local_time

_OPEN = 8
"""Cards that are shown; the others are one click away."""


def show_rows(
    frame: pd.DataFrame, key: str, alt: str, columns: Mapping[str, Any] | None = None, heads: int = 1, **more: Any
) -> None:
    """Draw a table without its index.

    Args:
        frame: its columns in order.
        key: unique on the page.
        alt: what it shows, in a few words.
        columns: column -> its title, or Streamlit's configuration of it; a column that is missing is called by its name.
        heads: so many first columns make the title of a row's card.
        more: for ``st.dataframe``.
    """
    configured = columns or {}
    titles = [_title(configured.get(name, name)) for name in frame]
    cards = [_card(titles, row, heads) for row in frame.astype(object).itertuples(index=False, name=None)]
    with st.container(key=f"rows_{key}", gap=None):
        st.dataframe(frame, hide_index=True, alt=alt, column_config=dict(configured), **more)
        st.html("".join(cards[:_OPEN]) + _folded(cards[_OPEN:]))


def _title(config: Any) -> str:
    return str(config["label"]) if isinstance(config, dict) else str(config)


def _card(titles: Sequence[str], row: Sequence[object], heads: int) -> str:
    head = " · ".join(escape(_shown(value)) for value in row[:heads])
    facts = "".join(
        f"<span><small>{escape(title)}</small> {escape(_shown(value))}</span> "
        for title, value in zip(titles[heads:], row[heads:], strict=True)
        if _shown(value)
    )
    return f"<article><strong>{head}</strong><p>{facts}</p></article>"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return t("yes", "sim") if value else t("no", "não")
    if isinstance(value, pd.Timestamp):
        return local_time(value)
    return "" if pd.isna(value) else str(value)


def _folded(cards: Sequence[str]) -> str:
    if not cards:
        return ""
    return f"<details><summary>{t(f'{len(cards)} more', f'mais {len(cards)}')}</summary>{''.join(cards)}</details>"
