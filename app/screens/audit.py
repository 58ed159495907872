"""Reward audit: whether each reward ranks completions as people do."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from app.pages import link_to
from app.ui.actions import attempt, show_failed
from app.ui.audit_attack import show_attack
from app.ui.audit_best import show_best_of
from app.ui.audit_completions import show_points
from app.ui.audit_data import findings, held_out_words, load, standing, whose
from app.ui.audit_findings import show_others, show_strongest
from app.ui.audit_judges import judges_of, show_judges, show_pairs
from app.ui.audit_policies import show_policies
from app.ui.audit_raters import show_left_out, show_raters
from app.ui.audit_rubrics import show_rubrics
from app.ui.audit_trust import show_components, show_leave_one_out, show_lifted, show_profiles, show_trust
from app.ui.audit_versions import show_versions
from app.ui.chart import show_chart
from app.ui.language import language, number, numbers, t, task_name
from app.ui.markdown import message
from app.ui.state import example_note, open_store
from app.ui.table import show_rows
from app.ui.tabs import show_tabs
from app.ui.verdicts import gate_words
from backend.audit.attack import found_probes
from backend.audit.attacks import broken_rewards, standing_attacks
from backend.audit.correlation import FEWEST_PROMPTS
from backend.audit.gate import Gate
from backend.audit.gates import decide_gates
from backend.audit.robustness import visible
from backend.audit.strongest import Where
from backend.charts.audit import correlation_chart
from backend.errors import UserError
from backend.store.completions import tasks_with_completions
from backend.store.engine import reading, writing
from backend.store.ratings import has_example_ratings, left_out
from backend.suites import default_profile, fingerprint, profiles, suite_of, suites, tasks
from rewards.scoring import run_probes

TABS = "audit_tabs"
VERDICTS: dict[str, tuple[str, Any]] = {
    "pass": (":material/check_circle:", "green"),
    "fail": (":material/cancel:", "red"),
    "more ratings needed": (":material/hourglass_top:", "orange"),
    "stale": (":material/update:", "orange"),
}


def show_whose() -> None:
    """Whose scores these are, as long as the example's are among them."""
    with reading() as session:
        example_note(has_example_ratings(session))


def show_gates(totals: pd.DataFrame, decisions: dict[str, Gate], broken: Collection[str]) -> None:
    """One card per task: the verdict from the current ratings, the recorded decision, which preflight uses, and whether an attack
    has broken the reward."""
    cards = st.container(horizontal=True)  # wraps on a narrow screen
    for _, row in totals.iterrows():
        icon, colour = VERDICTS[row["verdict"]]
        with cards.container(border=True, width=225):
            st.markdown(f"**{task_name(row['task'])}**")
            st.badge(gate_words(row["verdict"]), icon=icon, color=colour)
            if row["task"] in broken:
                st.badge(t("gamed by an attack", "enganada por um ataque"), icon=":material/bug_report:", color="red")
            st.markdown(f"### ρ {number(row['rho'])}")
            st.caption(f"{_ends(row)} · n = {row['n']}")
            gate = decisions.get(row["task"])
            decision = gate_words(gate.verdict if gate else "not decided")
            recorded = gate is not None and gate.verdict == row["verdict"]
            st.caption(
                t("decision recorded", "decisão registrada")
                if recorded
                else t(f"decision: {decision}", f"decisão: {decision}"),
                help=message(t(*gate.reason))
                if gate
                else t("Nobody has recorded a decision yet.", "Ninguém registrou uma decisão."),
            )


def _ends(row: pd.Series) -> str:
    """The interval's ends, or why there is none."""
    if pd.notna(row["low"]):
        return t(f"{number(row['low'])} to {number(row['high'])}", f"{number(row['low'])} a {number(row['high'])}")
    if row["prompts"] < FEWEST_PROMPTS:
        return t(f"too few prompts ({row['prompts']})", f"poucos prompts ({row['prompts']})")
    return t("no interval", "sem intervalo")


