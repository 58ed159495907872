"""A task's rated completions: reward against human score, the largest disagreements, and one completion in full."""

import pandas as pd
import streamlit as st

from app.ui.audit_data import held_out_words
from app.ui.chart import show_chart
from app.ui.completion import show_completion, show_prompt
from app.ui.language import language, number, numbers, t
from app.ui.task_choice import choose_task
from backend.audit.regressions import keep_case
from backend.audit.robustness import visible
from backend.audit.table import disagreements
from backend.charts.audit import scatter_chart
from backend.errors import UserError
from backend.store.completions import one_completion
from backend.store.engine import reading
from backend.suites import in_order


def show_one(completion_id: int, rated: pd.DataFrame) -> None:
    """A completion with its prompt, human score and components."""
    with reading() as session:
        row = one_completion(session, completion_id)
    if row is None:
        return
    mine = rated[rated["completion_id"] == completion_id]
    left, right = st.columns([2, 3], gap="medium")
    with left:
        show_prompt(row["user_text"])
        parts = mine[["component", "value"]].sort_values("component")
        st.dataframe(
            numbers(parts, {"value": 2}),
            hide_index=True,
            column_config={
                "component": t("component", "componente"),
                "value": t("value", "valor"),
            },
        )
    with right:
        st.caption(
            t(f"human {number(mine['human'].iloc[0], 1)} of 5", f"nota humana {number(mine['human'].iloc[0], 1)} de 5")
        )
        show_completion(row["task"], row["text"])
        human = float(mine["human"].iloc[0])
        st.button(
            t("Keep as regression case", "Guardar como caso de regressão"),
            icon=":material/bug_report:",
            disabled=2 < human < 4,
            help=t(
                "The test suite then fails while the reward contradicts what people said of it (good: 4, 5; bad: 1, 2).",
                "Os testes passam a falhar enquanto a recompensa contradisser as pessoas (boa: 4, 5; ruim: 1, 2).",
            ),
            on_click=keep,
            args=(row["task"], row["user_text"], row["text"], human),
        )


def keep(task: str, prompt: str, completion: str, human: float) -> None:
    """Button callback: keep a completion as a regression case."""
    try:
        new = keep_case(task, prompt, completion, human)
    except UserError as error:
        st.session_state["audit_note"] = str(error)
        return
    st.session_state["audit_note"] = (
        t("Kept; `make test` checks it from now on.", "Guardado; `make test` o confere de agora em diante.")
        if new
        else t("It was kept before.", "Já estava guardado.")
    )


def show_points(rated: pd.DataFrame) -> None:
    """Scatter of a task's completions, and the largest disagreements; of the half that is not held out."""
    rated = visible(rated)
    if rated.empty:
        st.caption(t("Every rated prompt so far is held out.", "Todos os prompts avaliados até aqui estão reservados."))
        return
    tasks = in_order(rated["task"].unique())
    task = choose_task(tasks, "points_task")
    totals = rated[(rated["task"] == task) & (rated["component"] == "total")]
    chart, table = st.columns(2, gap="medium")
    with chart:
        picked = show_chart(
            scatter_chart(totals, language()),
            on_select="rerun",
            key=f"scatter_{task}",
            alt=t("Human score against reward", "Nota humana contra recompensa"),
        )
    with table:
        st.caption(
            t(
                "Largest disagreements, by rank: click a row or a point to read the completion.",
                "Maiores discordâncias, por posição: clique numa linha ou num ponto para ler a resposta.",
            ),
            help=held_out_words(),
        )
        worst = disagreements(rated, str(task))
        chosen = st.dataframe(
            numbers(worst, {"human": 1, "reward": 2, "gap": 2}, signed=["gap"]),
            hide_index=True,
            on_select="rerun",
            selection_mode="single-row",
            key=f"worst_{task}",
            column_config={
                "completion_id": t("completion", "resposta"),
                "human": t("human", "humano"),
                "reward": t("reward", "recompensa"),
                "gap": t("rank gap", "diferença"),
            },
        )
    completion_id = _selected(picked, chosen, worst)
    if completion_id is not None:
        show_one(completion_id, rated)


def _selected(picked: object, chosen: object, worst: pd.DataFrame) -> int | None:
    rows = chosen["selection"]["rows"]  # type: ignore[index]
    if rows:
        return int(worst.iloc[rows[0]]["completion_id"])
    points = picked["selection"].get("picked", [])  # type: ignore[index]
    return int(points[0]["completion_id"]) if points else None
