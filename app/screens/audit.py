"""Reward audit: does each reward rank completions as people do?"""

from typing import Any

import pandas as pd
import streamlit as st

from app.pages import link_to
from app.ui.charts import correlation_chart, scatter_chart
from app.ui.completion import show_completion, show_prompt
from app.ui.language import number, t, task_name
from app.ui.state import open_store
from backend.audit.table import audit_table, disagreements
from backend.store.completions import ensure_scores, one_completion, rated_scores
from backend.store.engine import reading, writing
from backend.store.ratings import rating_counts
from rewards import DEFAULT_PROFILE, PROFILES, fingerprint
from rewards.probes import run_probes

VERDICTS: dict[str, tuple[str, Any]] = {
    "pass": (":material/check_circle:", "green"),
    "fail": (":material/cancel:", "red"),
    "more ratings needed": (":material/hourglass_top:", "orange"),
}


@st.cache_data(show_spinner=False, max_entries=32)
def _audit(rated: pd.DataFrame) -> pd.DataFrame:
    return audit_table(rated)


def load(profile: str) -> pd.DataFrame:
    """Rated completions with their scores under ``profile``; stale or missing scores are computed first."""
    with writing() as session:
        ensure_scores(session, profile)
    with reading() as session:
        return rated_scores(session, profile)


def verdict_words(verdict: str) -> str:
    """The gate's word in the chosen language."""
    words = {
        "pass": t("pass", "aprovada"),
        "fail": t("fail", "reprovada"),
        "more ratings needed": t("more ratings needed", "faltam avaliações"),
    }
    return words.get(verdict, verdict)


def show_gates(totals: pd.DataFrame) -> None:
    """One card per task: the gate's word, rho with its interval and n."""
    cards = st.container(horizontal=True)  # wraps on a narrow screen
    for _, row in totals.iterrows():
        icon, colour = VERDICTS[row["verdict"]]
        with cards.container(border=True, width=225):
            st.markdown(f"**{task_name(row['task'])}**")
            st.badge(verdict_words(row["verdict"]), icon=icon, color=colour)
            st.markdown(f"### ρ {number(row['rho'])}")
            st.caption(
                t(
                    f"{number(row['low'])} to {number(row['high'])} · n = {row['n']}",
                    f"{number(row['low'])} a {number(row['high'])} · n = {row['n']}",
                )
            )


def show_components(audit: pd.DataFrame) -> None:
    """The matrix of every reward and component."""
    frame = audit.assign(task=audit["task"].map(task_name), verdict=audit["verdict"].map(verdict_words))
    frame["interval"] = [
        "" if pd.isna(low) else f"{number(low)} … {number(high)}"
        for low, high in zip(frame["low"], frame["high"], strict=True)
    ]
    st.dataframe(
        frame[["task", "reward", "n", "rho", "interval", "p", "verdict", "reason"]],
        hide_index=True,
        alt=t("Spearman's rho per task and reward component", "ρ de Spearman por tarefa e componente"),
        column_config={
            "task": t("Task", "Tarefa"),
            "reward": t("Reward", "Recompensa"),
            "rho": st.column_config.NumberColumn("ρ", format="%.2f"),
            "interval": t("95 % interval", "intervalo de 95 %"),
            "p": st.column_config.NumberColumn("p", format="%.4f", help=t("permutation test", "teste de permutação")),
            "verdict": t("Gate", "Portão"),
            "reason": st.column_config.TextColumn(t("Why", "Por quê"), width="large"),
        },
    )


def show_one(completion_id: int, rated: pd.DataFrame) -> None:
    """A completion with its prompt, human score and components."""
    with reading() as session:
        row = one_completion(session, completion_id)
    if row is None:
        return
    mine = rated[rated["completion_id"] == completion_id]
    left, right = st.columns([2, 3], gap="medium")
    with left:
        show_prompt(row["user_text"])
        parts = mine[["component", "value"]].sort_values("component")
        st.dataframe(
            parts,
            hide_index=True,
            column_config={
                "component": t("component", "componente"),
                "value": st.column_config.NumberColumn(t("value", "valor"), format="%.2f"),
            },
        )
    with right:
        st.caption(
            t(f"human {number(mine['human'].iloc[0], 1)} of 5", f"nota humana {number(mine['human'].iloc[0], 1)} de 5")
        )
        show_completion(row["task"], row["text"])