def _what_the_gate_sees() -> str:
    """How often the gate says what, from docs/coverage.md."""
    return t(
        "How sharp the gate is (simulated, 60 completions of 30 prompts): a reward whose true ρ is 0.79 passes in 98 %, "
        "0.69 in 79 %, 0.59 (just below what is asked) in 38 %, 0.47 in 7 %. Looking again after every ten ratings up to 300 "
        "lets a true 0.47 pass at some look in 20 % and a true 0.32 in 1 %: a pass after many looks is worth less.",
        "Quão fino é o portão (simulado, 60 respostas de 30 prompts): uma recompensa de ρ verdadeiro 0,79 passa em 98 %, "
        "0,69 em 79 %, 0,59 (logo abaixo do pedido) em 38 %, 0,47 em 7 %. Olhar de novo a cada dez avaliações até 300 deixa "
        "passar em alguma vez um 0,47 em 20 % e um 0,32 em 1 %: um passe depois de muitas olhadas vale menos.",
    )


def show_decision(profile: str, totals: pd.DataFrame, decisions: dict[str, Gate]) -> None:
    """The button that records the current verdicts as decisions, which preflight uses."""
    missing = [r for r in totals["task"] if r not in decisions or decisions[r].verdict == "stale"]
    row = st.container(horizontal=True, vertical_alignment="center")
    row.button(
        t("Record these decisions", "Registrar estas decisões"),
        icon=":material/gavel:",
        type="primary" if missing else "secondary",
        on_click=attempt,
        args=(record, profile),
    )
    if missing:
        names = ", ".join(task_name(task) for task in missing)
        row.caption(
            t(
                f"The reward or the ratings have changed since the last decision, or there is none: {names}.",
                f"A recompensa ou as avaliações mudaram desde a última decisão, ou não há decisão: {names}.",
            )
        )


def record(profile: str) -> None:
    """Button callback: record the current verdicts as decisions."""
    with writing() as session:
        decide_gates(session, profile, st.session_state.get("rater") or t("this page", "esta página"))


def show_probes(profile: str) -> None:
    """Probes: completions written to cheat a reward, each with the highest reward that it may get."""
    with reading() as session:
        found = {name: found_probes(session, name) for name in tasks()}
    results = [
        result
        for name, task in tasks().items()
        for result in run_probes(replace(task, probes=(*task.probes, *found[name])), suite_of(name).profile(profile))
    ]
    if not results:
        st.caption(t("No task has probes.", "Nenhuma tarefa tem sondas."))
        return
    over = sum(not r.passed for r in results)
    st.caption(
        t(
            "Completions written to cheat each reward. One over its limit is something GRPO will find.",
            "Respostas escritas para enganar cada recompensa. Uma acima do limite é algo que o GRPO vai achar.",
        )
    )
    if over:
        st.warning(t(f"{over} probes score over their limit.", f"{over} sondas passam do limite."))
    frame = pd.DataFrame(
        [
            {
                "task": task_name(r.task),
                "probe": r.probe.name,
                "score": r.total,
                "limit": r.probe.limit,
                "ok": r.passed,
            }
            for r in results
        ]
    )
    show_rows(
        numbers(frame.sort_values(["ok", "task"]), {"score": 2, "limit": 2}),
        "probes",
        t("Probes and what they score", "Sondas e o que pontuam"),
        height="content",
        heads=2,
        columns={
            "task": t("Task", "Tarefa"),
            "probe": st.column_config.TextColumn(t("Probe", "Sonda"), width="large"),
            "score": t("score", "recompensa"),
            "limit": t("at most", "no máximo"),
            "ok": st.column_config.CheckboxColumn(t("within", "dentro")),
        },
    )


def show_parts(rated: pd.DataFrame, audit: pd.DataFrame) -> None:
    """The completions with low human scores whose reward is high, and every component: its ρ, and what it adds."""
    show_lifted(visible(rated))
    show_components(audit)
    st.caption(held_out_words())
    show_leave_one_out(visible(rated))


