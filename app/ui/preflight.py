"""Preflight on the Train page: its button, how far it is, its result; also of settings that the form has left meanwhile."""

import pandas as pd
import streamlit as st

from app.ui.actions import attempt, tell_failed
from app.ui.language import t
from app.ui.markdown import literal, message
from app.ui.outage import fragment
from app.ui.progress import show_progress_bar
from app.ui.run_fields import difference_words, fill_form
from app.ui.table import show_rows
from backend.runs.jobs import (
    Job,
    cancel_preflight,
    latest_preflight,
    preflight_checks,
    preflight_job,
    start_preflight,
)
from backend.training.checks import Check
from backend.training.config import TrainConfig, all_presets


def show_preflight(config: TrainConfig, busy: bool) -> None:
    """The button, and the result table if there is one; refreshed every second while the checks run."""
    _, job = _shown(config)
    fragment(_preflight, run_every=1 if job is not None and job.running else None)(config, busy)


def _shown(config: TrainConfig) -> tuple[TrainConfig, Job | None]:
    """The preflight of the form's settings; where there is none, the latest one, so that a changed field loses no job."""
    if (mine := preflight_job(config)) is None and (latest := latest_preflight()) is not None:
        return latest, preflight_job(latest)
    return config, mine


def _preflight(config: TrainConfig, busy: bool) -> None:
    tell_failed()
    checked, job = _shown(config)
    running = job is not None and job.running
    row = st.container(horizontal=True, vertical_alignment="center")
    row.button(
        t("Run preflight", "Fazer a verificação"),
        icon=":material/checklist:",
        disabled=busy or running,
        help=t(
            "Looks for known failures; under three minutes on nano.",
            "Procura falhas conhecidas; menos de 3 min no nano.",
        ),
        on_click=attempt,
        args=(start_preflight, config),
    )
    if running != st.session_state.get("preflight_running", False):
        st.session_state["preflight_running"] = running
        st.rerun()  # start or stop refreshing; and the launch button depends on the end
    if job is None:
        row.caption(
            t("Every run does this first; here you see it before.", "Todo treino começa por isto; aqui você vê antes.")
        )
        return
    if running:
        row.button(
            t("Cancel", "Cancelar"),
            icon=":material/close:",
            type="tertiary",
            on_click=attempt,
            args=(cancel_preflight, checked),
        )
    if checked != config:
        _show_other(checked, config, running)
    if running:
        show_progress_bar(job.progress)
    elif job.failed:
        st.code(job.words, language=None, wrap_lines=True)
    else:
        _show_checks(preflight_checks(checked))


def _show_other(checked: TrainConfig, config: TrainConfig, running: bool) -> None:
    """That this preflight is of other settings, and the way back to them."""
    if not (differ := difference_words(checked, config)):
        return
    row = st.container(horizontal=True, vertical_alignment="center")
    row.caption(
        message(
            t("This preflight is of other settings: ", "Esta verificação é de outra configuração: ") + differ,
        )
    )
    if checked.preset in all_presets():
        row.button(
            t("Take those settings", "Usar aquela configuração"),
            icon=":material/undo:",
            type="tertiary",
            on_click=fill_form,
            args=(checked,),
        )


def _show_checks(checks: list[Check]) -> None:
    """What speaks against the run, each in full; what passed, one click away."""
    marks = {"fail": ":red[:material/cancel:]", "warn": ":orange[:material/warning:]"}
    words = {"fail": t("fail", "falhou"), "warn": t("warn", "atenção")}
    against = [check for status in marks for check in checks if check.status == status]
    with st.container(border=bool(against), gap="xsmall"):
        for check in against:
            name, found, story = (literal(t(*text)) for text in (check.label, check.found, check.story))
            st.markdown(f"{marks[check.status]} **{name}** · {words[check.status]}: {found}")
            st.caption(t("Guards against: ", "Protege contra: ") + story)
    passed = [c for c in checks if c.status == "pass"]
    title = t(f"{len(passed)} of {len(checks)} checks passed", f"{len(passed)} de {len(checks)} itens passaram")
    with st.expander(title, icon=":material/verified:", key="checks_passed"):
        show_rows(
            pd.DataFrame([(t(*c.label), t(*c.found), t(*c.story)) for c in passed], columns=["name", "found", "story"]),
            "checks",
            t("Preflight's checks that passed", "Itens da verificação que passaram"),
            height="content",
            columns={
                "name": t("check", "item"),
                "found": st.column_config.TextColumn(t("found", "encontrado"), width="large"),
                "story": st.column_config.TextColumn(t("guards against", "protege contra"), width="medium"),
            },
        )