def show_points(rated: pd.DataFrame) -> None:
    """Scatter of a task's completions, and the largest disagreements."""
    tasks = sorted(rated["task"].unique())
    task = st.segmented_control(t("Task", "Tarefa"), tasks, default=tasks[0], format_func=task_name, required=True)
    totals = rated[(rated["task"] == task) & (rated["component"] == "total")]
    chart, table = st.columns(2, gap="medium")
    with chart:
        picked = st.altair_chart(
            scatter_chart(totals),
            on_select="rerun",
            key=f"scatter_{task}",
            alt=t("Human score against reward", "Nota humana contra recompensa"),
        )
    with table:
        st.caption(
            t(
                "Largest disagreements, by rank: click a row or a point to read the completion.",
                "Maiores discordâncias, por posição: clique numa linha ou num ponto para ler a resposta.",
            )
        )
        worst = disagreements(rated, str(task))
        chosen = st.dataframe(
            worst,
            hide_index=True,
            on_select="rerun",
            selection_mode="single-row",
            key=f"worst_{task}",
            column_config={
                "completion_id": t("completion", "resposta"),
                "human": st.column_config.NumberColumn(t("human", "humano"), format="%.1f"),
                "reward": st.column_config.NumberColumn(t("reward", "recompensa"), format="%.2f"),
                "gap": st.column_config.NumberColumn(t("rank gap", "diferença"), format="%+.2f"),
            },
        )
    completion_id = _selected(picked, chosen, worst)
    if completion_id is not None:
        show_one(completion_id, rated)


def _selected(picked: object, chosen: object, worst: pd.DataFrame) -> int | None:
    rows = chosen["selection"]["rows"]  # type: ignore[index]
    if rows:
        return int(worst.iloc[rows[0]]["completion_id"])
    points = picked["selection"].get("picked", [])  # type: ignore[index]
    return int(points[0]["completion_id"]) if points else None


def show_probes(profile: str) -> None:
    """Completions written to cheat, with what each may score at most."""
    results = run_probes(profile)
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
                "task": task_name(r.probe.task),
                "probe": r.probe.name,
                "score": r.total,
                "limit": r.probe.limit,
                "ok": r.passed,
            }
            for r in results
        ]
    )
    st.dataframe(
        frame.sort_values(["ok", "task"]),
        hide_index=True,
        column_config={
            "task": t("Task", "Tarefa"),
            "probe": st.column_config.TextColumn(t("Probe", "Sonda"), width="large"),
            "score": st.column_config.NumberColumn(t("score", "recompensa"), format="%.2f"),
            "limit": st.column_config.NumberColumn(t("at most", "no máximo"), format="%.2f"),
            "ok": st.column_config.CheckboxColumn(t("within", "dentro")),
        },
    )


def show_raters() -> None:
    """Who rated how much, how high and how fast."""
    with reading() as session:
        counts = rating_counts(session)
    counts["task"] = counts["task"].map(task_name)
    st.dataframe(
        counts,
        hide_index=True,
        column_config={
            "rater": t("rater", "avaliador"),
            "task": t("Task", "Tarefa"),
            "ratings": t("ratings", "avaliações"),
            "mean": st.column_config.NumberColumn(t("mean score", "nota média"), format="%.2f"),
            "seconds": st.column_config.NumberColumn(t("median seconds", "segundos (mediana)"), format="%.0f"),
        },
    )


def page() -> None:
    """Draw the page."""
    title, choice = st.columns([3, 1], vertical_alignment="bottom")
    title.title(t("Reward audit", "Auditoria da recompensa"), anchor=False)
    names = list(PROFILES)
    profile = choice.selectbox(
        t("Reward profile", "Perfil da recompensa"),
        names,
        index=names.index(DEFAULT_PROFILE),
        bind="query-params",
        key="profile",
    )
    st.caption(f"{PROFILES[profile].summary} · {t('fingerprint', 'impressão digital')} `{fingerprint(profile)}`")
    rated = load(profile)
    if rated.empty:
        st.info(
            t(
                "No completion has been rated yet. Open Annotate and rate a few; ρ appears from the third on.",
                "Nenhuma resposta foi avaliada. Abra Avaliar e dê algumas notas; o ρ aparece a partir da terceira.",
            ),
            icon=":material/rate_review:",
        )
        link_to("annotate")
        st.subheader(t("Probes", "Sondas"), anchor=False)
        show_probes(profile)
        return
    audit = _audit(rated)
    totals = audit[audit["reward"] == "total"]
    show_gates(totals)
    with st.expander(t("Why these words", "Por que estas palavras"), expanded=False):
        st.markdown("\n".join(f"- **{task_name(r['task'])}**: {r['reason']}" for _, r in totals.iterrows()))
        st.altair_chart(
            correlation_chart(totals.dropna(subset=["rho"])),
            alt=t("ρ per task with interval", "ρ por tarefa com intervalo"),
        )
    tabs = st.tabs(
        [
            t("Completions", "Respostas"),
            t("Components", "Componentes"),
            t("Probes", "Sondas"),
            t("Raters", "Avaliadores"),
        ]
    )
    with tabs[0]:
        show_points(rated)
    with tabs[1]:
        show_components(audit)
    with tabs[2]:
        show_probes(profile)
    with tabs[3]:
        show_raters()


open_store()
page()
