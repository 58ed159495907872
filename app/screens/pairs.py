"""Compare: two completions of one prompt side by side, blind; a key says which is better.

As on Annotate, a choice is in the store before the next pair appears. Which completion stands on the left is drawn for every pair.
"""

import time

import streamlit as st

from app.ui.completion import show_asked, show_completion
from app.ui.language import filled, language, t, task_name
from app.ui.markdown import harmless, message
from app.ui.outage import fragment
from app.ui.rater import choose_rater, confirm_rater
from app.ui.rating_steps import LEAST_SECONDS
from app.ui.state import open_store
from backend.errors import UserError
from backend.rating.pairs import Shown, next_pair, save_pair, undo_pair
from backend.store.completions import one_completion
from backend.store.engine import in_transaction, reading
from backend.store.pairs import pairs_by
from backend.suites import guideline_of


def choose(pair: Shown, rater_id: int, better: int) -> None:
    """Button callback: save the choice; the next pair is drawn after it."""
    seconds = time.time() - st.session_state.get("pair_shown_at", time.time())
    if st.session_state.get("pair") != (pair.left, pair.right) or seconds < LEAST_SECONDS:
        return
    try:
        in_transaction(lambda session: save_pair(session, rater_id, pair, better, seconds))
    except UserError as error:  # nothing is saved, and the pair stays
        st.session_state["pair_error"] = str(error)
        return
    confirm_rater()
    st.session_state.pop("pair", None)


def take_back(rater_id: int) -> None:
    """Button callback: undo the rater's last choice and show that pair again."""
    try:
        pair = in_transaction(lambda session: undo_pair(session, rater_id))
    except UserError as error:
        st.session_state["pair_error"] = str(error)
        return
    if pair is not None:
        show(pair)


def show(pair: Shown) -> None:
    """Keep a pair as the one on the screen."""
    st.session_state["pair"] = (pair.left, pair.right)
    st.session_state["pair_shown_at"] = time.time()


def current_pair(rater_id: int) -> Shown | None:
    """The pair on the screen; the next one when there is none."""
    if "pair" not in st.session_state:
        with reading() as session:
            pair = next_pair(session, rater_id)
        if pair is None:
            return None
        show(pair)
    return Shown(*st.session_state["pair"])


def show_keys(pair: Shown, rater_id: int) -> None:
    """The three choices and undo, each with its key."""
    choices = (
        (1, t("A is better", "A é melhor")),
        (2, t("B is better", "B é melhor")),
        (0, t("neither is better", "nenhuma é melhor")),
    )
    with st.container(horizontal=True, horizontal_alignment="left"):
        for better, label in choices:
            st.button(
                label, key=f"choice_{better}", shortcut=str(better), on_click=choose, args=(pair, rater_id, better)
            )
        st.button(
            t("Undo", "Desfazer"),
            key="undo_pair",
            shortcut="backspace",
            type="tertiary",
            icon=":material/undo:",
            on_click=take_back,
            args=(rater_id,),
        )


def compare(rater_id: int) -> None:
    """Draw the pair, or that there is none."""
    if error := st.session_state.pop("pair_error", None):
        st.error(message(error), icon=":material/error:")
    pair = current_pair(rater_id)
    if pair is None:
        st.success(
            t(
                "There is no pair left for you: pairs need two different completions of one prompt before the raters.",
                "Não há mais pares para você: um par precisa de duas respostas diferentes ao mesmo prompt na fila.",
            ),
            icon=":material/done_all:",
        )
        return
    with reading() as session:
        left, right, done = (
            one_completion(session, pair.left),
            one_completion(session, pair.right),
            pairs_by(session, rater_id),
        )
    if left is None or right is None:
        st.session_state.pop("pair", None)
        st.rerun()
        return
    question = guideline_of(left["task"]).question.within(language())
    st.caption(
        f"{task_name(left['task'])} · " + filled("{n} {n:pair|pairs} so far", "{n} {n:par|pares} até agora", n=done)
    )
    show_asked(left["task"], left["messages"], left["facts"])
    st.markdown(
        t("Which one is better by this question?", "Qual é a melhor segundo esta pergunta?") + " " + harmless(question)
    )
    show_keys(pair, rater_id)
    for name, column, row in zip("AB", st.columns(2, gap="medium"), (left, right), strict=True):
        with column:  # below one another on a phone
            st.markdown(f"**{name}**")
            show_completion(row["task"], row["text"], border=True)


def page() -> None:
    """Draw the page."""
    st.title(t("Compare", "Comparar"), anchor=False)
    rater_id = choose_rater()
    if rater_id is not None:
        fragment(compare)(rater_id)


open_store()
page()
