"""Whose answers each ρ rests on, and one click that puts a run's tuned answers before the raters."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.ui.actions import attempt
from app.ui.language import interval, number, queued, t, task_name
from app.ui.table import show_rows
from backend.access import who
from backend.audit.correlation import FEWEST_PROMPTS
from backend.audit.policies import PolicyRho, policy_words
from backend.evaluation.people import queue_tuned
from backend.store.engine import reading, writing
from backend.store.evaluations import tuned_evaluations
from backend.store.tables import Evaluation, Run


def show_policies(found: Sequence[PolicyRho]) -> None:
    """ρ on each policy's answers, and the run whose tuned answers are rated next."""
    show_by_policy(found)
    with reading() as session:
        tuned = tuned_evaluations(session)
        names = {run_id: session.get_one(Run, run_id).name for run_id in tuned}
    if not tuned:
        st.caption(t("No run has tuned answers yet.", "Nenhum treino tem respostas treinadas ainda."))
        return
    row = st.container(horizontal=True, vertical_alignment="bottom")
    run_id = row.selectbox(
        t("Run", "Treino"), list(tuned), format_func=lambda r: f"{names[r]} · {r}", key="tuned_run", width=320
    )
    with row:
        ask_for_tuned(tuned[str(run_id)])


def ask_for_tuned(tuned: Evaluation) -> None:
    """The button that puts a run's tuned answers before the raters."""
    st.button(
        t("Let people rate its tuned answers", "Pedir avaliações das respostas treinadas"),
        icon=":material/playlist_add:",
        disabled=not who().may("pm"),
        on_click=attempt,
        args=(_queue, tuned.id),
        help=t(
            "One answer to each prompt, blind among the others. ρ on them then stands beside ρ on the base's answers.",
            "Uma resposta por prompt, às cegas entre as outras. O ρ nelas fica então ao lado do ρ nas do modelo base.",
        ),
    )


def _queue(evaluation_id: str) -> None:
    with writing() as session:
        new = queue_tuned(session, session.get_one(Evaluation, evaluation_id))
    st.toast(queued(new, "{n:answer is|answers are}", "{n:resposta está|respostas estão}"))


def show_by_policy(found: Sequence[PolicyRho]) -> None:
    """A row for each task and policy: n, ρ, its interval, and how far it is from the base's."""
    frame = pd.DataFrame(
        {
            "task": [task_name(p.task) for p in found],
            "policy": [t(*policy_words(p.policy)) for p in found],
            "n": [p.found.n for p in found],
            "human": [number(p.human, 1) for p in found],
            "rho": [number(p.found.rho) for p in found],
            "interval": [
                interval(p.found.low, p.found.high, signed=False)
                or t(f"fewer than {FEWEST_PROMPTS} prompts", f"menos de {FEWEST_PROMPTS} prompts")
                for p in found
            ],
            "apart": [_apart(p) for p in found],
        }
    )
    show_rows(
        frame,
        "policies",
        t("ρ on each policy's answers", "ρ nas respostas de cada modelo"),
        heads=2,
        columns={
            "task": t("Task", "Tarefa"),
            "policy": t("whose answers", "respostas de"),
            "human": t("mean human score", "nota humana média"),
            "rho": "ρ",
            "interval": t("95 % interval", "intervalo de 95 %"),
            "apart": t("minus the base's ρ", "menos o ρ do modelo base"),
        },
    )


def _apart(p: PolicyRho) -> str:
    if p.apart is None or p.apart.delta is None:
        return ""
    ends = interval(p.apart.low, p.apart.high)
    return number(p.apart.delta, signed=True) + (f" · {ends}" if ends else "")
