"""The raters: number, mean and time of their ratings; agreement with each other and with themselves."""

import pandas as pd
import streamlit as st

from app.ui.audit_data import people
from app.ui.language import number, numbers, t, task_name
from backend.audit.agreement import Agreement, pairwise_kappa
from backend.audit.exchange import as_csv, as_jsonl, rating_rows
from backend.store.engine import reading, writing
from backend.store.events import record
from backend.store.ratings import rating_counts, self_agreement


def show_raters(version: str) -> None:
    """Agreement, each rater's statistics, hidden repeats, agreement of pairs; and the ratings as files."""
    ratings, _, agreements = people(version)
    show_alpha(agreements)
    with reading() as session:
        counts, repeated = rating_counts(session), self_agreement(session)
    counts["task"] = counts["task"].map(task_name)
    st.dataframe(
        numbers(counts, {"mean": 2, "spread": 2, "seconds": 0}),
        hide_index=True,
        alt=t("Ratings per rater and task", "Avaliações por avaliador e tarefa"),
        column_config={
            "rater": t("rater", "avaliador"),
            "task": t("Task", "Tarefa"),
            "ratings": t("ratings", "avaliações"),
            "mean": t("mean score", "nota média"),
            "spread": t("spread", "dispersão"),
            "seconds": t("median seconds", "segundos (mediana)"),
        },
    )
    if not repeated.empty:
        show_repeats(repeated)
    kappas = pairwise_kappa(ratings)
    if not kappas.empty:
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
    show_export()


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
                "No completion has two raters yet, so nothing can be said of their agreement.",
                "Nenhuma resposta tem dois avaliadores; nada se pode dizer da concordância.",
            )
        )


def show_repeats(repeated: pd.DataFrame) -> None:
    """How each rater scored the completions that were shown twice."""
    repeated = repeated.assign(same=[f"{share:.0%}" for share in repeated["same"]])
    st.dataframe(
        numbers(repeated, {"apart": 2}),
        hide_index=True,
        alt=t("Raters on what they saw twice", "Avaliadores sobre o que viram duas vezes"),
        column_config={
            "rater": t("rater", "avaliador"),
            "repeats": t("shown twice", "mostradas duas vezes"),
            "same": t("same score again", "mesma nota de novo"),
            "apart": t("mean distance", "distância média"),
        },
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
