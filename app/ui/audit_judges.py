"""Judges and pairs on the audit's page: from stored scores and choices alone, so that looking costs no call."""

import pandas as pd
import streamlit as st

from app.ui.language import interval, number, numbers, t, task_name
from app.ui.markdown import harmless
from backend.audit.judges import JudgeAudit, audit_judge
from backend.audit.pairs import pairwise_accuracy
from backend.store.completions import all_ratings, gaps
from backend.store.engine import reading
from backend.store.pairs import pair_ratings, stored_values
from backend.suites import JudgeOf, find_task, suite_of


def judges_of(tasks: list[str]) -> dict[str, list[JudgeOf]]:
    """task -> its rewards that are judges, for the tasks that have any."""
    found: dict[str, list[JudgeOf]] = {}
    for task in tasks:
        known = find_task(task)
        scorer = suite_of(task).scorer if known is not None else None
        if known is not None and scorer is not None:
            found[task] = [scorer.judges[name] for name in known.reward.maxima if name in scorer.judges]
    return {task: judges for task, judges in found.items() if judges}


def show_judges(rated: pd.DataFrame, profile: str, judges: dict[str, list[JudgeOf]]) -> None:
    """Each judge beside people: agreement, gaps, cost, and what it goes by."""
    with reading() as session:
        missing, ratings = gaps(session, profile), all_ratings(session)
        for task, of_task in judges.items():
            ids = [int(i) for i in rated.loc[rated["task"] == task, "completion_id"].unique()]
            for judge in of_task:
                rows = rated[(rated["task"] == task) & (rated["component"] == judge.name)]
                lost = missing[missing["task"] == task]
                mine = ratings[ratings["task"] == task]
                _show_judge(task, audit_judge(session, judge, profile, rows, mine, lost, ids, checks=0))
    st.caption(
        t(
            "A judge is never counted as a person. Position, repeats and obedience need questions of their own: "
            "`workbench audit` asks them.",
            "Um juiz nunca conta como pessoa. Posição, repetição e obediência precisam de perguntas próprias: "
            "`workbench audit` as faz.",
        )
    )


def _show_judge(task: str, audit: JudgeAudit) -> None:
    people, took = audit.people, audit.spent
    st.markdown(f"**{harmless(audit.judge.name)}** · {harmless(audit.judge.model)} · {task_name(task)}")
    cost = took.dollars(audit.judge.price)
    gap_words = ", ".join(f"{n} {kind}" for kind, n in audit.gaps.items()) or t("none", "nenhuma")
    rows = {
        t("ρ with people", "ρ com as pessoas"): _with_ends(people.correlation.rho, people.correlation.low, people.correlation.high),
        t("weighted κ with people", "κ ponderado com as pessoas"): _with_ends(people.kappa.kappa, people.kappa.low, people.kappa.high),
        t("weighted κ among people", "κ ponderado entre as pessoas"): number(people.people_kappa.kappa),
        t("partial ρ with length", "ρ parcial com o tamanho"): _with_ends(audit.length.rho, audit.length.low, audit.length.high),
        t("no value, and why", "sem valor, e por quê"): gap_words,
        t("calls so far", "chamadas até agora"): f"{took.calls}" + ("" if cost is None else f" · ${cost:.4f}"),
    }  # fmt: skip
    st.dataframe(pd.Series(rows, name=audit.judge.name).to_frame(), height="content", alt=t("A judge beside people", "Um juiz ao lado das pessoas"))  # fmt: skip
    for words in audit.findings:
        st.markdown(f"- {harmless(t(*words))}")


def show_pairs(profile: str, tasks: list[str]) -> None:
    """How often each reward, of two completions, prefers the one that people prefer."""
    rows = []
    with reading() as session:
        choices = pair_ratings(session)
        for task in tasks:
            mine = choices[choices["task"] == task]
            ids = sorted({int(i) for i in (*mine["first"], *mine["second"])})
            for name, values in stored_values(session, ids, profile).items() if ids else ():
                found = pairwise_accuracy(mine, values)
                rows.append(
                    {
                        "task": task_name(task), "reward": name, "pairs": found.pairs, "choices": found.choices,
                        "accuracy": found.accuracy, "interval": interval(found.low, found.high, signed=False),
                    }
                )  # fmt: skip
    if not rows:
        st.info(
            t(
                "Nobody has compared two completions yet. Open Compare and choose from a few pairs.",
                "Ninguém comparou duas respostas ainda. Abra Comparar e escolha em alguns pares.",
            ),
            icon=":material/compare:",
        )
        return
    st.dataframe(
        numbers(pd.DataFrame(rows), {"accuracy": 2}),
        hide_index=True,
        alt=t("Pairwise accuracy per task and reward", "Acerto nos pares por tarefa e recompensa"),
        column_config={
            "task": t("Task", "Tarefa"),
            "reward": t("Reward", "Recompensa"),
            "pairs": t("pairs", "pares"),
            "choices": t("choices", "escolhas"),
            "accuracy": t("prefers what people prefer", "prefere o que as pessoas preferem"),
            "interval": t("95 % interval", "intervalo de 95 %"),
        },
    )


def _with_ends(value: float | None, low: float | None, high: float | None) -> str:
    ends = interval(low, high)
    return f"{number(value)} · {ends}" if ends else number(value)
