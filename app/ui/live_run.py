"""A run while it trains: its numbers now, the last evaluation's completions with their scores, and the end of its log."""

from collections.abc import Iterable
from pathlib import Path

import streamlit as st

from app.ui.completion import show_completion
from app.ui.language import number, t, task_name
from app.ui.run_status import is_here, show_status
from backend.evaluation.words import prompts_words
from backend.gpu import gpu_use
from backend.runs.processes import last_lines
from backend.store.engine import reading
from backend.store.evaluations import answered, evaluation_scores, evaluation_texts, run_evaluations
from backend.store.runs import latest_metrics
from backend.store.tables import Run
from backend.suites import by_task, in_order


def evaluated_tasks(names: Iterable[str]) -> list[str]:
    """The tasks that a run's metrics speak of, in order: those with ``eval/<task>/<component>`` among the names."""
    parts = [name.split("/") for name in names]
    return in_order([p[1] for p in parts if len(p) == 3 and p[0] == "eval"])


def show_live(run: Run) -> None:
    """Status, the latest numbers, completions and log; the surrounding fragment redraws it."""
    show_status(run)
    with reading() as session:
        now = latest_metrics(session, run.id)
    cells = [
        (t("training reward", "recompensa no treino"), number(now.get("task_reward/mean"))),
        (t("loss", "perda"), number(now.get("loss"), 3)),
        *(
            (f"{task_name(task)} ({t('eval', 'avaliação')})", number(now[f"eval/{task}"]))
            for task in evaluated_tasks(now)
        ),
    ]
    if is_here(run) and (gpu := gpu_use()) is not None:
        cells.append(
            (t("GPU memory", "memória da GPU"), f"{number(gpu['used_gb'], 1)} / {number(gpu['total_gb'], 0)} GB")
        )
        cells.append((t("GPU use", "uso da GPU"), f"{gpu['busy']:.0%}"))
    row = st.container(horizontal=True)
    for name, value in cells:
        row.metric(name, value, width="content")
    _show_samples(run)
    if text := last_lines(Path(run.folder) / "log.txt", 15):
        with st.expander(t("Log", "Registro"), key=f"live_log_{run.id}"):
            st.code(text, language=None, wrap_lines=True)


def _show_samples(run: Run) -> None:
    with reading() as session:
        evaluations = run_evaluations(session, run.id)
        if not evaluations:
            return
        last = evaluations[-1]
        scores = evaluation_scores(session, last)
        texts = evaluation_texts(session, last.id).drop_duplicates("prompt_id").set_index("prompt_id")
        on = prompts_words(last.split, *answered(session, last.id))
    title = t(
        f"Completions of the evaluation at step {last.step}: {on.en}",
        f"Respostas da avaliação no passo {last.step}: {on.pt}",
    )
    with st.expander(title, key=f"live_samples_{run.id}"):
        for task, rows in by_task(scores):
            row = rows.iloc[0]
            st.caption(f"{task_name(task)} · {t('reward', 'recompensa')} {number(row['value'])}")
            show_completion(task, texts.loc[row["prompt_id"], "text"])
