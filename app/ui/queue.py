"""The running and the waiting runs: live numbers, stop buttons, and the queue with its order."""

import streamlit as st

from app.pages import link_to
from app.ui.actions import attempt, tell_failed
from app.ui.language import t
from app.ui.live_run import show_live
from app.ui.markdown import message
from app.ui.outage import fragment
from app.ui.run_status import show_status, where_words
from backend.models.nano_cache import building_share, nano_is_ready
from backend.runs.handle import LOCAL, Handle, this_host
from backend.runs.processes import request_stop
from backend.runs.queue import cancel, is_in, move
from backend.runs.reasons import reason_words
from backend.runs.watch import current_runs
from backend.store.tables import Run

_IN_FULL = 3
"""So many runs are shown with their numbers; of more, those that are chosen."""
_IN_LINE = 20
"""So many waiting runs of a queue have a row; of more, the one that is chosen too."""


def active_runs() -> None:
    """The running and the waiting runs, refreshed every three seconds."""
    fragment(_active_runs, run_every=3)()


def _active_runs() -> None:
    tell_failed()
    show_nano()
    runs = current_runs()
    running = [run for run in runs if run.status == "running" and not run.parent_id]
    for run in _some([*running, *(run for run in runs if _waits_there(run))]):
        show_running(run, [child for child in runs if child.parent_id == run.id])
    waiting = sorted((run for run in runs if run.place is not None), key=lambda run: run.place or 0)
    for queue in dict.fromkeys(where_words(run) for run in waiting):
        show_queue(queue, [run for run in waiting if where_words(run) == queue])
    show_ended(runs)
    here = Handle(LOCAL, this_host())
    busy = any(is_in(run, here) and run.status in ("queued", "running") for run in runs)
    if st.session_state.get("busy", False) != busy:
        st.session_state["busy"] = busy
        st.rerun()


def show_ended(runs: list[Run]) -> None:
    """The newest run that has ended before this page's eyes: its card would just vanish."""
    seen = st.session_state.setdefault("seen_under_way", set())
    seen |= {run.id for run in runs if run.status in ("queued", "running") and not run.parent_id}
    for run in [run for run in runs if run.id in seen and run.status not in ("queued", "running")][:1]:
        with st.container(border=True):
            show_status(run)
            with st.container(horizontal=True):
                link_to("results")
                link_to("runs")


def _waits_there(run: Run) -> bool:
    """Whether it has been started, and waits for its turn where it is."""
    return run.status == "queued" and run.place is None and run.handle is not None and run.handle["job"] is not None


def _some(under_way: list[Run]) -> list[Run]:
    """All of them; of many the one that is chosen."""
    if len(under_way) <= _IN_FULL:
        return under_way
    n = len(under_way)
    chosen = _choose(
        t(f"{n} runs are under way; shown:", f"{n} treinos em andamento; mostrado:"), under_way, "under_way"
    )
    return [chosen]


def _choose(label: str, runs: list[Run], key: str) -> Run:
    by_id = {run.id: run for run in runs}
    if st.session_state.get(key) not in by_id:
        st.session_state.pop(key, None)  # it has ended or begun
    names = {run.id: f"{run.name} · {run.id}" for run in runs}
    return by_id[st.selectbox(label, list(by_id), format_func=names.__getitem__, key=key)]


def show_running(run: Run, children: list[Run]) -> None:
    """A running run with its stop buttons; a run of several seeds is shown as one, with its children."""
    with st.container(border=True):
        if children:
            show_status(run)
            running = [child for child in children if child.status == "running"]
            for child in [*(child for child in children if child.status != "running"), *_some(running)]:
                (show_live if child.status == "running" else show_status)(child)
        else:
            show_live(run)
        row = st.container(horizontal=True, vertical_alignment="center")
        row.button(
            t("Stop at the next step", "Parar no próximo passo"),
            key=f"stop_{run.id}",
            icon=":material/stop_circle:",
            on_click=attempt,
            args=(request_stop, run.id, False),
        )
        row.button(
            t("Kill", "Matar"),
            key=f"kill_{run.id}",
            type="tertiary",
            on_click=attempt,
            args=(request_stop, run.id, True),
            help=t("At once; it goes on from its last checkpoint.", "Na hora; continua do último checkpoint."),
        )
        with row:
            link_to("runs")


def show_queue(where: str, waiting: list[Run]) -> None:
    """A place's queue in order; each run has buttons to move it or take it out."""
    with st.container(border=True):
        st.markdown(message(f"**{t('Queue', 'Fila')}** {where}"))
        if why := waiting[0].reason:
            st.caption(message(t(*reason_words(why))))
        rows = list(enumerate(waiting[:_IN_LINE]))
        if rest := waiting[_IN_LINE:]:
            n = len(rest)
            later = _choose(t(f"{n} more wait; shown:", f"Mais {n} na fila; mostrado:"), rest, f"later_{where}")
            rows.append((waiting.index(later), later))
        for i, run in rows:
            row = st.container(horizontal=True, vertical_alignment="center")
            row.text(f"{i + 1}. {run.name}", width="content")
            row.markdown(f"`{run.id}`", width="content")
            for up, icon in ((True, ":material/arrow_upward:"), (False, ":material/arrow_downward:")):
                row.button(
                    "",
                    icon=icon,
                    key=f"move_{up}_{run.id}",
                    type="tertiary",
                    disabled=(i == 0) if up else (i == len(waiting) - 1),
                    help=t("earlier", "antes") if up else t("later", "depois"),
                    on_click=attempt,
                    args=(move, run.id, up),
                )
            row.button(
                t("Take out", "Tirar"), key=f"cancel_{run.id}", type="tertiary", on_click=attempt, args=(cancel, run.id)
            )


def show_nano() -> None:
    """The progress of nano's build, while there is no nano yet."""
    if nano_is_ready():
        return
    share = building_share()
    if share is not None:
        st.progress(
            share, text=t("nano is being taught; a run waits for it", "o nano está sendo ensinado; o treino espera")
        )
    else:
        st.caption(
            t(
                "nano is not built yet: the first run builds it (two to three minutes).",
                "o nano ainda não existe: o primeiro treino o constrói (dois a três minutos).",
            )
        )
