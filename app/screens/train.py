"""Train: choose a preset, launch it as a process that outlives this page, stop it."""

import pandas as pd
import streamlit as st

from app.pages import link_to
from app.ui.audit_data import standing
from app.ui.language import number, t, task_name
from app.ui.run_status import show_status
from app.ui.state import open_store, shown_errors
from backend.errors import UserError
from backend.models.nano_cache import building_share, nano_is_ready
from backend.runs.create import create_run
from backend.runs.processes import launch, request_stop
from backend.runs.watch import current_runs
from backend.store.engine import reading
from backend.store.prompts import prompt_counts
from backend.training.config import PRESET_NOTES, PRESETS, TrainConfig, allowed, override, parse_settings
from backend.training.estimate import estimate
from rewards import PROFILES, registered


def show_active() -> bool:
    """The running runs with their stop buttons; returns whether there is one."""
    active = [run for run in current_runs() if run.status == "running"]
    for run in active:
        with st.container(border=True):
            show_status(run)
            row = st.container(horizontal=True)
            row.button(
                t("Stop at the next step", "Parar no próximo passo"),
                key=f"stop_{run.id}",
                icon=":material/stop_circle:",
                on_click=_stop,
                args=(run.id, False),
            )
            row.button(t("Kill", "Matar"), key=f"kill_{run.id}", type="tertiary", on_click=_stop, args=(run.id, True))
            with row:
                link_to("runs")
    return bool(active)


def _stop(run_id: str, force: bool) -> None:
    try:
        request_stop(run_id, force)
    except UserError as error:
        st.session_state["train_error"] = str(error)


def _launch(config: TrainConfig) -> None:
    """Button callback: a callback cannot be cut off half-way by a refresh, as code in the page can."""
    try:
        launch(create_run(config))
        st.session_state["busy"] = True
    except UserError as error:
        st.session_state["train_error"] = str(error)


def resume(run_id: str) -> None:
    """Button callback: go on with a run from its last whole checkpoint."""
    try:
        launch(run_id, resume=True)
        st.session_state["busy"] = True
    except UserError as error:
        st.session_state["train_error"] = str(error)


def show_resumable(busy: bool) -> None:
    """Runs that stopped or failed, each with the button that goes on with it."""
    ended = [r for r in current_runs() if r.status in ("stopped", "failed") and not r.is_example and not r.parent_id]
    if not ended:
        return
    with st.expander(t("Go on with a run", "Continuar um treino")):
        for run in ended[:10]:
            row = st.container(horizontal=True, vertical_alignment="center")
            row.button(
                t("Resume", "Continuar"),
                key=f"resume_{run.id}",
                icon=":material/resume:",
                disabled=busy,
                on_click=resume,
                args=(run.id,),
            )
            row.markdown(f"**{run.name}** `{run.id}` · {(run.reason.splitlines() or [''])[0][:120]}")


def show_gates(config: TrainConfig | None) -> None:
    """The audit's standing decision for the chosen profile, task by task."""
    if config is None:
        return
    gates = standing(config.profile)
    tasks = config.tasks or tuple(registered())
    verdicts = {task: gates[task].verdict if task in gates else t("not audited", "não auditada") for task in tasks}
    words = [f"{task_name(task)}: **{verdict}**" for task, verdict in verdicts.items()]
    bad = [task for task, verdict in verdicts.items() if verdict != "pass"]
    note = t("Reward audit", "Auditoria da recompensa") + f" ({config.profile}) · " + " · ".join(words)
    if not bad:
        st.caption(f":green[:material/verified:] {note}")
        return
    st.caption(f":orange[:material/gpp_maybe:] {note}")
    if config.gate == "required" and not config.override_reason:
        st.warning(
            t(
                "This preset trains only on audited rewards: rate and record a decision on Reward audit, or give "
                "`override_reason=…` below; the reason is kept with the run.",
                "Esta predefinição só treina com recompensas auditadas: avalie e registre a decisão, ou dê "
                "`override_reason=…` abaixo; o motivo fica com o treino.",
            )
        )


