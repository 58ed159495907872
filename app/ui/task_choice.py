"""One choice of a task, which a link to it may have made before."""

from collections.abc import Sequence

import streamlit as st

from app.ui.language import t, task_name


def choose_task(tasks: Sequence[str], key: str) -> str:
    """The chosen one of some tasks; the first where none has been chosen, or one that is not among them."""
    if st.session_state.get(key) not in tasks:
        st.session_state[key] = tasks[0]
    return str(
        st.segmented_control(t("Task", "Tarefa"), tasks, format_func=task_name, key=key, required=True, width="content")
    )
