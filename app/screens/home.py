"""Start: what has happened, what to do next, and the way to each reader's pages."""

from collections.abc import Sequence

import streamlit as st

from app.pages import link_to
from app.ui.guide import show_guide
from app.ui.language import duration, t
from app.ui.markdown import literal
from app.ui.overview import Line, for_engineers, for_raters, newest_result, of_production, of_result
from app.ui.run_status import pace_of
from app.ui.state import open_store, shown_errors
from backend.access import who
from backend.runs.watch import current_runs
from backend.store.engine import reading
from backend.store.ratings import ratings_version
from backend.store.tables import Run
from backend.suites import suites
from backend.suites.choice import is_chosen
from backend.wording import fill

_NAMED = 3
"""So many of the runs that train are named; the others are counted."""


def card(title: str, what: str, lines: Sequence[Line], pages: Sequence[str]) -> None:
    """One reader's card: what it is for, what there is to know, and the pages."""
    with st.container(border=True, height="stretch"):
        st.header(title, anchor=False)
        st.caption(what)
        for line in lines:
            words = literal(t(*line.text))
            st.markdown(f":material/arrow_forward: **{words}**" if line.calls else words)
        with st.container(horizontal=True):
            for name in pages:
                link_to(name)


def of_runs(runs: Sequence[Run]) -> list[Line]:
    """What is training now, with the time left, and what waits; the last run that failed, if it is the newest."""
    lines, running = [], [run for run in runs if run.status == "running"]
    for run in running[:_NAMED]:
        done, total, pace = pace_of(run)
        words = fill("{name} is training: step {done} of {total}", "{name} está treinando: passo {done} de {total}",
                     name=run.name, done=done, total=total)  # fmt: skip
        if pace is not None:
            left = duration(pace * (total - done))
            words = fill("{words}, about {left} left", "{words}, faltam cerca de {left}", words=words, left=left)
        lines.append(Line(fill("{words}.", "{words}.", words=words), calls=True))
    if (more := len(running) - _NAMED) > 0:
        lines.append(Line(fill("{n} more {n:is|are} training.", "Mais {n} em treino.", n=more)))
    if queued := sum(run.status == "queued" for run in runs):
        lines.append(Line(fill("{n} {n:run is|runs are} queued.", "{n} {n:treino|treinos} na fila.", n=queued)))
    if runs and runs[0].status == "failed":
        lines.append(Line(fill("{name} failed: see why on Runs.", "{name} falhou: veja por quê em Treinos.",
                               name=runs[0].name), calls=True))  # fmt: skip
    return lines


@st.cache_data(show_spinner=False, max_entries=4, ttl=60)
def _finding(states: Sequence[tuple[str, str]], version: str, _runs: Sequence[Run]) -> list[Line]:
    """The newest result in words; computed again when a run's state or the ratings change, and every minute."""
    with reading() as session:
        found = newest_result(session, _runs)
    return of_result(found[0].name, found[1]) if found is not None else []


def _newest(runs: Sequence[Run], version: str) -> list[Line]:
    """The newest result, which takes longest at the first time: the other readers' cards are there before it."""
    with st.spinner(t("comparing the newest result", "comparando o resultado mais novo")), shown_errors():
        return _finding([(run.id, run.status) for run in runs], version, runs)
    return []


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
    runs = current_runs()
    show_guide(runs)
    with st.container(key="readers"):  # page.css: side by side where there is room
        rate, read, train = st.columns(3, gap="medium")
    with reading() as session:
        with rate:
            card(
                t("Annotators", "Avaliadores"),
                t("Score completions from 1 to 5, a key each.", "Dê notas de 1 a 5 às respostas, uma tecla cada."),
                for_raters(session),
                ["annotate", "pairs"],
            )
        with train:
            card(
                t("Engineers", "Engenheiros"),
                t("Is the reward fit to train on? Then launch.", "A recompensa serve para treinar? Então inicie."),
                for_engineers(session),
                ["audit", "train", "data"],
            )
        production, version = of_production(session), ratings_version(session)
    with read:
        results = [*production, *of_runs(runs), *_newest(runs, version)]
        card(
            t("Product managers", "Gestores de produto"),
            t("Did it get better, where, how sure are we?", "Melhorou? Onde? Com que certeza?"),
            results or [Line(fill("No run yet.", "Nenhum treino ainda."))],
            ["results", "runs", "monitor"],
        )
    if who().may("engineer"):
        show_own()


def show_own() -> None:
    """The way in with one's own rewards."""
    with st.container(border=True):
        st.header(t("Your own", "Suas recompensas"), anchor=False)
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
