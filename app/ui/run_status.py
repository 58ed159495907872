"""A run's name, status and progress, shown in the same way on every page."""

from datetime import UTC
from typing import Any

import pandas as pd
import streamlit as st

from app.ui.language import duration, number, t
from app.ui.markdown import message
from backend.runs.watch import firings
from backend.store.engine import reading
from backend.store.runs import load_metrics
from backend.store.tables import Run, utc_now

SILENT_SECONDS = 30

STATUS: dict[str, tuple[str, Any]] = {
    "queued": (":material/schedule:", "gray"),
    "running": (":material/directions_run:", "blue"),
    "finished": (":material/check_circle:", "green"),
    "stopped": (":material/stop_circle:", "orange"),
    "failed": (":material/error:", "red"),
    "cancelled": (":material/cancel:", "gray"),
}


def status_words(status: str) -> str:
    """A run's status in the chosen language."""
    words = {
        "queued": t("queued", "na fila"),
        "running": t("running", "treinando"),
        "finished": t("finished", "terminado"),
        "stopped": t("stopped", "parado"),
        "failed": t("failed", "falhou"),
        "cancelled": t("cancelled", "cancelado"),
    }
    return words.get(status, status)


def show_status(run: Run) -> None:
    """Name, status, tags, why it ended, and its progress."""
    icon, colour = STATUS.get(run.status, (":material/help:", "gray"))
    line = st.container(horizontal=True, vertical_alignment="center")
    line.text(run.name, width="content")
    line.markdown(f"`{run.id}`", width="content")
    line.badge(status_words(run.status), icon=icon, color=colour)
    for tag in run.tags:
        line.badge(tag, icon=":material/label:", color="gray")
    if run.status == "failed":
        st.code(run.reason, language=None, wrap_lines=True)
    elif run.reason:
        st.caption(message(run.reason))
    if run.notes:
        st.text(run.notes)
    show_watch(run)
    if run.status == "running":
        show_progress(run)


def show_progress(run: Run) -> None:
    """Step, seconds per step, time left, and a warning if the process has not reported for a while."""
    done, total, pace = pace_of(run)
    words = t(f"step {done} of {total}", f"passo {done} de {total}")
    if pace is not None:
        left = pace * (total - done)
        words += t(f" · {number(pace, 1)} s a step", f" · {number(pace, 1)} s por passo")
        words += t(f" · about {duration(left)} left", f" · faltam cerca de {duration(left)}")
    st.progress(min(1.0, done / max(1, total)), text=words)
    silent = _silence(run)
    if silent is not None and silent > SILENT_SECONDS:
        st.warning(
            t(
                f"The process is there but has been silent for {duration(silent)}: it may hang.",
                f"O processo existe mas está em silêncio há {duration(silent)}: pode estar travado.",
            ),
            icon=":material/ecg_heart:",
        )


def pace_of(run: Run) -> tuple[int, int, float | None]:
    """(steps done, steps in all, seconds per step lately; None before the first)."""
    with reading() as session:
        steps = load_metrics(session, [run.id], ["loss", "step_time"])
    done = int(steps["step"].max()) if not steps.empty else 0
    pace = steps.loc[steps["name"] == "step_time", "value"].tail(10).mean()
    return done, int(run.config["max_steps"]), float(pace) if pd.notna(pace) else None


def _silence(run: Run) -> float | None:
    """Seconds since the run's process last reported that it is running."""
    if run.heartbeat_at is None:
        return None
    return (utc_now() - run.heartbeat_at.replace(tzinfo=UTC)).total_seconds()


def show_watch(run: Run) -> None:
    """The stop rules that fired, each with its step and numbers."""
    for firing in firings(run):
        (st.error if firing["action"] == "stop" else st.warning)(
            message(firing["what"]), icon=":material/notifications_active:"
        )
