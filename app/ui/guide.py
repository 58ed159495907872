"""The first five minutes: a short tour of the recorded example, until somebody does something of their own."""

from collections.abc import Sequence

import streamlit as st

from app.pages import link_to
from app.ui.language import t
from app.ui.overview import only_example
from backend.access import who
from backend.store.engine import reading
from backend.store.tables import Run

_HIDDEN = "guide_hidden"


def show_guide(runs: Sequence[Run]) -> None:
    """The tour, where there is only the example; it can be closed, and does not come back in this session."""
    if st.session_state.get(_HIDDEN) or not who().may("engineer"):
        return
    with reading() as session:
        if not only_example(session, runs):
            return
    with st.container(border=True):
        title, close = st.columns([5, 1], vertical_alignment="center")
        title.header(t("The first five minutes, on a recorded example", "Os primeiros cinco minutos, num exemplo gravado"),
                        anchor=False)  # fmt: skip
        close.button(
            t("Close", "Fechar"),
            icon=":material/close:",
            type="tertiary",
            on_click=lambda: st.session_state.update({_HIDDEN: True}),
        )
        steps = (
            ("results", t("Read what a run did: did the answers get better, or only the reward?",
                          "Leia o que um treino fez: as respostas melhoraram, ou só a recompensa?")),
            ("annotate", t("Rate a few of its answers yourself, without seeing the reward.",
                           "Avalie algumas respostas dele, sem ver a recompensa.")),
            ("audit", t("See whether the reward ranks them as people do, and which cheap texts fool it.",
                        "Veja se a recompensa as ordena como as pessoas, e que textos baratos a enganam.")),
            ("train", t("Train a small model on this machine: a few steps in minutes, no GPU.",
                        "Treine um modelo pequeno nesta máquina: alguns passos em minutos, sem GPU.")),
            ("own", t("Bring your own reward functions and completions.",
                      "Traga suas funções de recompensa e respostas.")),
        )  # fmt: skip
        for number, (name, words) in enumerate(steps, 1):
            row = st.container(horizontal=True, vertical_alignment="center")
            row.markdown(f"**{number}.** {words}", width="stretch")
            with row.container(width=230):
                link_to(name)
