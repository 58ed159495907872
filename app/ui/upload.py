"""Import an uploaded file, with the same widget, button and messages on every page."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app.ui.language import t
from app.ui.markdown import message
from app.ui.state import shown_errors


def import_upload(label: str, types: list[str], take: Callable[[Path], str]) -> None:
    """A file chooser and an import button.

    Args:
        label: of the chooser.
        types: file endings that are accepted.
        take: called with the path of the uploaded file (which keeps its name); imports it and returns a message. Its
            ``UserError`` is shown.
    """
    upload = st.file_uploader(label, type=types)
    if upload is None or not st.button(t("Import", "Importar"), type="primary"):
        return
    with tempfile.TemporaryDirectory() as folder, shown_errors():
        path = Path(folder) / Path(upload.name).name
        path.write_bytes(upload.getbuffer())
        st.success(message(take(path)))
