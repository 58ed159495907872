"""The criteria of a task below its question on Annotate: optional, each with a key of its own."""

import streamlit as st

from app.ui.language import language, t
from app.ui.markdown import harmless
from app.ui.rating_steps import keep_criterion
from rewards.types import MOST_CRITERIA, Criterion

KEYS = ("q", "w", "e", "t", "y", "u")
"""Of the criteria in their order: one row of the keyboard, without R, which is Streamlit's own."""
assert len(KEYS) == MOST_CRITERIA
_NEXT = {None: 2, 2: 1, 1: 0, 0: None}
"""What a press makes of a criterion's score: met, met in part, not met, no score."""
_ICONS = {
    None: ":material/radio_button_unchecked:",
    2: ":material/check_circle:",
    1: ":material/contrast:",
    0: ":material/cancel:",
}


def show_criteria(
    item: int, rater_id: int, criteria: tuple[Criterion, ...], chosen: dict[str, int], token: str
) -> None:
    """What each criterion asks, and a button for each, which goes through its scores.

    Args:
        item, rater_id: the completion on the screen, and the rater.
        criteria: of its task.
        chosen: criterion -> the score given so far.
        token: the item's name on the page.
    """
    lang = language()
    asked = "\n".join(f"- *{_line(c.label.within(lang))}*: {_line(c.what.within(lang))}" for c in criteria)
    intro = t(
        "Criteria, if you like, before the score. Press once for met, again for in part, not met and none:",
        "Critérios, se quiser, antes da nota. Um toque: cumpre; outros: em parte, não cumpre e nenhum:",
    )
    st.caption(f"{intro}\n\n{asked}")
    words = {None: "", 2: t("met", "cumpre"), 1: t("in part", "em parte"), 0: t("not met", "não cumpre")}
    row = st.container(horizontal=True, horizontal_alignment="left", gap="xsmall")
    for criterion, key in zip(criteria, KEYS, strict=False):
        label, value = _line(criterion.label.within(lang)), chosen.get(criterion.key)
        row.button(
            f"{label}: {words[value]}" if value is not None else label,
            key=f"criterion_{criterion.key}_{value}_{token}",  # drawn anew, so that Enter is not a click on it
            shortcut=key,
            icon=_ICONS[value],
            type="tertiary",
            on_click=keep_criterion,
            args=(item, rater_id, criterion.key, _NEXT[value]),
        )


def _line(text: str) -> str:
    """A team's words on one line, where they stand in a list or on a button."""
    return harmless(" ".join(text.split())).lstrip("# ")
