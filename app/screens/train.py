"""Train: choose a configuration, check it, and launch it in a process that outlives this page; queue, stop, resume."""

import streamlit as st

from app.ui.actions import attempt, show_failed
from app.ui.language import t
from app.ui.new_run import clone, show_data, show_estimate, show_gates, show_launch
from app.ui.preflight import show_preflight
from app.ui.queue import active_runs
from app.ui.run_fields import choose_config
from app.ui.run_status import reason_of
from app.ui.state import open_store
from backend.runs.queue import enqueue
from backend.runs.watch import current_runs
from backend.store.tables import Run
from backend.training.config import all_presets


def show_earlier(runs: list[Run]) -> None:
    """Runs that can be resumed, and runs whose configuration can be cloned."""
    mine = [r for r in runs if not r.parent_id and r.preset in all_presets()]
    ended = [r for r in mine if r.status in ("stopped", "failed", "cancelled") and not r.is_example]
    if not mine:
        return
    with st.expander(t("Earlier runs: resume, clone", "Treinos anteriores: continuar, clonar")):
        for run in [*ended[:10], *[r for r in mine if r not in ended][:10]]:
            row = st.container(horizontal=True, vertical_alignment="center")
            if run in ended:
                row.button(
                    t("Resume", "Continuar"),
                    key=f"resume_{run.id}",
                    icon=":material/resume:",
                    on_click=attempt,
                    args=(enqueue, run.id),
                )
            row.button(
                t("Clone", "Clonar"),
                key=f"clone_{run.id}",
                icon=":material/content_copy:",
                on_click=clone,
                args=(run,),
            )
            row.text(run.name, width="content")
            row.caption(f"`{run.id}` · {(reason_of(run).splitlines() or [''])[0][:120]}")


def page() -> None:
    """Draw the page."""
    st.title(t("Train", "Treinar"), anchor=False)
    show_failed()
    active_runs()
    busy = st.session_state.get("busy", False)
    chosen = choose_config()
    if chosen is not None:
        config, seeds = chosen
        readable = show_data(config)
        bad = show_gates(config)
        show_estimate(config, max(1, len(seeds)))
        show_preflight(config, busy)
        show_launch(config, seeds, readable, bad, busy)
    else:
        st.button(t("Launch", "Iniciar"), type="primary", icon=":material/rocket_launch:", disabled=True)
    show_earlier(current_runs())


open_store()
page()
