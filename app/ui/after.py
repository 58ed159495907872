"""After training: measure general ability, and export the model as files to serve."""

from pathlib import Path

import streamlit as st

from app.ui.actions import attempt, tell_failed
from app.ui.comparison import show_table
from app.ui.language import t
from app.ui.markdown import message
from app.ui.outage import fragment
from backend.access import who
from backend.evaluation.external import PORTUGUESE, read_external
from backend.evaluation.words import summary_sentence
from backend.runs.jobs import Job, after_job, start_benchmark, start_export
from backend.store.tables import Run


def show_after(run: Run) -> None:
    """Both jobs, each with its button and state; refreshed every two seconds while one is running."""
    jobs = _jobs(run)
    fragment(_after, run_every=2 if _any_runs(jobs) else None)(run, _any_runs(jobs))


def _jobs(run: Run) -> dict[str, Job | None]:
    return {what: after_job(run.id, what) for what in ("benchmark", "export")}


def _any_runs(jobs: dict[str, Job | None]) -> bool:
    return any(job is not None and job.running for job in jobs.values())


def _after(run: Run, refreshes: bool) -> None:
    tell_failed()
    jobs = _jobs(run)
    if _any_runs(jobs) != refreshes:
        st.rerun()  # start or stop refreshing every two seconds
    st.markdown("**" + t("General ability", "Capacidade geral") + "**")
    _show_external(run)
    if (Path(run.folder) / "best" / "adapter_config.json").is_file():
        _ask_benchmark(run, jobs["benchmark"])
        st.markdown("**" + t("The model as files", "O modelo em arquivos") + "**")
        _ask_export(run, jobs["export"])
    else:
        st.caption(t("This run's adapter is not on this machine.", "O adaptador deste treino não está nesta máquina."))


def _show_external(run: Run) -> None:
    found = read_external(Path(run.folder))
    if found is None:
        st.caption(
            t(
                "Not measured yet. The reward says what the model gained; tasks from elsewhere say what it may have lost.",
                "Ainda não medida. A recompensa diz o que o modelo ganhou; tarefas de fora dizem o que pode ter perdido.",
            )
        )
        return
    st.write(t(*summary_sentence(found.tasks)))
    show_table(found.tasks)
    metrics = ", ".join(f"{task}: {metric}" for task, metric in found.metrics.items())
    limit = (
        t(f"up to {found.limit} documents a task, ", f"até {found.limit} documentos por tarefa, ")
        if found.limit
        else ""
    )
    st.caption(f"lm-eval {found.harness}; {limit}{found.few_shot}-shot; {metrics}")


def _ask_benchmark(run: Run, job: Job | None) -> None:
    row = st.container(horizontal=True, vertical_alignment="bottom")
    tasks = row.text_input(t("lm-eval tasks", "Tarefas do lm-eval"), ",".join(PORTUGUESE), max_chars=500, width=420)
    limit = row.number_input(t("Documents a task", "Documentos por tarefa"), 10, 100_000, 200, width=180)
    row.button(
        t("Measure", "Medir"),
        icon=":material/school:",
        disabled=_busy(job) or not who().may(),
        on_click=attempt,
        args=(start_benchmark, run.id, tasks, int(limit)),
    )
    _show_job(job)


def _ask_export(run: Run, job: Job | None) -> None:
    st.button(
        t("Export adapter and merged model", "Exportar adaptador e modelo mesclado"),
        icon=":material/deployed_code:",
        disabled=_busy(job) or not who().may(),
        on_click=attempt,
        args=(start_export, run.id),
    )
    _show_job(job)


def _busy(job: Job | None) -> bool:
    return job is not None and job.running


def _show_job(job: Job | None) -> None:
    if job is None:
        return
    if job.running:
        st.caption(t(":material/hourglass_top: under way…", ":material/hourglass_top: em andamento…"))
    elif job.failed:
        st.code(job.words, language=None, wrap_lines=True)
    else:
        st.caption(f":material/check_circle: {message(job.words)}")
