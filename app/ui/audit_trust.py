"""Checks of each ρ: computed in several ways, by component, and with the same ratings under another profile."""

import pandas as pd
import streamlit as st

from app.ui.audit_data import held_out_words, load, people
from app.ui.chart import show_chart
from app.ui.language import interval, language, number, numbers, p_value, t, task_name
from app.ui.state import shown_errors
from app.ui.table import show_rows
from app.ui.verdicts import gate_words
from backend.audit.agreement import agreed
from backend.audit.robustness import held_out_difference, leave_one_out, lifted, profile_differences, views, visible
from backend.audit.table import People
from backend.charts.audit import heat_map
from backend.suites import by_task, find_task, profiles


def show_trust(rated: pd.DataFrame, audit: pd.DataFrame, version: str) -> None:
    """Each ρ seen in several ways, a row each: weighted, within prompts, held out, by raters, and what bounds it."""
    raters = people(version)
    totals = audit[audit["reward"] == "total"].set_index("task")
    of_task = dict(list(rated[rated["component"] == "total"].groupby("task")))
    columns = {task_name(task): _ways(of_task[task], row, raters.get(task)) for task, row in totals.iterrows()}
    st.dataframe(
        pd.DataFrame(columns),
        height="content",
        alt=t("ρ per task, seen in several ways", "ρ por tarefa, visto de várias formas"),
    )
    st.caption(
        t(
            "ρ with n in brackets. GRPO learns only from the ranking within a prompt. Half of the prompts is held out from "
            "what one tunes a reward by; where the difference leaves out 0, it was tuned to the ratings. Adjusted: the scores "
            "less each rater's severity, where raters share enough completions. The ceiling is what a reward without any error "
            "reaches with raters of this noise, if they are alike: one who is careless or strict lowers it, and a reward may "
            "then pass it.",
            "ρ com n entre parênteses. O GRPO aprende só com a ordem dentro de um prompt. Metade dos prompts fica fora do "
            "que serve para ajustar a recompensa; onde a diferença exclui 0, ela foi ajustada às notas. Ajustado: as notas "
            "sem a severidade de cada avaliador, onde eles têm respostas em comum. O teto é o que uma recompensa sem erro "
            "alcança com avaliadores deste ruído, se forem parecidos: um descuidado ou severo o abaixa, e uma recompensa pode "
            "então passar dele.",
        )
    )


def _ways(of_task: pd.DataFrame, total: pd.Series, raters: People | None) -> dict[str, str]:
    """The cells of one task."""
    names = {
        "weighted": t("all completions, weighted to the queue", "todas as respostas, ponderadas pela fila"),
        "pooled": t("all completions, not weighted", "todas as respostas, sem ponderar"),
        "within-prompt": t("within prompts", "dentro dos prompts"),
        "visible half": t("visible half", "metade visível"),
        "held-out half": t("held-out half", "metade reservada"),
        "raters agree": t("where raters agree", "onde os avaliadores concordam"),
        "raters differ": t("where raters differ", "onde os avaliadores divergem"),
        "length alone": t("the completion's length alone", "só o tamanho da resposta"),
    }
    agrees = agreed(raters.ratings) if raters else pd.Series(dtype=bool)
    d, cells = held_out_difference(of_task), {}
    for view in views(of_task, agrees):
        cells[names[view.name]] = _cell(view.rho, view.n)
        if view.name == "held-out half":
            apart = "" if d.low is None else f" · {interval(d.low, d.high)}"
            cells[t("held-out minus visible", "reservada menos visível")] = number(d.delta, signed=True) + apart
    adjusted = None if pd.isna(total["adjusted"]) else float(total["adjusted"])
    cells[t("adjusted for rater severity", "ajustado pela severidade")] = number(adjusted)
    if raters is not None:
        a = raters.agreement
        cells[t("one rater with another", "um avaliador com outro")] = _cell(a.rater, a.completions)
        ends = "" if a.ceiling_low is None else f" · {interval(a.ceiling_low, a.ceiling_high, signed=False)}"
        cells[t("ceiling, if raters are alike", "teto, se forem parecidos")] = number(a.ceiling) + ends
    return cells


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
    frame = profile_differences(visible(before), visible(rated))
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
        + " "
        + held_out_words()
    )


def show_components(audit: pd.DataFrame) -> None:
    """Every reward and component at a glance; the numbers are one click away."""
    totals = audit[audit["reward"] == "total"]
    cells = ", ".join(f"{task_name(r['task'])} {number(r['rho'])} (n = {r['n']})" for _, r in totals.iterrows())
    show_chart(
        heat_map(audit, language()),
        alt=t("Spearman's rho per task and reward component: ", "ρ de Spearman por tarefa e componente: ") + cells,
    )
    st.caption(t("ρ with people's scores, and n in brackets.", "ρ com as notas das pessoas, e n entre parênteses."))
    with st.expander(t("All the numbers", "Todos os números")):
        _show_table(audit)


def _show_table(audit: pd.DataFrame) -> None:
    frame = audit.assign(task=audit["task"].map(task_name), verdict=audit["verdict"].map(gate_words))
    frame["interval"] = [interval(*ends, signed=False) for ends in zip(frame["low"], frame["high"], strict=True)]
    frame["reason"] = [t(*reason) for reason in frame["reason"]]
    frame = numbers(frame, {"rho": 2}).assign(**{name: frame[name].map(p_value) for name in ("p", "p_holm")})
    show_rows(
        frame[["task", "reward", "n", "rho", "interval", "p", "p_holm", "verdict", "reason"]],
        "rhos",
        t("Spearman's rho per task and reward component", "ρ de Spearman por tarefa e componente"),
        height="content",
        heads=2,
        columns={
            "task": t("Task", "Tarefa"),
            "reward": t("Reward", "Recompensa"),
            "rho": "ρ",
            "interval": t("95 % interval", "intervalo de 95 %"),
            "p": st.column_config.TextColumn("p", help=t("of ρ = 0, two-sided", "de ρ = 0, bilateral")),
            "p_holm": st.column_config.TextColumn(
                "p (Holm)", help=t("corrected over all components here", "corrigido por todos os componentes aqui")
            ),
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
    show_rows(
        numbers(found.assign(task=found["task"].map(task_name)), {"reward": 2, "human": 1}),
        "lifted",
        t("What lifted completions people dislike", "O que elevou respostas de que as pessoas não gostam"),
        heads=2,
        columns={
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
        leave_one_out(rows, find_task(task)).assign(task=task_name(task))
        for task, rows in by_task(rated)
        if len(rows) > 2
    ]
    if not frames:
        return
    table = numbers(pd.concat(frames), {"rho": 2, "without": 2, "adds": 2}, signed=["adds"])
    show_rows(
        table[["task", "component", "rho", "without", "adds"]],
        "adds",
        t("What each component adds to ρ", "O que cada componente acrescenta ao ρ"),
        height="content",
        heads=2,
        columns={
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
