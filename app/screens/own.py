"""Your own: a reward file of the folder the workbench was started in, and a file of completions for its raters."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app.pages import link_to
from app.ui.actions import attempt, show_failed
from app.ui.language import number, t
from app.ui.markdown import literal
from app.ui.state import open_store, shown_errors
from backend.audit.own import bring_in
from backend.data.completions import preview
from backend.data.sources import columns_of
from backend.data.sources.layout import Layout
from backend.errors import UserError
from backend.release.start import first_start
from backend.settings import ROOT
from backend.suites import suites
from backend.suites.choice import is_chosen, use_installed, use_suite
from backend.suites.reward_file import TEMPLATE, may_hold_rewards
from rewards.types import Functions, Task

_KINDS = ["jsonl", "ndjson", "csv", "tsv", "parquet", "json", "gz", "eval"]
_LONGEST = 200
_OURS = ("app", "backend", "benchmarks", "rewards", "tests", "run_training.py")


def reward_files() -> list[str]:
    """Python files with something like a reward function, in the folder the workbench was started in and one level below; none of
    the workbench's own, where that is its folder."""
    here = Path.cwd()
    found = {*here.glob("*.py"), *here.glob("[!.]*/*.py"), *here.glob("examples/*/*.py")}
    ours = {ROOT / name for name in _OURS}
    return sorted(
        str(path.relative_to(here))
        for path in found
        if ours.isdisjoint((path, *path.parents)) and may_hold_rewards(path)
    )


def show_current() -> None:
    """Which suite is open, and the way back to the installation's."""
    if not is_chosen():
        return
    with st.container(border=True):
        name = suites()[0].name
        st.markdown(
            t(f"**{name}** is open, with a store of its own.", f"**{name}** está aberta, com um banco próprio.")
        )
        for task in suites()[0].tasks:
            st.markdown(_rewards_of(task))
        for page in ("annotate", "audit", "train"):
            link_to(page)
        st.button(
            t("Back to the example", "Voltar ao exemplo"), on_click=attempt, args=(_back,), icon=":material/undo:"
        )


def _rewards_of(task: Task) -> str:
    """A task's reward functions with their weights, or its components with the most each gives."""
    given = " · ".join(f"`{name}` {number(most)}" for name, most in task.reward.maxima.items())
    if isinstance(task.reward, Functions):
        return t(f"Reward functions and their weights: {given}", f"Funções de recompensa e seus pesos: {given}")
    name = literal(t(*task.label))
    return t(f"{name}, and the most each part gives: {given}", f"{name}, e o máximo de cada parte: {given}")


def _back() -> None:
    use_installed()
    _forget()


def _forget() -> None:
    """Forget what was read of the other store, and what Train's form was filled with for it."""
    st.cache_data.clear()
    st.session_state.pop("form_of", None)
    first_start()


def choose_file(label: str, key: str) -> tuple[str, Any]:
    """A file that is uploaded, or named by its path on the server; ("", None) while there is neither."""
    upload = st.file_uploader(label, type=_KINDS, key=f"{key}_upload")
    path = st.text_input(t("… or its path on the server", "… ou o caminho dele no servidor"), key=f"{key}_path")
    return path.strip(), upload


@contextmanager
def as_path(chosen: tuple[str, Any]) -> Iterator[Path | None]:
    """The chosen file as a path; an upload keeps its name, which says its kind."""
    path, upload = chosen
    if upload is None:
        yield Path(path) if path else None
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / Path(upload.name).name
        place.write_bytes(upload.getbuffer())
        yield place


def choose_columns(path: Path) -> Layout:
    """Which column is the prompt, which the completion: found by their names, or chosen."""
    columns = ["", *columns_of(path)]
    found = t("found by its name", "pelo nome")
    with st.container(horizontal=True):
        prompt = st.selectbox(
            t("Prompt", "Prompt"), columns, format_func=lambda c: c or found, key="own_prompt", width=220
        )
        completion = st.selectbox(
            t("Completion", "Resposta"), columns, format_func=lambda c: c or found, key="own_completion", width=220
        )
    return Layout(prompt, completion)


def show_preview(path: Path, layout: Layout) -> None:
    """The first rows as the workbench understands them."""
    rows = [
        {
            t("prompt", "prompt"): m.messages[-1]["content"][:_LONGEST],
            t("completion", "resposta"): m.completion[:_LONGEST],
            **{name: str(value)[:_LONGEST] for name, value in list(m.columns.items())[:20]},
        }
        for m in preview(path, layout)
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=240)


def open_own(spec: str, completions: Path, layout: Layout, ratings: Path | None) -> None:
    """Make the file the open suite and take the completions; on an error everything is as it was."""
    was_chosen = is_chosen()
    use_suite(spec)
    try:
        _forget()
        taken = bring_in(completions, layout, ratings)
    except UserError:
        if not was_chosen:
            use_installed()
            _forget()
        raise
    st.session_state["own_taken"] = (taken.rows, taken.new)


def page() -> None:
    """Draw the page."""
    st.title(t("Your own", "Suas recompensas"), anchor=False)
    show_failed()
    if taken := st.session_state.pop("own_taken", None):
        st.success(
            t(
                f"{taken[0]} completions, {taken[1]} of them new. They wait for raters.",
                f"{taken[0]} respostas, {taken[1]} novas. Elas aguardam avaliadores.",
            ),
            icon=":material/check_circle:",
        )
    show_current()
    st.write(
        t(
            "A file of reward functions as you train with them, unchanged, and a file of completions from anywhere. "
            "The functions run on this machine, for everyone who has the workbench open; choose only files you trust.",
            "Um arquivo de funções de recompensa como você as usa no treino, sem mudanças, e um arquivo de respostas de "
            "qualquer origem. As funções rodam nesta máquina, para todos que têm o workbench aberto; escolha só arquivos em "
            "que confia.",
        )
    )
    spec = st.selectbox(
        t("1. Reward functions", "1. Funções de recompensa"),
        reward_files(),
        index=None,
        accept_new_options=True,
        placeholder=t(
            "Choose a file, or type its path or module:function", "Escolha, ou digite caminho ou módulo:função"
        ),
        key="own_spec",
    )
    if not spec:
        with st.expander(t("What such a file looks like", "Como é um arquivo desses")):
            st.code(TEMPLATE, language="python")
        return
    chosen = choose_file(t("2. Completions", "2. Respostas"), "own_completions")
    if not any(chosen):
        return
    with st.expander(t("Ratings you have already (optional)", "Avaliações que já existem (opcional)")):
        st.caption(t("Rows of id, rater and score.", "Linhas com id, rater e score."))
        rated = choose_file(t("Ratings", "Avaliações"), "own_ratings")
    with shown_errors(), as_path(chosen) as path, as_path(rated) as ratings:
        if path is None:
            return
        layout = choose_columns(path)
        show_preview(path, layout)
        if st.button(t("Open these files", "Abrir estes arquivos"), type="primary", icon=":material/play_arrow:"):
            with st.spinner(t("Reading…", "Lendo…")):
                open_own(spec, path, layout, ratings)
            st.rerun()


open_store()
page()
