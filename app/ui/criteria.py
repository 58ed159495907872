"""The criteria of a task below its question on Annotate: optional, each with a key of its own."""

import streamlit as st

from app.ui.language import language, t
from app.ui.markdown import harmless
from app.ui.rating_steps import keep_criterion
from backend.rating.criteria import VALUES
from rewards.types import MOST_CRITERIA, Criterion

KEYS = ("q", "w", "e", "t", "y", "u")
"""Of the criteria in their order: one row of the keyboard, without R, which is Streamlit's own."""
assert len(KEYS) == MOST_CRITERIA
_NEXT = {None: 2, 2: 1, 1: 0, 0: None}
"""What a key makes of a criterion's score: met, met in part, not met, no score."""


def show_criteria(
    item: int, rater_id: int, criteria: tuple[Criterion, ...], chosen: dict[str, int], token: str
) -> None:
    """A row for each criterion: its name, whose key goes through the scores, and the three scores to click.

    Args:
        item, rater_id: the completion on the screen, and the rater.
        criteria: of its task.
        chosen: criterion -> the score given so far.
        token: the item's name on the page.
    """
    st.caption(
        t(
            "Criteria, if you like, before the score: 2 met · 1 in part · 0 not met",
            "Critérios, se quiser, antes da nota: 2 cumpre · 1 em parte · 0 não cumpre",
        )
    )
    rows = st.container(gap="xsmall")
    for criterion, key in zip(criteria, KEYS, strict=False):
        label, value = criterion.label.within(language()), chosen.get(criterion.key)
        # Drawn anew after each change: a widget that keeps the focus would take Enter as a click on it.
        widget = f"criterion_{criterion.key}_{value}_{token}"
        row = rows.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
        row.button(
            harmless(label),
            key=f"criterion_{criterion.key}_{token}",
            shortcut=key,
            type="tertiary",
            on_click=keep_criterion,
            args=(item, rater_id, criterion.key, _NEXT[value]),
        )
        row.segmented_control(
            label,
            VALUES,
            key=widget,
            default=value,
            label_visibility="collapsed",
            on_change=_clicked,
            args=(item, rater_id, criterion.key, widget),
        )
        rows.caption(harmless(criterion.what.within(language())))


def _clicked(item: int, rater_id: int, criterion: str, widget: str) -> None:
    keep_criterion(item, rater_id, criterion, st.session_state[widget])
