"""A run's name, status and progress, shown in the same way on every page."""

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app.ui.actions import attempt
from app.ui.language import duration, number, t
from app.ui.markdown import message
from app.ui.progress import show_progress_bar
from backend.access import who
from backend.progress import FILE, NOTHING_YET, read_progress
from backend.runs.handle import LOCAL, Handle, silent_since
from backend.runs.processes import request_stop
from backend.runs.reasons import firing_words, reason_words
from backend.runs.watch import firings
from backend.store.engine import reading
from backend.store.runs import load_metrics, store_now
from backend.store.tables import Run
from backend.training.checks import checks_in

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
    if run.status in ("queued", "running") and run.handle:
        line.caption(message(where_words(run)), width="content")
    for tag in run.tags:
        line.badge(tag, icon=":material/label:", color="gray")
    if run.status == "failed":
        st.code(reason_of(run), language=None, wrap_lines=True)
    elif run.reason:
        st.caption(message(reason_of(run)))
    if run.notes:
        st.text(run.notes)
    show_watch(run)
    show_set_aside(run)
    if run.status == "running":
        show_progress(run)


def reason_of(run: Run) -> str:
    """Why it stands as it does, in the chosen language; what its preflight found is in its folder."""
    return t(*reason_words(run.reason, checks_in(Path(run.folder))))


def show_progress(run: Run) -> None:
    """What it is doing, step, seconds per step, time left, and a warning if the process has not reported for a while."""
    done, total, pace = pace_of(run)
    now = read_progress(Path(run.folder) / FILE) or (None if done else NOTHING_YET)
    if now is not None and now.phase != "training":
        show_progress_bar(now, t(f"step {done}/{total} · ", f"passo {done}/{total} · ") if done else "")
        show_silence(run)
        return
    words = t(f"step {done}/{total}", f"passo {done}/{total}")
    if pace is not None:
        left = pace * (total - done)
        words += t(f" · {number(pace, 1)} s a step", f" · {number(pace, 1)} s por passo")
        words += t(f" · about {duration(left)} left", f" · faltam cerca de {duration(left)}")
    st.progress(min(1.0, done / max(1, total)), text=words)
    show_silence(run)


def show_silence(run: Run) -> None:
    """Since when a running run is silent, and what can be done; its status stays as it is, for nobody knows its end."""
    with reading() as session:
        since = silent_since(session, run)
        if since is None:
            return
        for_how_long = duration((store_now(session) - since).total_seconds())
    where = where_words(run)
    words = t(
        f"Silent since {since:%Y-%m-%d %H:%M} UTC ({for_how_long}), {where}: its process may hang, or the machine cannot be "
        "reached. Nothing is recorded as failed for that. If it does not come back, end it by force, and resume it.",
        f"Em silêncio desde {since:%d/%m/%Y %H:%M} UTC ({for_how_long}), {where}: o processo pode estar travado, ou a máquina "
        "fora de alcance. Nada é registrado como falha por isso. Se não voltar, encerre à força, e continue depois.",
    )
    st.warning(message(words), icon=":material/ecg_heart:")
    if who().may():
        st.button(
            t("End by force", "Encerrar à força"),
            key=f"force_{run.id}",
            icon=":material/dangerous:",
            on_click=attempt,
            args=(request_stop, run.id, True),
        )


def is_here(run: Run) -> bool:
    """Whether the run's process is one of this machine."""
    handle = Handle.of(run)
    return handle is not None and handle.launcher == LOCAL and handle.is_mine


def where_words(run: Run) -> str:
    """Where a run is: this machine, another, or a section of launch.toml."""
    handle = Handle.of(run)
    if handle is None or is_here(run):
        return t("on this machine", "nesta máquina")
    if handle.launcher == LOCAL:
        return t("on ", "em ") + (handle.host or t("a machine that is not known", "uma máquina desconhecida"))
    return t(
        f"on {handle.launcher}, followed from {handle.host}", f"em {handle.launcher}, acompanhado por {handle.host}"
    )


def show_set_aside(run: Run) -> None:
    """What in the run's folder could not be read: how much of which file, and an example."""
    files: dict[str, list[str]] = {}
    for aside in run.set_aside:
        files.setdefault(aside["file"] or t("the folder", "a pasta"), []).append(aside["why"])
    for file, why in files.items():
        st.warning(
            message(
                t(
                    f"{len(why)} unreadable in {file}, set aside; the last: {why[-1]}",
                    f"{len(why)} ilegível(is) em {file}, posto(s) de lado; o último: {why[-1]}",
                )
            ),
            icon=":material/rule:",
        )


def pace_of(run: Run) -> tuple[int, int, float | None]:
    """(steps done, steps in all, seconds per step lately; None before the first)."""
    with reading() as session:
        steps = load_metrics(session, [run.id], ["loss", "step_time"])
    done = int(steps["step"].max()) if not steps.empty else 0
    pace = steps.loc[steps["name"] == "step_time", "value"].tail(10).mean()
    return done, int(run.config["max_steps"]), float(pace) if pd.notna(pace) else None


def show_watch(run: Run) -> None:
    """The stop rules that fired, each with what it did, its step and numbers."""
    for firing in firings(run):
        stops = firing["action"] == "stop"
        did = t("Stop rule", "Regra de parada") if stops else t("Warning", "Aviso")
        (st.error if stops else st.warning)(
            message(f"**{did}** · {t(*firing_words(firing['what']))}"), icon=":material/notifications_active:"
        )
