"""Data: prompt sets and their quality, new sets from the suites' prompt sources, and imports of prompts (JSONL) and of a
source's own files."""

import tempfile
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

import streamlit as st

from app.ui.actions import show_failed
from app.ui.language import language, t
from app.ui.prompt_sets import choose_set, show_browse, show_make, show_quality, show_source
from app.ui.sampling import show_sampling
from app.ui.state import open_store, shown_errors
from app.ui.tabs import show_tabs
from app.ui.upload import import_upload
from backend.data.prompt_files import read_prompt_file
from backend.errors import UserError
from backend.store.engine import writing
from backend.store.events import record
from backend.store.prompts import save_prompt_set
from backend.suites import prompt_sources, task_names
from backend.suites.suite import FileImport, PromptSource

FORMAT = """{{"task": "{task}", "prompt": "…", "answer": "…", "split": "train"}}
{{"task": "{task}", "messages": [{{"role": "user", "content": "…"}}], "split": "eval"}}
{{"task": "{task}", "prompt": "…", "split": "test"}}"""


def import_prompts() -> None:
    """Upload a file of prompts; if it has bad rows, all of them are reported and nothing is imported."""
    st.caption(
        t(
            "JSONL, CSV or Parquet. Other columns stay beside the prompt, where rewards find them by name; task and split "
            "may be left out:",
            "JSONL, CSV ou Parquet. As outras colunas ficam ao lado do prompt, onde as recompensas as encontram pelo nome; "
            "task e split podem faltar:",
        )
    )
    st.code(FORMAT.format(task=next(iter(task_names()), "my_task")), language="json", wrap_lines=True)
    kinds = ["jsonl", "ndjson", "csv", "tsv", "parquet", "json", "gz"]
    import_upload(t("File of prompts", "Arquivo de prompts"), kinds, _import)


def _import(path: Path) -> str:
    records = read_prompt_file(path)
    with writing() as session:
        set_id, new = save_prompt_set(session, records, path.name)
    return t(
        f"Imported {new} new prompts ({len(records) - new} were there already) as set {set_id}.",
        f"{new} prompts novos importados ({len(records) - new} já existiam) como conjunto {set_id}.",
    )


def import_files(source: PromptSource, files: FileImport) -> None:
    """Upload the files of a prompt source; they replace its data completely, or on an error not at all."""
    show_source(source)
    st.write(files.what.within(language()))
    uploads = st.file_uploader(t("Files", "Arquivos"), accept_multiple_files=True, key=f"files_{source.name}")
    known = [u for u in uploads if any(fnmatch(u.name.lower(), pattern) for pattern in files.files)]
    unknown = [u.name for u in uploads if u not in known]
    if unknown:
        st.warning(t("Not one of its files: ", "Não é um dos arquivos: ") + ", ".join(unknown))
    if not uploads or not st.button(t("Replace the data", "Substituir os dados"), type="primary"):
        return
    report: Sequence[str] | None = None
    with (
        tempfile.TemporaryDirectory() as folder,
        shown_errors(),
        st.status(t("Importing…", "Importando…"), expanded=True) as status,
    ):
        for upload in known:
            (Path(folder) / Path(upload.name).name).write_bytes(upload.getbuffer())
        try:
            report = files.take(Path(folder), st.write)
        except UserError:
            status.update(label=t("Nothing was imported", "Nada foi importado"), state="error")
            raise
        with writing() as session:
            record(session, "replaced data", f"{source.name}: {report[0]}"[:200])
        status.update(label=t("Imported", "Importado"), state="complete", expanded=False)
    if report is not None:
        st.code("\n".join(report), language=None, wrap_lines=True)
        st.success(files.done.within(language()))


def page() -> None:
    """Draw the page."""
    st.title(t("Data", "Dados"), anchor=False)
    show_failed()
    set_id = choose_set()
    sources = {source.name: source for source in prompt_sources().values()}
    tabs: dict[str, Callable[[], None]] = {
        **({t("New set", "Novo conjunto"): lambda: show_make(sources)} if sources else {}),
        t("Import prompts", "Importar prompts"): import_prompts,
        **{
            source.files.label.within(language()): partial(import_files, source, source.files)
            for source in sources.values()
            if source.files is not None
        },
    }
    if set_id is not None:
        of_set: dict[str, Callable[[], None]] = {
            t("Browse", "Ver"): lambda: show_browse(set_id),
            t("Quality", "Qualidade"): lambda: show_quality(set_id),
            t("Sample completions", "Gerar respostas"): lambda: show_sampling(set_id),
        }
        tabs = of_set | tabs
    show_tabs("data_tabs", tabs)


open_store()
page()
