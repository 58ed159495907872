"""Start: what the workbench is, its current state, and links to each reader's pages."""

import streamlit as st

from app.pages import link_to
from app.ui.language import t
from app.ui.run_status import status_words
from app.ui.state import open_store
from backend.access import who
from backend.runs.watch import current_runs
from backend.store.engine import reading
from backend.store.ratings import rating_counts
from backend.suites import suites
from backend.suites.choice import is_chosen


def card(title: str, what: str, state: str, pages: list[str]) -> None:
    """One reader's card."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"#### {title}")
        st.write(what)
        st.caption(state)
        for name in pages:
            link_to(name)


def page() -> None:
    """Draw the page."""
    st.title("Reward Workbench", anchor=False)
    st.write(
        t(
            "The reward function is the product specification. Check it against people before you train on it, "
            "train, and read whether the model got better.",
            "A função de recompensa é a especificação do produto. Confira-a com pessoas antes de treinar, "
            "treine, e leia se o modelo melhorou.",
        )
    )
    with reading() as session:
        ratings = int(rating_counts(session)["ratings"].sum())
    runs = current_runs()
    last = f"{runs[0].name}: {status_words(runs[0].status)}" if runs else t("no run yet", "nenhum treino ainda")
    rate, read, train = st.columns(3, gap="medium")
    with rate:
        card(
            t("Annotators", "Avaliadores"),
            t("Score completions from 1 to 5, a key each.", "Dê notas de 1 a 5 às respostas, uma tecla cada."),
            t(f"{ratings} ratings so far", f"{ratings} avaliações até agora"),
            ["annotate", "pairs"],
        )
    with read:
        card(
            t("Product managers", "Gestores de produto"),
            t("Did it get better, where, how sure are we?", "Melhorou? Onde? Com que certeza?"),
            t(f"Latest: {last}", f"Último: {last}"),
            ["results", "runs", "monitor"],
        )
    with train:
        card(
            t("Engineers", "Engenheiros"),
            t("Is the reward fit to train on? Then launch.", "A recompensa serve para treinar? Então inicie."),
            t("Audit first, then train.", "Primeiro audite, depois treine."),
            ["audit", "train", "data"],
        )
    if who().may("engineer"):
        show_own()


def show_own() -> None:
    """The way in with one's own rewards."""
    with st.container(border=True):
        st.markdown(f"#### {t('Your own', 'Suas recompensas')}")
        st.write(
            t(
                "Your reward functions, unchanged, and completions from anywhere: to the first rating in two minutes.",
                "Suas funções de recompensa, sem mudanças, e respostas de qualquer origem: a primeira nota em dois minutos.",
            )
        )
        if is_chosen():
            st.caption(t(f"Open now: {suites()[0].name}", f"Aberta agora: {suites()[0].name}"))
        link_to("own")


open_store()
page()
