"""Would people agree? The estimated difference in human scores, and a button to ask for more ratings."""

import pandas as pd
import streamlit as st

from app.ui.actions import attempt
from app.ui.audit_policies import show_by_policy
from app.ui.language import interval, number, queued, t, task_name
from backend.audit.policies import base_of, by_policy
from backend.evaluation.people import FEWEST_PAIRS, pairs_needed, queue_pairs
from backend.evaluation.stored import Compared
from backend.store.completions import MOST_RATED, human_scores, rated_scores
from backend.store.engine import reading, writing
from backend.wording import Text

_STEP = 20
_NO_OVERALL = Text(
    f" Overall is shown once every task has {FEWEST_PAIRS} rated pairs.",
    f" O geral aparece quando cada tarefa tiver {FEWEST_PAIRS} pares avaliados.",
)


def show_people(compared: Compared) -> None:
    """The estimate per task, the reward's ρ on the tuned completions, and the button that asks raters for more pairs."""
    estimates = compared.people
    known = [e for e in estimates if e.delta is not None]
    if known:
        frame = pd.DataFrame(
            {
                "task": [task_name(e.task) for e in known],
                "pairs": [f"{e.pairs} / {e.prompts}" for e in known],
                "delta": [number(e.delta, signed=True) for e in known],
                "interval": [interval(e.low, e.high) for e in known],
                "alone": [interval(e.alone_low, e.alone_high) for e in known],
            }
        )
        st.dataframe(
            frame,
            hide_index=True,
            alt=t("Estimated difference of human scores", "Diferença estimada das notas humanas"),
            column_config={
                "task": t("Task", "Tarefa"),
                "pairs": t("rated pairs", "pares avaliados"),
                "delta": t("Δ human score (1 to 5)", "Δ nota humana (1 a 5)"),
                "interval": t("95 % interval", "intervalo de 95 %"),
                "alone": t("from the ratings alone", "só com as avaliações"),
            },
        )
        st.caption(
            t(
                "Prediction-powered: the reward on every prompt, corrected by what people said of some.",
                "Inferência com predições: a recompensa em todos os prompts, corrigida pelas avaliações de alguns.",
            )
            + (t(*_NO_OVERALL) if known[-1].task != "overall" else "")
        )
    else:
        pairs, needed = max(e.pairs for e in estimates), pairs_needed(0.5)
        st.info(
            t(
                f"{pairs} prompts have ratings of both completions; {FEWEST_PAIRS} of a task give its first estimate, and "
                f"about {needed} would find a difference of half a point.",
                f"{pairs} prompts têm avaliações das duas respostas; {FEWEST_PAIRS} de uma tarefa dão sua primeira "
                f"estimativa, e cerca de {needed} achariam uma diferença de meio ponto.",
            ),
            icon=":material/groups:",
        )
    st.button(
        t(f"Ask raters for {_STEP} more pairs", f"Pedir mais {_STEP} pares aos avaliadores"),
        icon=":material/playlist_add:",
        help=t(
            "Both completions of prompts from the whole range of the reward; raters see them blind, among the others.",
            "As duas respostas de prompts que cobrem o que a recompensa diz; vistas às cegas, entre as outras.",
        ),
        on_click=attempt,
        args=(_queue, compared),
    )
    if note := st.session_state.pop("queued_note", None):
        st.success(note)
    _show_whose(compared)


def _queue(compared: Compared) -> None:
    with writing() as session:
        new = queue_pairs(session, compared.base, compared.tuned, compared.paired, _STEP)
    st.session_state["queued_note"] = queued(
        new, "{n:completion is|completions are}", "{n:resposta está|respostas estão}"
    )


def _show_whose(compared: Compared) -> None:
    """The reward's ρ on the tuned answers beside the base's: it can be worse there."""
    with reading() as session:
        rated = rated_scores(session, compared.profile)
        of_tuned = rated_scores(session, compared.profile, human_scores(session, MOST_RATED, compared.tuned.id))
    st.markdown(t("**Does the reward still rank the tuned answers?**", "**A recompensa ainda ordena as treinadas?**"))
    if of_tuned.empty:
        st.caption(t("No tuned answer has been rated yet.", "Nenhuma resposta treinada foi avaliada ainda."))
    else:
        tuned = list(of_tuned["policy"].unique())
        show_by_policy(by_policy(rated[rated["policy"].isin([*tuned, *map(base_of, tuned)])]))
