"""Sample completions for raters, from a model or a run's tuned model, in a process that outlives the page."""

from pathlib import Path

import streamlit as st

from app.pages import link_to
from app.ui.actions import attempt, tell_failed
from app.ui.language import t, task_name
from app.ui.markdown import message
from app.ui.outage import fragment
from app.ui.progress import show_progress_bar
from app.ui.prompt_sets import split_names
from backend.models.nano_cache import building_share
from backend.runs.jobs import sampling_job, start_sampling
from backend.runs.watch import current_runs
from backend.suites import task_names


def show_sampling(set_id: str) -> None:
    """The form (policy, prompts, number of completions), and the progress of the sampling job."""
    runs = current_runs()
    policies = {"": ("nano", "", 160)} | {
        run.id: (str(run.config["model"]), str(Path(run.folder) / "best"), int(run.config["max_completion_length"]))
        for run in runs
        if (Path(run.folder) / "best" / "adapter_config.json").is_file()
    }
    names = {run.id: run.name for run in runs}
    row = st.container(horizontal=True, vertical_alignment="bottom")
    policy = row.selectbox(
        t("Policy", "Modelo"),
        list(policies),
        format_func=lambda run: t(f"tuned: {names[run]} · {run}", f"treinado: {names[run]} · {run}") if run else "nano",
        width=380,
    )
    splits = split_names()
    split = row.selectbox(
        t("Split", "Parte"),
        list(splits),
        format_func=splits.__getitem__,
        width=140,
        help=t(
            "Test prompts judge the tuned model: do not change rewards by what their answers show.",
            "Os prompts de teste julgam o modelo treinado: não mude recompensas pelo que suas respostas mostram.",
        ),
    )
    task = row.selectbox(
        t("Task", "Tarefa"),
        ["", *task_names()],
        format_func=lambda name: task_name(name) if name else t("all", "todas"),
        width=180,
    )
    n = row.number_input(t("Completions per prompt", "Respostas por prompt"), 1, 16, 2, width=180)
    job = sampling_job()
    fragment(_progress, run_every=2 if job is not None and job.running else None)(
        (set_id, split, task, int(n), *policies[policy])
    )


def _progress(arguments: tuple[object, ...]) -> None:
    tell_failed()
    job = sampling_job()
    running = job is not None and job.running
    st.button(
        t("Sample", "Gerar respostas"),
        type="primary",
        icon=":material/casino:",
        disabled=running,
        on_click=attempt,
        args=(start_sampling, *arguments),
    )
    if running != st.session_state.get("sampling", False):
        st.session_state["sampling"] = running
        st.rerun()  # start or stop refreshing every two seconds
    if job is None:
        return
    if job.running:
        taught = None if job.progress.total else building_share()
        if taught is not None:
            st.progress(taught, text=t("nano is being taught first", "primeiro o nano está sendo ensinado"))
        else:
            show_progress_bar(job.progress)
    elif job.failed:
        st.code(job.words, language=None, wrap_lines=True)
    else:
        st.success(message(job.words), icon=":material/check_circle:")
        link_to("annotate")
