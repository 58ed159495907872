"""A run's name, status, and how far it is: the same on every page."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app.ui.language import t
from backend.store.engine import reading
from backend.store.runs import load_metrics
from backend.store.tables import Run

STATUS: dict[str, tuple[str, Any]] = {
    "queued": (":material/schedule:", "gray"),
    "running": (":material/directions_run:", "blue"),
    "finished": (":material/check_circle:", "green"),
    "stopped": (":material/stop_circle:", "orange"),
    "failed": (":material/cancel:", "red"),
}


def status_words(status: str) -> str:
    """A run's status in the chosen language."""
    words = {
        "queued": t("queued", "na fila"),
        "running": t("running", "treinando"),
        "finished": t("finished", "terminado"),
        "stopped": t("stopped", "parado"),
        "failed": t("failed", "falhou"),
    }
    return words.get(status, status)


def show_status(run: Run) -> None:
    """Name, status, why it ended, and how far it is."""
    icon, colour = STATUS.get(run.status, (":material/help:", "gray"))
    line = st.container(horizontal=True, vertical_alignment="center")
    line.markdown(f"**{run.name}** `{run.id}`", width="content")
    line.badge(status_words(run.status), icon=icon, color=colour)
    if run.status == "failed":
        st.code(run.reason, language=None, wrap_lines=True)
    elif run.reason:
        st.caption(run.reason)
    show_watch(run)
    if run.status == "running":
        with reading() as session:
            steps = load_metrics(session, [run.id], ["loss", "step_time"])
        done = int(steps["step"].max()) if not steps.empty else 0
        total = int(run.config["max_steps"])
        pace = steps.loc[steps["name"] == "step_time", "value"].tail(10).mean()
        left = f" · {pace * (total - done) / 60:.1f} min" if pd.notna(pace) else ""
        st.progress(done / total, text=t(f"step {done} of {total}", f"passo {done} de {total}") + left)


def show_watch(run: Run) -> None:
    """The stop rules that fired, each with its step and numbers."""
    try:
        fired = json.loads((Path(run.folder) / "watch.json").read_text(encoding="utf-8"))
    except OSError:
        return
    for firing in fired:
        (st.error if firing["action"] == "stop" else st.warning)(firing["what"], icon=":material/notifications_active:")
