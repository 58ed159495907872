"""The audit's first lines: its strongest finding in words, the others behind it, each with the way to what shows it."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app.pages import link_to
from app.ui.language import filled, t
from app.ui.markdown import message
from app.ui.tabs import open_tab
from backend.audit.strongest import Finding, Where


def show_strongest(found: Sequence[Finding], tabs: str, titles: Mapping[Where, str]) -> None:
    """The strongest finding.

    Args:
        found: the strongest first, at least one.
        tabs: the key of the tabs that show them.
        titles: which tab shows what.
    """
    st.markdown("## " + message(t(*found[0].words)))
    _way_to(found[0], tabs, titles, "first")


def show_others(found: Sequence[Finding], tabs: str, titles: Mapping[Where, str]) -> None:
    """The other findings, folded; see ``show_strongest``."""
    if not (others := found[1:]):
        return
    with st.expander(
        filled("{n} more {n:finding|findings}", "Mais {n} {n:achado|achados}", n=len(others)), expanded=False
    ):
        for place, finding in enumerate(others):
            st.markdown(message(t(*finding.words)))
            _way_to(finding, tabs, titles, str(place))


def _way_to(finding: Finding, tabs: str, titles: Mapping[Where, str], key: str) -> None:
    if finding.where == "ratings":
        link_to("annotate")
        return
    title = titles[finding.where]
    st.button(
        t(f"See {title}", f"Ver {title}"),
        key=f"finding_{key}",
        icon=":material/arrow_downward:",
        type="tertiary",
        on_click=_open,
        args=(tabs, title, finding),
    )


def _open(tabs: str, title: str, finding: Finding) -> None:
    """Button callback: open the tab on the finding's task."""
    open_tab(tabs, title)
    for choice in ("attack_task", "points_task"):
        st.session_state[choice] = finding.task