def show_estimate(config: TrainConfig | None) -> None:
    """Hours and dollars from the steps this machine has measured."""
    if config is not None and (found := estimate(config)) is not None:
        time = f"{number(found.hours, 1)} h" if found.hours >= 1 else f"{number(60 * found.hours, 0)} min"
        st.caption(
            t(
                f":material/schedule: about {time} and ${number(found.dollars)} "
                f"({number(found.step_seconds, 1)} s a step, measured in {found.run})",
                f":material/schedule: cerca de {time} e US$ {number(found.dollars)} "
                f"({number(found.step_seconds, 1)} s por passo, medidos em {found.run})",
            )
        )


def show_nano() -> None:
    """How far nano's building is, while there is no nano yet."""
    share = building_share()
    if share is not None:
        st.progress(
            share, text=t("nano is being taught; a run waits for it", "o nano está sendo ensinado; o treino espera")
        )
    elif not nano_is_ready():
        st.caption(
            t(
                "nano is not built yet: the first run builds it (two to three minutes).",
                "o nano ainda não existe: o primeiro treino o constrói (dois a três minutos).",
            )
        )


@st.fragment(run_every=3)
def active_runs() -> None:
    """What runs now, refreshed every three seconds."""
    show_nano()
    was_busy = st.session_state.get("busy", False)
    st.session_state["busy"] = show_active()
    if was_busy != st.session_state["busy"]:
        st.rerun()


def choose_config() -> TrainConfig | None:
    """Preset, the fields people change, and any other as ``field = value``; None while something is wrong."""
    preset = st.selectbox(
        t("Preset", "Predefinição"),
        list(PRESETS),
        format_func=lambda name: f"{name}: {PRESET_NOTES[name]}",
        key="preset",
    )
    start = PRESETS[preset]
    columns = st.columns(4)
    changes: dict[str, object] = {
        "name": columns[0].text_input(t("Name (optional)", "Nome (opcional)"), max_chars=200),
        "max_steps": columns[1].number_input(
            t("Steps", "Passos"), 1, 100_000, start.max_steps, help=allowed("max_steps"), key=f"steps_{preset}"
        ),
        "seed": columns[2].number_input(t("Seed", "Semente"), 0, 2**31 - 1, start.seed, key=f"seed_{preset}"),
        "profile": columns[3].selectbox(
            t("Reward profile", "Perfil da recompensa"), list(PROFILES), index=list(PROFILES).index(start.profile)
        ),
    }
    with st.expander(t("Other fields", "Outros campos")):
        text = st.text_area(
            t("One `field=value` per line", "Um `campo=valor` por linha"),
            key="other_fields",
            placeholder="learning_rate=5e-4",
        )
        fields = [
            {"field": f, "value": str(getattr(start, f)), "allowed": allowed(f)} for f in TrainConfig.model_fields
        ]
        st.dataframe(pd.DataFrame(fields), hide_index=True, height=260)
    with shown_errors():
        return override(start, {**changes, **parse_settings([line for line in text.splitlines() if line.strip()])})
    return None


def show_data() -> None:
    """Prompts per task and split."""
    with reading() as session:
        counts = prompt_counts(session)
    if counts.empty:
        return
    table = counts.assign(task=counts["task"].map(task_name)).pivot_table(
        index="task", columns="split", values="prompts", aggfunc="sum", fill_value=0
    )
    st.dataframe(table, width="content")


def page() -> None:
    """Draw the page."""
    st.title(t("Train", "Treinar"), anchor=False)
    if error := st.session_state.pop("train_error", None):
        st.error(error)
    active_runs()
    config = choose_config()
    show_gates(config)
    show_estimate(config)
    busy = st.session_state.get("busy", False)
    st.button(
        t("Launch", "Iniciar"),
        type="primary",
        icon=":material/rocket_launch:",
        disabled=config is None or busy,
        help=t("One run at a time.", "Um treino por vez.") if busy else None,
        on_click=_launch,
        args=(config,),
    )
    show_resumable(busy)
    st.subheader(t("Prompts", "Prompts"), anchor=False)
    show_data()


open_store()
page()
