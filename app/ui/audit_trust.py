"""Checks of each ρ: computed in several ways, by component, and with the same ratings under another profile."""

import pandas as pd
import streamlit as st

from app.ui.audit_data import load, people
from app.ui.language import interval, number, numbers, t, task_name
from app.ui.state import shown_errors
from app.ui.verdicts import gate_words
from backend.audit.robustness import leave_one_out, lifted, no_better_than_length, profile_differences, views
from backend.suites import find_task, profiles


def show_trust(rated: pd.DataFrame, version: str) -> None:
    """Each ρ within prompts, held out, by rater agreement and against length; and the ρ of rater with rater."""
    _, agrees, agreements = people(version)
    names = {
        "pooled": t("all completions", "todas as respostas"),
        "weighted": t("weighted to the queue", "ponderado pela fila"),
        "within-prompt": t("within prompts", "dentro dos prompts"),
        "visible half": t("visible half", "metade visível"),
        "held-out half": t("held-out half", "metade reservada"),
        "raters agree": t("raters agree", "avaliadores concordam"),
        "raters differ": t("raters differ", "avaliadores divergem"),
        "length alone": t("length alone", "só o tamanho"),
        "ceiling": t("rater with rater", "avaliador com avaliador"),
    }
    table, warnings = {}, []
    for task, of_task in rated[rated["component"] == "total"].groupby("task"):
        seen = views(of_task, agrees)
        cells = {names[v.name]: _cell(v.rho, v.n) for v in seen}
        found = agreements.get(str(task))
        cells[names["ceiling"]] = _cell(found.ceiling if found else None, found.completions if found else 0)
        table[task_name(str(task))] = cells
        if no_better_than_length(seen):
            warnings.append(task_name(str(task)))
    st.dataframe(
        pd.DataFrame(table).T, alt=t("ρ per task, seen in several ways", "ρ por tarefa, visto de várias formas")
    )
    st.caption(
        t(
            "ρ with n in brackets. GRPO learns only from the ranking within a prompt; a reward tuned on the visible half "
            "shows on the held-out half; and no reward can agree with raters more than they agree with each other.",
            "ρ com n entre parênteses. O GRPO aprende só com a ordem dentro de um prompt; uma recompensa ajustada à "
            "metade visível se revela na reservada; e nenhuma concorda com os avaliadores mais do que eles entre si.",
        )
    )
    for name in warnings:
        st.warning(
            t(
                f"{name}: the reward ranks no better than the completion's length does.",
                f"{name}: a recompensa não ordena melhor que o tamanho da resposta.",
            ),
            icon=":material/straighten:",
        )


def _cell(rho: float | None, n: int) -> str:
    return f"{number(rho)} ({n})"


def show_profiles(profile: str, rated: pd.DataFrame) -> None:
    """The same ratings under another profile: Δρ with its interval. No new ratings are needed."""
    known = profiles()
    others = [name for name in known if name != profile]
    if not others:
        st.caption(t("There is only one version of the rules.", "Só há uma versão das regras."))
        return
    # By default not a profile that measures something, because measuring takes long.
    likely = [name for name in others if not known[name].measured_by] or others
    other = st.selectbox(t("Compare with", "Comparar com"), others, index=others.index(likely[-1]))
    before = None
    with shown_errors():
        before, _, _ = load(other)
    if before is None:
        return
    frame = profile_differences(before, rated)
    frame["task"] = frame["task"].map(task_name)
    frame["interval"] = [interval(*ends) for ends in zip(frame["low"], frame["high"], strict=True)]
    frame = numbers(frame, {"before": 2, "after": 2, "delta": 2}, signed=["delta"])
    st.dataframe(
        frame[["task", "n", "before", "after", "delta", "interval"]],
        hide_index=True,
        alt=t("Δρ between two profiles", "Δρ entre dois perfis"),
        column_config={
            "task": t("Task", "Tarefa"),
            "before": f"ρ {other}",
            "after": f"ρ {profile}",
            "delta": "Δρ",
            "interval": t("95 % interval of Δρ", "intervalo de 95 % de Δρ"),
        },
    )
    st.caption(
        t(
            "The same completions and ratings under both; an interval that leaves out 0 is a difference.",
            "As mesmas respostas e notas sob ambos; um intervalo que exclui 0 é uma diferença.",
        )
    )


def show_components(audit: pd.DataFrame) -> None:
    """The matrix of every reward and component."""
    frame = audit.assign(task=audit["task"].map(task_name), verdict=audit["verdict"].map(gate_words))
    frame["interval"] = [interval(*ends, signed=False) for ends in zip(frame["low"], frame["high"], strict=True)]
    frame = numbers(frame, {"rho": 2, "p": 4})
    st.dataframe(
        frame[["task", "reward", "n", "rho", "interval", "p", "verdict", "reason"]],
        hide_index=True,
        alt=t("Spearman's rho per task and reward component", "ρ de Spearman por tarefa e componente"),
        column_config={
            "task": t("Task", "Tarefa"),
            "reward": t("Reward", "Recompensa"),
            "rho": "ρ",
            "interval": t("95 % interval", "intervalo de 95 %"),
            "p": st.column_config.TextColumn("p", help=t("permutation test", "teste de permutação")),
            "verdict": t("Gate", "Portão"),
            "reason": st.column_config.TextColumn(t("Why", "Por quê"), width="large"),
        },
    )


def show_lifted(rated: pd.DataFrame) -> None:
    """Completions with a high reward and a low human score: what GRPO would exploit."""
    found = lifted(rated)
    if found.empty:
        return
    st.markdown(t("**Liked by the reward, disliked by people**", "**A recompensa gosta, as pessoas não**"))
    st.dataframe(
        numbers(found.assign(task=found["task"].map(task_name)), {"reward": 2, "human": 1}),
        hide_index=True,
        alt=t("What lifted completions people dislike", "O que elevou respostas de que as pessoas não gostam"),
        column_config={
            "task": t("Task", "Tarefa"),
            "component": t("lifted by", "elevada por"),
            "completions": t("completions", "respostas"),
            "reward": t("mean reward", "recompensa média"),
            "human": t("mean human score", "nota humana média"),
            "example": t("one of them", "uma delas"),
        },
    )


def show_leave_one_out(rated: pd.DataFrame) -> None:
    """What each component adds to its task's ρ."""
    frames = [
        leave_one_out(rows, find_task(str(task))).assign(task=task_name(str(task)))
        for task, rows in rated.groupby("task")
        if len(rows) > 2
    ]
    if not frames:
        return
    table = numbers(pd.concat(frames), {"rho": 2, "without": 2, "adds": 2}, signed=["adds"])
    st.dataframe(
        table[["task", "component", "rho", "without", "adds"]],
        hide_index=True,
        alt=t("What each component adds to ρ", "O que cada componente acrescenta ao ρ"),
        column_config={
            "task": t("Task", "Tarefa"),
            "component": t("component", "componente"),
            "rho": t("its own ρ", "ρ próprio"),
            "without": t("ρ without it", "ρ sem ele"),
            "adds": st.column_config.TextColumn(
                t("it adds", "acrescenta"),
                help=t(
                    "Below 0: the reward ranks better without it.", "Abaixo de 0: sem ele a recompensa ordena melhor."
                ),
            ),
        },
    )
