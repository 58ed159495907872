"""Runs: the curves of one or several runs, live while they train."""

from pathlib import Path

import pandas as pd
import streamlit as st

from app.pages import link_to
from app.ui.charts import metric_line, task_curves
from app.ui.language import t
from app.ui.run_status import show_status
from app.ui.state import example_note, open_store
from backend.runs.processes import last_lines
from backend.runs.watch import current_runs
from backend.store.engine import reading
from backend.store.runs import load_metrics
from backend.store.tables import Run
from rewards import registered

DETAILS = {
    "task_reward/mean": ("training reward", "recompensa no treino"),
    "entropy": ("entropy (nats per token)", "entropia (nats por token)"),
    "zero_variance/mean": ("groups without signal (share)", "grupos sem sinal (fração)"),
    "completions/mean_length": ("completion length (tokens)", "tamanho da resposta (tokens)"),
    "grad_norm": ("gradient norm", "norma do gradiente"),
    "eval/fact_accuracy": ("facts right (share)", "fatos certos (fração)"),
}


def choose_runs(runs: list[Run]) -> list[str]:
    """Ids of the runs to draw; kept in the address."""
    names = {run.id: f"{run.name} · {run.id}" for run in runs}
    if any(run_id not in names for run_id in st.session_state.get("runs", [])):
        del st.session_state["runs"]
    return st.multiselect(
        t("Runs", "Treinos"),
        list(names),
        default=[runs[0].id],
        format_func=names.__getitem__,
        key="runs",
        bind="query-params",
        max_selections=20,
    )


@st.fragment(run_every=3)
def live(chosen: list[str]) -> None:
    """Status and curves; redrawn every three seconds without touching the rest of the page."""
    runs = {run.id: run for run in current_runs() if run.id in chosen}
    for run in runs.values():
        show_status(run)
    with reading() as session:
        metrics = load_metrics(session, chosen)
    if metrics.empty:
        st.info(
            t(
                "No numbers yet; the first come with the base evaluation.",
                "Ainda sem números; os primeiros vêm com a avaliação base.",
            )
        )
    else:
        metrics["run"] = metrics["run_id"].map(lambda i: runs[i].name if i in runs else i)
        show_curves(metrics)
    for run in runs.values():
        show_log(run)


def show_curves(metrics: pd.DataFrame) -> None:
    """Per-task evaluation first, then the numbers that say how training is doing."""
    names = {f"eval/{task}": task for task in registered()}
    evaluated = metrics[metrics["name"].isin(names)].assign(task=lambda f: f["name"].map(names))
    if not evaluated.empty:
        st.markdown(t("**Evaluation reward per task**", "**Recompensa na avaliação, por tarefa**"))
        st.altair_chart(
            task_curves(evaluated, t("mean reward (0 to 1)", "recompensa média (0 a 1)")),
            alt=t("Evaluation reward per task over training steps", "Recompensa por tarefa ao longo do treino"),
        )
    columns = st.columns(3)
    for i, (name, titles) in enumerate(DETAILS.items()):
        rows = metrics[metrics["name"] == name]
        if not rows.empty:
            columns[i % 3].altair_chart(metric_line(rows, t(*titles)), alt=t(*titles))


def show_log(run: Run) -> None:
    """The end of the run's log."""
    text = last_lines(Path(run.folder) / "log.txt", 25)
    if text:
        with st.expander(t(f"Log of {run.id}", f"Registro de {run.id}")):
            st.code(text, language=None, wrap_lines=True)


def page() -> None:
    """Draw the page."""
    st.title(t("Runs", "Treinos"), anchor=False)
    runs = current_runs()
    if not runs:
        st.info(t("No run yet. Launch one from Train.", "Nenhum treino ainda. Inicie um em Treinar."))
        link_to("train")
        return
    chosen = choose_runs(runs)
    example_note(any(run.is_example for run in runs if run.id in chosen))
    if chosen:
        live(chosen)


open_store()
page()
