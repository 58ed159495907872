"""Prompt sets: choose one, read its prompts, see its quality, and make a new one from a suite's prompt source."""

from typing import Any, get_args

import pandas as pd
import streamlit as st

from app.ui.completion import show_chat
from app.ui.language import filled, language, number, t, task_name
from app.ui.state import shown_errors
from backend.data.quality import TaskQuality, quality, tokenizer
from backend.records import PromptRecord, Split
from backend.settings import get_settings
from backend.store.engine import reading, writing
from backend.store.prompts import load_prompt_set, prompt_sets, save_prompt_set
from backend.suites import PromptSource

_A_PAGE = 10


@st.cache_data(show_spinner=False, max_entries=8)
def _records(where: str, set_id: str) -> list[dict[str, Any]]:
    with reading() as session:
        return [p.model_dump() for p in load_prompt_set(session, set_id) or []]


@st.cache_data(show_spinner=False, max_entries=8)
def _quality(where: str, set_id: str) -> tuple[list[TaskQuality], str]:
    count, tokens_by = tokenizer()
    return quality(records_of(set_id), count_tokens=count), tokens_by


def records_of(set_id: str) -> list[PromptRecord]:
    """The prompts of a stored set; cached."""
    rows = _records(get_settings().database_url, set_id)
    return [PromptRecord.model_validate(row) for row in rows]


def choose_set() -> str | None:
    """The set to show; stored in the address. None while there is no set."""
    with reading() as session:
        sets = prompt_sets(session)
    if sets.empty:
        st.info(
            t("No prompts yet: import a file, or make some.", "Nenhum prompt ainda: importe um arquivo ou gere alguns.")
        )
        return None
    names = {row["id"]: f"{row['name']} · {row['id']}" for _, row in sets.iterrows()}
    if st.session_state.get("prompt_set") not in (None, *names):
        del st.session_state["prompt_set"]
    set_id = st.selectbox(
        t("Prompt set", "Conjunto de prompts"),
        list(names),
        format_func=names.__getitem__,
        key="prompt_set",
        bind="query-params",
    )
    row = sets[sets["id"] == set_id].iloc[0]
    words = filled(
        "{train} train, {eval} eval and {test} test prompts, used by {n} {n:run|runs}.",
        "{train} prompts de treino, {eval} de avaliação e {test} de teste, usados por {n} {n:treino|treinos}.",
        n=int(row["runs"]), **{split: int(row[split]) for split in get_args(Split)},
    )  # fmt: skip
    if row["train"] and row["eval"]:
        words += t(
            f" To train on it, choose it under Prompts on Train, or give `prompts={set_id}` in a terminal.",
            f" Para treinar com ele, escolha-o em Prompts, na página Treinar, ou dê `prompts={set_id}` num terminal.",
        )
    st.caption(words)
    return str(set_id)


def split_names() -> dict[str, str]:
    """A set's splits, with their names in the chosen language."""
    return {"eval": t("eval", "avaliação"), "train": t("train", "treino"), "test": t("test", "teste")}


