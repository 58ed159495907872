"""The raters: number, mean and time of their ratings; agreement with each other and with themselves."""

import pandas as pd
import streamlit as st

from app.ui.actions import attempt
from app.ui.audit_completions import show_one
from app.ui.audit_data import people
from app.ui.language import number, numbers, t, task_name
from app.ui.markdown import literal
from backend.access import who
from backend.audit.agreement import Agreement, pairwise_kappa
from backend.audit.exchange import as_csv, as_jsonl, rating_rows
from backend.audit.raters import doubt_of
from backend.audit.table import People
from backend.rating.ratings import leave_out
from backend.store.engine import reading, writing
from backend.store.events import record
from backend.store.ratings import given_scores, left_out, rating_counts
from backend.store.tables import Rater

_OPENED = 20
"""Scores of a rater that are shown: those furthest from the others'."""


def show_raters(version: str, rated: pd.DataFrame) -> None:
    """Agreement, each rater with what speaks for and against the scores, agreement of pairs; and the ratings as files."""
    known = people(version)
    show_alpha({task: found.agreement for task, found in known.items()})
    with reading() as session:
        counts, without = rating_counts(session), left_out(session)
    _show_each(counts, known)
    _show_opened(sorted(counts["rater"].unique()), rated)
    show_left_out(without)
    _ask_to_leave_out(sorted(counts["rater"].unique()))
    for task, found in known.items():
        _show_pairs(task, pairwise_kappa(found.ratings))
    show_export()


def _show_each(counts: pd.DataFrame, known: dict[str, People]) -> None:
    """A row per task and rater."""
    checks = {(task, check.rater): check for task, found in known.items() for check in found.checks}
    rows = []
    for _, row in counts.iterrows():
        check = checks.get((row["task"], row["rater"]))
        if check is None:  # nothing of this rater is in the sample that raters are compared on
            continue
        severity = known[row["task"]].severity.of.get(row["rater"])
        again = "–" if check.apart is None else f"{number(check.apart, 1)} ({check.repeats})"
        rows.append(
            {
                "task": task_name(row["task"]),
                "rater": row["rater"],
                "ratings": row["ratings"],
                "mean": number(row["mean"]),
                "severity": number(severity, signed=True),
                "others": f"{number(check.agreement.rho)} ({check.agreement.n})",
                "again": again,
                "seconds": number(row["seconds"], 0),
                "doubt": t(*doubt) if (doubt := doubt_of(check)) is not None else "",
            }
        )
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        alt=t("Ratings per rater and task", "Avaliações por avaliador e tarefa"),
        column_config={
            "task": t("Task", "Tarefa"),
            "rater": t("rater", "avaliador"),
            "ratings": t("ratings", "avaliações"),
            "mean": t("mean score", "nota média"),
            "severity": st.column_config.TextColumn(
                t("severity", "severidade"),
                help=t(
                    "Points above (+, lenient) or below (-, strict) the raters' mean on the completions they share.",
                    "Pontos acima (+, brando) ou abaixo (-, severo) da média dos avaliadores nas respostas em comum.",
                ),
            ),
            "others": st.column_config.TextColumn(
                t("ρ with the others", "ρ com os outros"),
                help=t(
                    "With the mean of the others, on shared completions.",
                    "Com a média dos outros, no que têm em comum.",
                ),
            ),
            "again": st.column_config.TextColumn(
                t("with oneself", "consigo mesmo"),
                help=t(
                    "Mean distance on completions shown twice.", "Distância média nas respostas mostradas duas vezes."
                ),
            ),
            "seconds": t("median seconds", "segundos (mediana)"),
            "doubt": st.column_config.TextColumn(t("in doubt because", "em dúvida porque"), width="large"),
        },
    )


