"""Would people agree? The estimated difference in human scores, and a button to ask for more ratings."""

import pandas as pd
import streamlit as st

from app.ui.language import interval, number, t, task_name
from backend.audit.correlation import FEWEST_PROMPTS, correlate
from backend.evaluation.people import FEWEST_PAIRS, pairs_needed, queue_pairs
from backend.evaluation.stored import Compared
from backend.store.completions import rated_scores
from backend.store.engine import reading, writing
from backend.suites import in_order
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
    _show_rho_after(compared)
    st.button(
        t(f"Ask raters for {_STEP} more pairs", f"Pedir mais {_STEP} pares aos avaliadores"),
        icon=":material/playlist_add:",
        help=t(
            "Both completions of prompts from the whole range of the reward; raters see them blind, among the others.",
            "As duas respostas de prompts que cobrem o que a recompensa diz; vistas às cegas, entre as outras.",
        ),
        on_click=_queue,
        args=(compared,),
    )
    if note := st.session_state.pop("queued_note", None):
        st.success(note)


def _queue(compared: Compared) -> None:
    with writing() as session:
        new = queue_pairs(session, compared.base, compared.tuned, compared.paired, _STEP)
    st.session_state["queued_note"] = t(
        f"{new} completions are in the raters' queue.", f"{new} respostas estão na fila dos avaliadores."
    )


def _show_rho_after(compared: Compared) -> None:
    """The reward's ρ on the tuned completions: it can be worse there than on the base model's completions."""
    with reading() as session:
        rated = rated_scores(session, compared.profile, compared.tuned.id)
    totals, rows = rated[rated["component"] == "total"], []
    for task in in_order(list(totals["task"].unique())):
        of = totals[totals["task"] == task]
        (c,) = correlate(of["human"], of[["value"]], of["prompt_id"].tolist())
        if c.low is not None:
            rows.append(f"{task_name(task)} {number(c.rho)} ({interval(c.low, c.high, signed=False)}; n = {c.n})")
    if rows:
        st.markdown(t("**ρ on the tuned completions**: ", "**ρ nas respostas treinadas**: ") + " · ".join(rows))
    elif not totals.empty:
        st.caption(
            t(
                f"{len(totals)} tuned completions are rated; ρ on them is said from {FEWEST_PROMPTS} prompts of a task on.",
                f"{len(totals)} respostas treinadas têm nota; o ρ nelas é dito a partir de {FEWEST_PROMPTS} prompts de uma tarefa.",
            )
        )
