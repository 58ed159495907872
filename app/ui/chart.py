"""A chart of ``backend.charts`` on a page."""

from typing import Any

import altair as alt
import streamlit as st

from app.ui.language import language
from backend.charts.base import in_language


def show_chart(chart: alt.Chart | alt.LayerChart, alt: str, **more: Any) -> Any:
    """Draw a chart in the reader's language, with ``alt`` as its text for screen readers."""
    return st.altair_chart(in_language(chart, language()), alt=alt, **more)
