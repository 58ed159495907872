"""Data: prompt sets and their quality, new ones from the shop, and imports: prompts as JSONL, a shop as Olist's CSVs."""

import tempfile
from pathlib import Path

import streamlit as st

from app.ui.actions import show_failed
from app.ui.language import t
from app.ui.markdown import message
from app.ui.prompt_sets import choose_set, show_browse, show_make, show_quality
from app.ui.sampling import show_sampling
from app.ui.state import open_store, shown_errors
from app.ui.tabs import show_tabs
from app.ui.upload import import_upload
from backend.data.jsonl import read_prompts
from backend.data.olist import import_olist
from backend.data.olist_source import SOURCES
from backend.data.shop import shop_identity
from backend.errors import UserError
from backend.settings import get_settings
from backend.store.engine import writing
from backend.store.events import record
from backend.store.prompts import save_prompt_set

FORMAT = """{"task": "extraction", "prompt": "Nota: 2/5\\nAvaliação: chegou quebrado", "facts": {"nota": 2}, "split": "train"}
{"task": "push", "messages": [{"role": "user", "content": "Crie um push…"}], "split": "eval"}"""


def import_prompts() -> None:
    """Upload a JSONL file: imported whole, or not at all with every bad line named."""
    st.caption(t("One JSON object per line:", "Um objeto JSON por linha:"))
    st.code(FORMAT, language="json", wrap_lines=True)
    import_upload(t("JSONL file of prompts", "Arquivo JSONL de prompts"), ["jsonl", "json", "txt"], _import)


def _import(path: Path) -> str:
    records = read_prompts(path)
    with writing() as session:
        mark, new = save_prompt_set(session, records, path.name)
    return t(
        f"Imported {new} new prompts ({len(records) - new} were there already) as set {mark}.",
        f"{new} prompts novos importados ({len(records) - new} já existiam) como conjunto {mark}.",
    )


def import_shop() -> None:
    """Upload Olist's CSVs: they replace the shop whole, or not at all."""
    shop = get_settings().commerce_db
    try:
        source, mark = shop_identity(shop)
        st.caption(t(f"The shop now: {source} ({mark}).", f"A loja agora: {source} ({mark})."))
    except UserError as error:
        st.caption(message(error))
    st.write(
        t(
            "The nine CSV files of the public Olist data, or your own in that layout; orders and order items are needed. "
            "Names, phone numbers, e-mails and documents in reviews are masked.",
            "Os nove CSVs públicos da Olist, ou os seus nesse formato; pedidos e itens são necessários. Nomes, telefones, "
            "e-mails e documentos nas avaliações são mascarados.",
        )
    )
    names = {source.file for source in SOURCES.values()}
    uploads = st.file_uploader(t("CSV files", "Arquivos CSV"), type=["csv"], accept_multiple_files=True)
    unknown = [u.name for u in uploads if u.name not in names]
    if unknown:
        st.warning(t("Not one of Olist's files: ", "Não é um arquivo da Olist: ") + ", ".join(unknown))
    if not uploads or not st.button(t("Replace the shop", "Substituir a loja"), type="primary"):
        return
    report = None
    with (
        tempfile.TemporaryDirectory() as folder,
        shown_errors(),
        st.status(t("Importing…", "Importando…"), expanded=True) as status,
    ):
        for upload in uploads:
            if upload.name in names:
                (Path(folder) / upload.name).write_bytes(upload.getbuffer())
        try:
            report = import_olist(Path(folder), shop, on_progress=st.write)
        except UserError:
            status.update(label=t("Nothing was imported", "Nada foi importado"), state="error")
            raise
        with writing() as session:
            record(session, "replaced the shop", f"olist, {report.orders} orders")
        status.update(label=t("Imported", "Importado"), state="complete", expanded=False)
    if report is not None:
        st.code("\n".join(report.lines()), language=None, wrap_lines=True)
        st.success(
            t(
                "Make prompts from it under New set. SQL prompts of another shop no longer fit profile v5-exec.",
                "Gere prompts em Novo conjunto. Prompts de SQL de outra loja não servem mais ao perfil v5-exec.",
            )
        )


def page() -> None:
    """Draw the page."""
    st.title(t("Data", "Dados"), anchor=False)
    show_failed()
    mark = choose_set()
    tabs = {
        t("New set", "Novo conjunto"): show_make,
        t("Import prompts", "Importar prompts"): import_prompts,
        t("Import a shop", "Importar uma loja"): import_shop,
    }
    if mark is not None:
        tabs = {
            t("Browse", "Ver"): lambda: show_browse(mark),
            t("Quality", "Qualidade"): lambda: show_quality(mark),
            t("Sample completions", "Gerar respostas"): lambda: show_sampling(mark),
        } | tabs
    show_tabs("data_tabs", tabs)


open_store()
page()
