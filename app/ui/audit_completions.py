"""A task's rated completions: reward against human score, and one of them in full, in the order of disagreement."""

from functools import partial

import pandas as pd
import streamlit as st

from app.ui.actions import attempt
from app.ui.audit_data import held_out_words
from app.ui.chart import show_chart
from app.ui.completion import show_asked, show_completion
from app.ui.language import language, number, t
from app.ui.markdown import literal, message
from app.ui.task_choice import choose_task
from backend.audit.regressions import keep_case
from backend.audit.robustness import visible
from backend.audit.table import disagreements
from backend.charts.audit import scatter_chart
from backend.errors import UserError
from backend.store.completions import one_completion
from backend.store.engine import reading
from backend.store.ratings import given_scores
from backend.store.tables import Rating
from backend.suites import find_task, in_order, pay_from_0_to_1

_ROWS = 20
"""Rows of a query's result that are shown."""


def show_one(completion_id: int, rated: pd.DataFrame) -> None:
    """A completion with its prompt, what each rater said, and the reward's components."""
    with reading() as session:
        row = one_completion(session, completion_id)
        said = given_scores(session, Rating.completion_id == completion_id)
    if row is None:
        return
    show_asked(row["task"], row["messages"], row["facts"])
    show_completion(row["task"], row["text"])
    _offer_to_run(row["task"], row["text"])
    st.markdown(
        "\n".join(f"- **{literal(r.rater)}** {number(r.score, 0)}{_comment(r.comment)}" for r in said.itertuples())
    )
    parts = (
        rated[rated["completion_id"] == completion_id].set_index("component")["value"].drop("total", errors="ignore")
    )
    named = [f"{literal(str(name))} {number(value)}" for name, value in parts.sort_index().items()]
    st.caption(t("Components: ", "Componentes: ") + " · ".join(named))
    human = float(said["score"].mean())
    st.button(
        t("Keep as regression case", "Guardar como caso de regressão"),
        icon=":material/bug_report:",
        disabled=2 < human < 4,
        help=t(
            "The test suite then fails while the reward contradicts what people said of it (good: 4, 5; bad: 1, 2).",
            "Os testes passam a falhar enquanto a recompensa contradisser as pessoas (boa: 4, 5; ruim: 1, 2).",
        ),
        on_click=attempt,
        args=(keep, row["task"], row["user_text"], row["text"], human),
    )


def _offer_to_run(task: str, text: str) -> None:
    """Where a task's completions can be run (SQL): the button, and what it gave."""
    known = find_task(task)
    if known is None or known.run is None:
        return
    if not st.button(t("Run", "Rodar"), key="run_completion", icon=":material/play_arrow:"):
        return
    result = known.run(text)
    if result.why:
        st.warning(t("Not run: ", "Não rodou: ") + message(result.why))
        return
    st.dataframe(
        pd.DataFrame(result.rows[:_ROWS], columns=list(result.columns)),
        hide_index=True,
        height="content",
        alt=t("What the query gives", "O que a consulta dá"),
    )
    if len(result.rows) > _ROWS or not result.rows:
        st.caption(t(f"{len(result.rows)} rows in all", f"{len(result.rows)} linhas ao todo"))


def _comment(text: str) -> str:
    return f": {literal(text)}" if text.strip() else ""


def keep(task: str, prompt: str, completion: str, human: float) -> None:
    """Button callback: keep a completion as a regression case."""
    try:
        new = keep_case(task, prompt, completion, human)
    except UserError as error:
        st.toast(message(error))
        return
    st.toast(
        t("Kept; `make test` checks it from now on.", "Guardado; `make test` o confere de agora em diante.")
        if new
        else t("It was kept before.", "Já estava guardado.")
    )


_POINT = "completion"
"""The chosen completion's key in the session's state, and its id's name in the address."""


@st.fragment
def show_points(rated: pd.DataFrame) -> None:
    """Scatter of a task's completions with one of them beside it, at first the largest disagreement; of the half that is not
    held out."""
    rated = visible(rated)
    if rated.empty:
        st.caption(t("Every rated prompt so far is held out.", "Todos os prompts avaliados até aqui estão reservados."))
        return
    _from_address(rated)
    task = choose_task(in_order(rated["task"].unique()), "points_task")
    totals = rated[(rated["task"] == task) & (rated["component"] == "total")]
    order = disagreements(rated, task, count=len(totals))
    ids = [int(i) for i in order["completion_id"]]
    if st.session_state.get(_POINT) not in ids:
        st.session_state[_POINT] = ids[0]
    chosen = st.session_state[_POINT]
    st.query_params[_POINT] = str(chosen)
    chart, text = st.columns([2, 3], gap="medium")
    with chart:
        show_chart(
            scatter_chart(totals, chosen, language(), pay_from_0_to_1([task])),
            on_select=partial(_pick, f"scatter_{task}"),
            key=f"scatter_{task}",
            alt=t("Human score against reward", "Nota humana contra recompensa"),
        )
        st.caption(
            t(
                "Click a point to read it. Points at the same place stand side by side.",
                "Clique num ponto para lê-lo. Pontos no mesmo lugar ficam lado a lado.",
            ),
            help=held_out_words(),
        )
    with text:
        _show_steps(ids, chosen, order)
        show_one(chosen, rated)


def _show_steps(ids: list[int], chosen: int, order: pd.DataFrame) -> None:
    """Where the chosen one stands among the disagreements, and the buttons to its neighbours."""
    place = ids.index(chosen)
    row = st.container(horizontal=True, vertical_alignment="center")
    for name, key, step, icon in (
        (t("Previous", "Anterior"), "k", -1, "arrow_upward"),
        (t("Next", "Próxima"), "j", 1, "arrow_downward"),
    ):
        row.button(
            name,
            key=f"step_{key}",
            shortcut=key,
            icon=f":material/{icon}:",
            on_click=_choose,
            args=(ids[(place + step) % len(ids)],),
        )
    found = order.iloc[place]
    row.markdown(
        t(
            f"Disagreement **{place + 1}** of {len(ids)}: people {number(found['human'], 1)} of 5, reward "
            f"{number(found['reward'])}, {number(found['gap'], signed=True)} by rank",
            f"Discordância **{place + 1}** de {len(ids)}: pessoas {number(found['human'], 1)} de 5, recompensa "
            f"{number(found['reward'])}, {number(found['gap'], signed=True)} por posição",
        )
    )


def _from_address(rated: pd.DataFrame) -> None:
    """The completion that the address names, once."""
    asked = st.query_params.get(_POINT, "")
    if _POINT in st.session_state or not asked.isdecimal():
        return
    found = rated.loc[rated["completion_id"] == int(asked), "task"]
    if not found.empty:
        st.session_state[_POINT], st.session_state["points_task"] = int(asked), found.iloc[0]


def _choose(completion_id: int) -> None:
    """Button callback: show this completion."""
    st.session_state[_POINT] = completion_id


def _pick(key: str) -> None:
    """Chart callback: show the completion whose point was clicked."""
    if points := st.session_state[key]["selection"].get("picked"):
        _choose(int(points[0]["completion_id"]))