def show_nothing_rated(profile: str, version: str) -> None:
    """Why nothing counts, and what to do: nobody has rated, or everyone who did is left out. An attack needs no ratings."""
    with reading() as session:
        without, tasks_there = left_out(session), tasks_with_completions(session)
    if without:
        st.warning(
            t(
                "Everyone who rated is left out, so nothing is counted.",
                "Todos os que avaliaram estão de fora; nada conta.",
            ),
            icon=":material/person_off:",
        )
        show_left_out(without)
        return
    st.info(
        t(
            "No completion has been rated yet. Open Annotate and rate a few; ρ appears from the third on.",
            "Nenhuma resposta foi avaliada. Abra Avaliar e dê algumas notas; o ρ aparece a partir da terceira.",
        ),
        icon=":material/rate_review:",
    )
    link_to("annotate")
    if tasks_there:
        st.subheader(t("Attack", "Ataque"), anchor=False)
        show_attack(profile, tasks_there, version)
    st.subheader(t("Probes", "Sondas"), anchor=False)
    show_probes(profile)


def page() -> None:
    """Draw the page."""
    title, choice = st.columns([3, 1], vertical_alignment="bottom")
    title.title(t("Reward audit", "Auditoria da recompensa"), anchor=False)
    show_failed()
    known = profiles()
    names = list(known)
    profile = choice.selectbox(
        t("Reward profile", "Perfil da recompensa"),
        names,
        index=names.index(default_profile()),
        bind="query-params",
        key="profile",
    )
    try:
        rated, audit, version = load(profile)
    except UserError as error:  # the profile measures something that this installation cannot measure
        st.error(message(error), icon=":material/error:")
        return
    if rated.empty:
        show_nothing_rated(profile, version)
        return
    show_whose()
    totals = audit[audit["reward"] == "total"]
    with reading() as session:
        attacks = standing_attacks(session, profile)
    found = findings(profile, version, attacks)
    show_strongest(found, TABS, shown_in())
    decisions = standing(profile)
    show_gates(totals, decisions, broken_rewards(attacks))
    show_decision(profile, totals, decisions)
    fingerprints = ", ".join(f"{task_name(task)} `{fingerprint(task, profile)}`" for task in tasks())
    st.caption(f"{t(*known[profile].summary)} · {t('fingerprints', 'impressões digitais')}: {fingerprints}")
    show_others(found, TABS, shown_in())
    with st.expander(t("Why these words", "Por que estas palavras"), expanded=False):
        st.markdown(
            "\n".join(f"- **{task_name(r['task'])}**: {message(t(*r['reason']))}" for _, r in totals.iterrows())
        )
        st.caption(_what_the_gate_sees())
        show_chart(
            correlation_chart(
                totals.dropna(subset=["rho"]).assign(verdict=lambda f: f["verdict"].map(gate_words)), language()
            ),
            alt=t("ρ per task with interval", "ρ por tarefa com intervalo"),
        )
    rules = {t("Pairs", "Pares"): lambda: show_pairs(profile, list(totals["task"]))}
    rules[t("Criteria and weights", "Critérios e pesos")] = lambda: show_rubrics(rated)
    if judges := judges_of(list(totals["task"])):
        rules[t("Judges", "Juízes")] = lambda: show_judges(rated, profile, judges)
    if any(len(suite.profiles) > 1 for suite in suites()):
        rules[t("Profiles", "Perfis")] = lambda: show_profiles(profile, rated)
    if any(suite.scorer is not None for suite in suites()):
        rules[t("Versions", "Versões")] = lambda: show_versions(list(totals["task"]))
    if any(task.probes for task in tasks().values()):
        rules[t("Probes", "Sondas")] = lambda: show_probes(profile)
    titles = shown_in()
    show_tabs(
        TABS,
        {
            titles["completions"]: lambda: show_points(rated),
            titles["parts"]: lambda: show_parts(rated, audit),
            titles["attack"]: lambda: show_attack(profile, list(totals["task"]), version),
            titles["best_of_n"]: lambda: show_best_of(profile, version),
            titles["policies"]: lambda: show_policies(whose(profile, version)),
            t("Trust", "Confiança"): lambda: show_trust(rated, audit, version),
            **rules,
            t("Raters", "Avaliadores"): lambda: show_raters(version, rated),
        },
    )


def shown_in() -> dict[Where, str]:
    """Which tab shows what, by its title."""
    return {
        "completions": t("Completions", "Respostas"),
        "parts": t("Components", "Componentes"),
        "attack": t("Attack", "Ataque"),
        "best_of_n": t("Best of n", "Melhor de n"),
        "policies": t("Policies", "Modelos"),
    }


open_store()
page()