def show_browse(set_id: str) -> None:
    """Read the prompts of a set, page by page."""
    records = records_of(set_id)
    tasks = list(dict.fromkeys(r.task for r in records))
    row = st.container(horizontal=True, vertical_alignment="bottom")
    task = row.selectbox(t("Task", "Tarefa"), tasks, format_func=task_name, width=200)
    splits = split_names()
    split = row.selectbox(t("Split", "Parte"), list(splits), format_func=splits.__getitem__, width=140)
    search = row.text_input(t("Search", "Buscar"), width=300).casefold()
    found = [r for r in records if r.task == task and r.split == split and search in r.user_text.casefold()]
    pages = max(1, -(-len(found) // _A_PAGE))
    page = row.number_input(t(f"Page of {pages}", f"Página de {pages}"), 1, pages, width=140)
    st.caption(t(f"{len(found)} prompts", f"{len(found)} prompts"))
    for record in found[(page - 1) * _A_PAGE : page * _A_PAGE]:
        with st.container(border=True):
            show_chat(record.task, record.chat)
            if record.facts:
                with st.expander(t("Facts", "Fatos")):
                    st.json(record.facts)


def show_quality(set_id: str) -> None:
    """What to fix in the set, and the numbers behind it."""
    found, tokens_by = _quality(get_settings().database_url, set_id)
    problems = [f"- **{task_name(q.task)}**: {t(*problem)}" for q in found for problem in q.problems()]
    if problems:
        st.warning("\n".join(problems), icon=":material/rule:")
    else:
        st.success(t("Nothing to mend.", "Nada a corrigir."), icon=":material/verified:")
    names = {
        "share": t("share of train", "parte do treino"),
        "tokens": t("tokens, median / 95 % / most", "tokens, mediana / 95 % / máximo"),
        "long": t("too long", "longos demais"),
        "same": t("repeats", "repetidos"),
        "near": t("most alike of different splits", "mais parecidos de partes diferentes"),
        "shared": t("in several splits", "em mais de uma parte"),
        "label": t("read like another task", "parecem outra tarefa"),
        "facts": t("with facts to check", "com fatos para conferir"),
        "levels": t("eval difficulty", "dificuldade da avaliação"),
    }
    table = pd.DataFrame(
        {
            task_name(q.task): {
                t("train", "treino"): str(q.train),
                t("eval", "avaliação"): str(q.eval),
                t("test", "teste"): str(q.test),
                names["share"]: f"{q.share:.0%}",
                names["tokens"]: f"{q.tokens_median} / {q.tokens_p95} / {q.tokens_max}",
                names["long"]: str(q.too_long),
                names["same"]: str(q.duplicates),
                names["near"]: number(q.nearest),
                names["shared"]: str(q.shared),
                names["label"]: str(q.mislabelled),
                names["facts"]: f"{q.checkable:.0%}",
                names["levels"]: _levels(q.difficulty),
            }
            for q in found
        }
    )
    st.dataframe(table, height="content", alt=t("Quality per task", "Qualidade por tarefa"))
    st.caption(
        t(
            f"Tokens: {tokens_by}. Similarity is the share of five-letter runs two prompts have in common: no two prompts of "
            "different splits may be 0.80 alike, and no two prompts at all 0.90.",
            f"Tokens: {tokens_by}. A semelhança é a parte das sequências de cinco letras em comum: dois prompts de partes "
            "diferentes não podem ter 0,80, nem dois prompts quaisquer 0,90.",
        )
    )


def _levels(counts: dict[str, int]) -> str:
    if len(counts) > 6:
        return t(f"{len(counts)} kinds", f"{len(counts)} tipos")
    return " · ".join(f"{name}: {n}" for name, n in counts.items())


def show_source(source: PromptSource) -> None:
    """Show what a prompt source contains now."""
    with shown_errors():
        label, now = source.label.within(language()), source.now()
        st.caption(t(f"From {label}: {now}.", f"De {label}: {now}."))


def show_make(sources: dict[str, PromptSource]) -> None:
    """Make a new set from a suite's prompt source; the source defines the form's fields."""
    name = next(iter(sources))
    if len(sources) > 1:
        name = st.selectbox(
            t("Made from", "Feito de"), list(sources), format_func=lambda n: sources[n].label.within(language())
        )
    source = sources[name]
    show_source(source)
    with st.form(f"make_{name}"):
        cells = st.columns(max(1, len(source.fields)), vertical_alignment="bottom")
        values = {
            field.name: int(
                cell.number_input(
                    field.label.within(language()),
                    field.low,
                    field.high,
                    field.default,
                    help=field.help.within(language()) or None,
                )
            )
            for cell, field in zip(cells, source.fields, strict=False)
        }
        called = st.text_input(t("Name", "Nome"), max_chars=200)
        if not st.form_submit_button(t("Make", "Gerar"), type="primary"):
            return
    with shown_errors(), st.spinner(t("Writing prompts…", "Escrevendo prompts…")):
        records = source.build(**values)
        with writing() as session:
            set_id, new = save_prompt_set(session, records, called or source.now())
        st.success(
            t(
                f"{len(records)} prompts, {new} of them new: set {set_id}. Look at its quality before training.",
                f"{len(records)} prompts, {new} novos: conjunto {set_id}. Veja a qualidade antes de treinar.",
            )
        )
