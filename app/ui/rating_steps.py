"""What a key on Annotate does: the store first, in one transaction, then what is on the screen.

These are button callbacks: they run to their end before the page is drawn again.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from sqlalchemy.orm import Session

from app.ui.item_tokens import item_token
from app.ui.language import t
from app.ui.rater import confirm_rater
from backend.errors import UserError
from backend.rating.criteria import save_criterion
from backend.rating.queue import claim_next, save_draft
from backend.rating.ratings import save_rating, undo_last
from backend.store.engine import StoreAway, in_transaction

LEAST_SECONDS = 0.4
"""A key that is held down must not rate what was not seen."""


def rate(item: int, rater_id: int, score: int | None = None, skip_reason: str | None = None) -> None:
    """Save the rating and claim the next item in one transaction; then show that item."""
    seconds = time.time() - st.session_state.get("shown_at", time.time())
    if st.session_state.get("item") != item or seconds < LEAST_SECONDS:
        return
    token = item_token(rater_id, item)
    comment = st.session_state.get(f"comment_{token}", "")
    flags = st.session_state.get(f"flags_{token}") or []

    def save(session: Session) -> int | None:
        save_rating(session, item, rater_id, score, skip_reason, comment, seconds, flags)
        return claim_next(session, rater_id)

    try:
        following = in_transaction(save)
    except StoreAway as error:  # nothing is saved, and the item stays: press the key again when the database is back
        st.session_state["rating_error"] = str(error)
        return
    except UserError as error:  # another rater was faster: nothing is saved, and the next item is shown
        st.session_state["rating_error"] = str(error)
        show_item(None)
        return
    confirm_rater()
    done, left = st.session_state.get("counts", (0, 1))
    st.session_state["counts"] = (done + 1, max(0, left - 1))
    st.session_state["last"] = score if score is not None else t("skipped", "pulada")
    show_item(following)


def show_item(item: int | None) -> None:
    """Show an item at the next drawing; None: claim one from the queue then."""
    for key in ("picked", "skipping", "criteria"):
        st.session_state.pop(key, None)
    st.session_state["shown_at"] = time.time()
    if item is None:
        st.session_state.pop("item", None)
    else:
        st.session_state["item"] = item


def take_back(rater_id: int) -> None:
    """Undo this rater's last rating and show that item again, with its comment."""
    item = None
    with _error_shown():
        item = in_transaction(lambda session: undo_last(session, rater_id))
    if item is not None:
        st.session_state.pop("counts", None)
        st.session_state.pop("last", None)
        show_item(item)


def pick(score: int) -> None:
    """Choose a score that Enter will save."""
    st.session_state["picked"] = score


def save_picked(item: int, rater_id: int) -> None:
    """Save the chosen score."""
    if "picked" in st.session_state:
        rate(item, rater_id, st.session_state["picked"])


def set_skipping(skipping: bool) -> None:
    """Ask for a reason to skip, or stop asking."""
    st.session_state["skipping"] = skipping


def keep_draft(item: int, rater_id: int) -> None:
    """Save a comment in the store as soon as its field loses the focus."""
    comment = st.session_state.get(f"comment_{item_token(rater_id, item)}", "")
    with _error_shown():
        in_transaction(lambda session: save_draft(session, item, rater_id, comment))


def keep_criterion(item: int, rater_id: int, criterion: str, value: int | None) -> None:
    """Save a criterion's score in the store at once; what could not be saved is not shown as chosen."""
    if st.session_state.get("item") != item:
        return
    with _error_shown():
        in_transaction(lambda session: save_criterion(session, item, rater_id, criterion, value))
        chosen = st.session_state.get("criteria", {})
        st.session_state["criteria"] = {**chosen, criterion: value}


@contextmanager
def _error_shown() -> Iterator[None]:
    """Show on the page what went wrong, such as a database that is away; the page keeps what was typed."""
    try:
        yield
    except UserError as error:
        st.session_state["rating_error"] = str(error)


def ask_for_help() -> None:
    """Open the help, or close it."""
    st.session_state["helping"] = not st.session_state.get("helping", False)