def _show_opened(raters: list[str], rated: pd.DataFrame) -> None:
    """One rater's scores beside the mean of all and the reward, the furthest from the mean first; a click on a row opens it."""
    name = st.selectbox(
        t("Open a rater", "Abrir um avaliador"),
        raters,
        index=None,
        key="open_rater",
        placeholder=t("Whose scores?", "As notas de quem?"),
    )
    if name is None:
        return
    with reading() as session:
        given = given_scores(session, Rater.name == name)
    totals = rated.loc[rated["component"] == "total", ["completion_id", "human", "value"]]
    frame = given.merge(totals, on="completion_id").assign(apart=lambda f: (f["score"] - f["human"]).abs())
    frame = frame.sort_values(["apart", "completion_id"], ascending=[False, True], ignore_index=True).head(_OPENED)
    st.caption(
        t(
            f"{len(frame)} of {len(given)} scores, furthest from the mean of all raters first; click a row to read it.",
            f"{len(frame)} de {len(given)} notas, primeiro as mais distantes da média de todos; clique numa linha para lê-la.",
        )
    )
    shown = numbers(frame.assign(task=frame["task"].map(task_name)), {"score": 0, "human": 1, "value": 2})
    picked = st.dataframe(
        shown[["task", "score", "human", "value", "comment", "apart"]],
        hide_index=True,
        height="content",
        on_select="rerun",
        selection_mode="single-row",
        key=f"scores_{name}",
        alt=t("A rater's scores", "As notas de um avaliador"),
        column_config={
            "task": t("Task", "Tarefa"),
            "score": t("score", "nota"),
            "human": t("mean of all", "média de todos"),
            "value": t("reward", "recompensa"),
            "comment": st.column_config.TextColumn(t("comment", "comentário"), width="large"),
            "apart": None,
        },
    )
    if rows := picked["selection"]["rows"]:
        show_one(int(frame["completion_id"].iloc[rows[0]]), rated)


def show_left_out(without: dict[str, str]) -> None:
    """Each rater who is left out, with the reason, and a button that counts the scores again."""
    for name, reason in without.items():
        row = st.container(horizontal=True, vertical_alignment="center")
        row.markdown(
            t(
                f"**{literal(name)}** is left out: {literal(reason)}",
                f"**{literal(name)}** fica de fora: {literal(reason)}",
            )
        )
        row.button(
            t("Count again", "Contar de novo"),
            key=f"count_{name}",
            disabled=not who().may(),
            on_click=attempt,
            args=(_leave_out, name, ""),
        )


def _ask_to_leave_out(raters: list[str]) -> None:
    """Leave a rater out, with the reason."""
    with st.expander(t("Leave a rater out", "Deixar um avaliador de fora")), st.form("leave_out", border=False):
        st.caption(
            t(
                "The scores stay in the store and stop counting everywhere; gates decided with them become stale.",
                "As notas ficam guardadas e deixam de contar em toda parte; os portões decididos com elas caducam.",
            )
        )
        name = st.selectbox(t("Rater", "Avaliador"), raters)
        reason = st.text_input(t("Reason", "Motivo"), max_chars=300)
        if st.form_submit_button(t("Leave out", "Deixar de fora"), disabled=not (who().may() and raters)):
            if not reason.strip():
                st.warning(t("Say why; the log keeps it.", "Diga por quê; o registro guarda."))
            else:
                _leave_out(str(name), reason)
                st.rerun()


def _leave_out(name: str, reason: str) -> None:
    with writing() as session:
        leave_out(session, name, reason)


def _show_pairs(task: str, kappas: pd.DataFrame) -> None:
    """Agreement of every two raters of a task."""
    if kappas.empty:
        return
    st.markdown(f"**{task_name(task)}**")
    st.dataframe(
        numbers(kappas, {"kappa": 2}),
        hide_index=True,
        alt=t("Agreement of every two raters", "Concordância de cada dois avaliadores"),
        column_config={
            "a": t("rater", "avaliador"),
            "b": t("with", "com"),
            "completions": t("completions", "respostas"),
            "kappa": t("κ, quadratic weights", "κ, pesos quadráticos"),
        },
    )


def show_alpha(agreements: dict[str, Agreement]) -> None:
    """Krippendorff's α per task, or why there is none."""
    for task, found in agreements.items():
        if found.alpha is None or found.low is None:
            continue
        st.markdown(
            t(
                f"**{task_name(task)}** · Krippendorff's α {number(found.alpha)} "
                f"({number(found.low)} to {number(found.high)}) on {found.completions} completions",
                f"**{task_name(task)}** · α de Krippendorff {number(found.alpha)} "
                f"({number(found.low)} a {number(found.high)}) em {found.completions} respostas",
            )
        )
    if not any(found.completions for found in agreements.values()):
        st.caption(
            t(
                "No completion has two raters who count, so nothing can be said of their agreement.",
                "Nenhuma resposta tem dois avaliadores que contem; nada se pode dizer da concordância.",
            )
        )


def show_export() -> None:
    """The ratings as files, raters under pseudonyms."""
    row = st.container(horizontal=True)
    row.download_button(
        t("Ratings as CSV", "Avaliações em CSV"),
        lambda: as_csv(_export()),
        "ratings.csv",
        "text/csv",
        on_click="ignore",
    )
    row.download_button(
        t("Ratings as JSONL", "Avaliações em JSONL"),
        lambda: as_jsonl(_export()),
        "ratings.jsonl",
        "application/jsonl",
        on_click="ignore",
    )


def _export() -> pd.DataFrame:
    with writing() as session:
        record(session, "exported", "ratings")
        return rating_rows(session)
