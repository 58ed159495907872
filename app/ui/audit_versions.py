"""The versions of a team's reward file: the decision on each, and what changed between two."""

import pandas as pd
import streamlit as st

from app.ui.audit_data import held_out_words
from app.ui.language import interval, number, t, task_name
from backend.audit.gates import decided_versions
from backend.store.engine import reading
from backend.store.suite_versions import difference
from backend.suites import in_order, tasks


def show_versions(rated_tasks: list[str]) -> None:
    """A table of a task's versions, newest first, and two of them side by side."""
    names = in_order([*rated_tasks, *tasks()])
    task = st.segmented_control(
        t("Task", "Tarefa"), names, default=names[0], format_func=task_name, key="version_task", required=True
    )
    with reading() as session:
        found = decided_versions(session, str(task))
    if not found:
        st.caption(
            t(
                "A version is kept when the decisions are recorded, or by `workbench audit`.",
                "Uma versão é guardada quando as decisões são registradas, ou por `workbench audit`.",
            )
        )
        return
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "version": v.version.fingerprint,
                    "since": v.version.created_at,
                    "rho": number(v.rho),
                    "interval": interval(v.low, v.high),
                    "n": v.n,
                    "verdict": v.verdict,
                }
                for v in found
            ]
        ),
        hide_index=True,
        column_config={
            "version": t("version", "versão"),
            "since": st.column_config.DatetimeColumn(t("kept at", "guardada em"), format="YYYY-MM-DD HH:mm"),
            "rho": "ρ",
            "interval": t("95 % interval", "intervalo de 95 %"),
            "verdict": t("decision", "decisão"),
        },
    )
    if len(found) == 1:
        return
    row = st.container(horizontal=True)
    words = [f"{v.version.fingerprint} · {v.version.created_at:%Y-%m-%d %H:%M}" for v in found]
    places = list(range(len(found)))
    before = row.selectbox(t("Before", "Antes"), places, 1, format_func=words.__getitem__, key="version_before")
    after = row.selectbox(t("After", "Depois"), places, 0, format_func=words.__getitem__, key="version_after")
    a, b = found[before], found[after]
    if a.visible is not None and b.visible is not None:
        change = number(b.visible - a.visible, signed=True)
        st.metric("Δρ", change, border=True, width="content", help=held_out_words())
        if a.visible_n != b.visible_n:
            st.caption(
                t(
                    f"Decided on {a.visible_n} and on {b.visible_n} completions: part of the difference is theirs.",
                    f"Decididas com {a.visible_n} e com {b.visible_n} respostas: parte da diferença vem delas.",
                )
            )
    changed = difference(a.version, b.version)
    st.code(changed or t("The same source.", "O mesmo código."), language="diff", wrap_lines=True)
