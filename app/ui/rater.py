"""Who rates: a name, asked for in the page once, kept in the address, and shown with the way to change it.

Where people sign in, the person's own name is taken and nothing is asked.
"""

from collections.abc import Callable

import streamlit as st
from sqlalchemy.orm import Session

from app.ui.language import t
from app.ui.markdown import literal
from app.ui.person import signs_in
from backend.access import who
from backend.rating.queue import progress
from backend.store.engine import in_transaction
from backend.store.names import clean_name
from backend.store.ratings import get_rater

_NAME = "rater"
_MOST = 120
_WORK = ("item", "picked", "skipping", "counts", "started", "last", "pair")
"""What the session keeps of a rater's work, dropped when the rater changes."""


def choose_rater(welcome: Callable[[], None] = lambda: None) -> int | None:
    """The rater's id; None while the page asks for a name, below what ``welcome`` draws."""
    name = who().name if signs_in() else _name()
    if not clean_name(name):
        welcome()
        _ask_for_name()
        return None
    if st.session_state.get("rater_known") != name:
        from_address = not signs_in() and "rater_known" not in st.session_state and st.query_params.get(_NAME) == name

        def find(session: Session) -> tuple[int, str, int]:
            rater = get_rater(session, name)
            return rater.id, rater.name, progress(session, rater.id)[0]

        rater_id, known_as, done = in_transaction(find)
        st.session_state.update(rater_id=rater_id, rater_known=name, rater_name=known_as)
        st.session_state["asked_about"] = known_as if from_address and done else ""
        for key in _WORK:
            st.session_state.pop(key, None)
    if not signs_in():
        st.query_params[_NAME] = name
        _show_rater()
    return int(st.session_state["rater_id"])


def _name() -> str:
    """The name of the session, or of the address it was opened with, as far as it can be stored and shown."""
    if _NAME not in st.session_state:
        given = st.query_params.get(_NAME, "")[:_MOST]
        storable = given.encode("utf-8", "ignore").decode().replace("\x00", "")
        st.session_state[_NAME] = given if storable == given else clean_name(given)
    return str(st.session_state[_NAME])


def _ask_for_name() -> None:
    """A form, so that what is typed goes into the name and nowhere else; it is gone afterwards, and keys score."""
    with st.form("name", width=420):
        name = st.text_input(t("Your name", "Seu nome"), max_chars=_MOST, key="rater_typed")
        if st.form_submit_button(t("Start", "Começar"), type="primary") and clean_name(name):
            st.session_state[_NAME] = name
            st.rerun()


def _show_rater() -> None:
    """Who is rating; where the name came with the address and has ratings, ask once whether it is right."""
    name, asked = st.session_state["rater_name"], st.session_state.get("asked_about")
    row = st.container(horizontal=True, vertical_alignment="center", border=bool(asked))
    if not asked:
        row.caption(t(f"Rating as **{literal(name)}**", f"Avaliando como **{literal(name)}**"), width="content")
        row.button(t("not you?", "não é você?"), key="not_me", type="tertiary", on_click=forget_rater)
        return
    row.markdown(
        t(
            f"This address names **{literal(name)}**, who has rated here before. Is that you?",
            f"Este endereço é de **{literal(name)}**, que já avaliou aqui. É você?",
        )
    )
    row.button(t("Yes", "Sim"), key="it_is_me", on_click=confirm_rater)
    row.button(t("No, another person", "Não, outra pessoa"), key="not_me", on_click=forget_rater)


def confirm_rater() -> None:
    """The name of the address is right: asked no more. A score says so too."""
    st.session_state["asked_about"] = ""


def forget_rater() -> None:
    """Button callback: ask for another name."""
    st.session_state.update({_NAME: "", "asked_about": ""})
    st.query_params.pop(_NAME, None)
