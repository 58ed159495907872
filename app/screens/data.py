"""Data: which prompts there are, and the import of your own."""

from pathlib import Path

import pandas as pd
import streamlit as st

from app.ui.completion import show_prompt
from app.ui.language import t, task_name
from app.ui.state import open_store
from app.ui.upload import import_upload
from backend.data.jsonl import read_prompts
from backend.store.engine import reading, writing
from backend.store.prompts import load_prompts, prompt_counts, save_prompts

FORMAT = """{"task": "extraction", "prompt": "Nota: 2/5\\nAvaliação: chegou quebrado", "facts": {"nota": 2}, "split": "train"}
{"task": "push", "messages": [{"role": "user", "content": "Crie um push…"}], "split": "eval"}"""


def import_file() -> None:
    """Upload a JSONL file: imported whole, or not at all with every bad line named."""
    st.caption(t("One JSON object per line:", "Um objeto JSON por linha:"))
    st.code(FORMAT, language="json", wrap_lines=True)
    import_upload(t("JSONL file of prompts", "Arquivo JSONL de prompts"), ["jsonl", "json", "txt"], _import)


def _import(path: Path) -> str:
    records = read_prompts(path)
    with writing() as session:
        new = save_prompts(session, records)
    return t(
        f"Imported {new} new prompts ({len(records) - new} were there already).",
        f"{new} prompts novos importados ({len(records) - new} já existiam).",
    )


def browse() -> None:
    """Read stored prompts."""
    with reading() as session:
        records = load_prompts(session)
    tasks = sorted({r.task for r in records})
    row = st.container(horizontal=True)
    task = row.selectbox(t("Task", "Tarefa"), tasks, format_func=task_name, width=200)
    split = row.selectbox(t("Split", "Parte"), ["eval", "train"], width=140)
    search = row.text_input(t("Search", "Buscar"), width=300)
    found = [r for r in records if r.task == task and r.split == split and search.casefold() in r.user_text.casefold()]
    st.caption(t(f"{len(found)} prompts", f"{len(found)} prompts"))
    for record in found[:10]:
        with st.container(border=True):
            show_prompt(record.user_text)
            if record.facts:
                with st.expander(t("Facts", "Fatos")):
                    st.json(record.facts)


def page() -> None:
    """Draw the page."""
    st.title(t("Data", "Dados"), anchor=False)
    with reading() as session:
        counts = prompt_counts(session)
    if counts.empty:
        st.info(t("No prompts yet: import a file below.", "Nenhum prompt ainda: importe um arquivo abaixo."))
    else:
        table = counts.assign(task=counts["task"].map(task_name)).pivot_table(
            index=["source", "task"], columns="split", values="prompts", aggfunc="sum", fill_value=0
        )
        st.dataframe(pd.DataFrame(table), width="content")
    tabs = st.tabs([t("Browse", "Ver"), t("Import", "Importar")])
    with tabs[0]:
        if not counts.empty:
            browse()
    with tabs[1]:
        import_file()


open_store()
page()
