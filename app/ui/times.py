"""Times in the viewer's time zone, as the page's language writes them."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from app.ui.language import t


def zone() -> str:
    """The name of the viewer's time zone, as the browser says it; UTC where it says none that is known here."""
    name = st.context.timezone or "UTC"
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError):
        return "UTC"


def local_time(moment: datetime) -> str:
    """A moment to the minute, in the viewer's time zone."""
    return moment.astimezone(ZoneInfo(zone())).strftime(t("%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M"))


def day(moment: datetime) -> str:
    """A day, without a change of its zone: production is counted in UTC days."""
    return moment.strftime(t("%Y-%m-%d", "%d/%m/%Y"))
