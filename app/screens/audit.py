"""Reward audit: does each reward rank completions as people do?"""

from typing import Any

import pandas as pd
import streamlit as st

from app.pages import link_to
from app.ui.charts import correlation_chart, scatter_chart
from app.ui.completion import show_completion, show_prompt
from app.ui.language import number, t, task_name
from app.ui.state import open_store
from backend.audit.agreement import Agreement, agreed, agreement, pairwise_kappa
from backend.audit.exchange import as_csv, as_jsonl, rating_rows
from backend.audit.gate import Gate
from backend.audit.gates import decide_gates, standing_gates
from backend.audit.regressions import keep_case
from backend.audit.robustness import leave_one_out, no_better_than_length, profile_differences, views
from backend.audit.table import audit_table, disagreements
from backend.errors import UserError
from backend.store.completions import all_ratings, ensure_scores, one_completion, rated_scores
from backend.store.engine import reading, writing
from backend.store.ratings import rating_counts, ratings_version
from rewards import DEFAULT_PROFILE, PROFILES, fingerprint
from rewards.probes import run_probes

VERDICTS: dict[str, tuple[str, Any]] = {
    "pass": (":material/check_circle:", "green"),
    "fail": (":material/cancel:", "red"),
    "more ratings needed": (":material/hourglass_top:", "orange"),
    "stale": (":material/update:", "orange"),
}


# The version of the ratings is part of each key, so that a new rating is seen at once and nothing is computed twice.
@st.cache_data(show_spinner=False, max_entries=16)
def _rated(profile: str, rules: str, version: str) -> pd.DataFrame:
    with reading() as session:
        return rated_scores(session, profile)


@st.cache_data(show_spinner=False, max_entries=16)
def _audit(profile: str, rules: str, version: str) -> pd.DataFrame:
    return audit_table(_rated(profile, rules, version))


@st.cache_data(show_spinner=False, max_entries=4)
def _people(version: str) -> tuple[pd.DataFrame, pd.Series, dict[str, Agreement]]:
    """Every rating, whether a completion's raters agree, and each task's agreement."""
    with reading() as session:
        ratings = all_ratings(session)
    return ratings, agreed(ratings), {str(task): agreement(rows) for task, rows in ratings.groupby("task")}


def load(profile: str) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """(rated completions with their scores, the audit, version of the ratings); missing scores are computed first."""
    with writing() as session:
        missing = ensure_scores(session, profile, count_only=True)
    if missing:
        rescore(profile, missing)
    with reading() as session:
        version = ratings_version(session)
    rules = fingerprint(profile)
    return _rated(profile, rules, version), _audit(profile, rules, version), version


def rescore(profile: str, missing: int) -> None:
    """Score the rated completions that have no score under these rules, with a bar where that takes a moment."""
    done, bar = 0, st.progress(0.0, text=t(f"scoring {missing} completions", f"pontuando {missing} respostas"))
    while done < missing:
        with writing() as session:
            scored = ensure_scores(session, profile, most=2_000)
        if not scored:
            break
        done += scored
        bar.progress(min(1.0, done / missing))
    bar.empty()


def verdict_words(verdict: str) -> str:
    """The gate's word in the chosen language."""
    words = {
        "pass": t("pass", "aprovada"),
        "fail": t("fail", "reprovada"),
        "more ratings needed": t("more ratings needed", "faltam avaliações"),
        "stale": t("stale", "desatualizada"),
        "not decided": t("not decided", "sem decisão"),
    }
    return words.get(verdict, verdict)


def show_gates(totals: pd.DataFrame, standing: dict[str, Gate]) -> None:
    """One card per task: what the ratings say now, and the decision that training goes by."""
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
            gate = standing.get(row["task"])
            decision = verdict_words(gate.verdict if gate else "not decided")
            recorded = gate is not None and gate.verdict == row["verdict"]
            st.caption(
                t("decision recorded", "decisão registrada")
                if recorded
                else t(f"decision: {decision}", f"decisão: {decision}"),
                help=gate.reason
                if gate
                else t("Nobody has recorded a decision yet.", "Ninguém registrou uma decisão."),
            )


def show_decision(profile: str, totals: pd.DataFrame, standing: dict[str, Gate]) -> None:
    """Record what the ratings say as the decision that training goes by."""
    missing = [r for r in totals["task"] if r not in standing or standing[r].verdict == "stale"]
    row = st.container(horizontal=True, vertical_alignment="center")
    row.button(
        t("Record these decisions", "Registrar estas decisões"),
        icon=":material/gavel:",
        type="primary" if missing else "secondary",
        on_click=record,
        args=(profile,),
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
    """Button callback: keep the gates as they stand."""
    with writing() as session:
        decide_gates(session, profile, st.session_state.get("rater") or t("this page", "esta página"))


def show_trust(rated: pd.DataFrame, version: str) -> None:
    """How far to trust each ρ: within prompts, held out, where raters agree, against length; and the raters' own."""
    _, agrees, agreements = _people(version)
    names = {
        "pooled": t("all completions", "todas as respostas"),
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
        cells = {names[v.name]: _cell(v.correlation.rho, v.correlation.n) for v in seen}
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
    others = [name for name in PROFILES if name != profile]
    other = st.selectbox(t("Compare with", "Comparar com"), others, index=len(others) - 1)
    before, _, _ = load(other)
    frame = profile_differences(before, rated)
    frame["task"] = frame["task"].map(task_name)
    frame["interval"] = [
        "" if pd.isna(low) else f"{number(low, signed=True)} … {number(high, signed=True)}"
        for low, high in zip(frame["low"], frame["high"], strict=True)
    ]
    st.dataframe(
        frame[["task", "n", "before", "after", "delta", "interval"]],
        hide_index=True,
        alt=t("Δρ between two profiles", "Δρ entre dois perfis"),
        column_config={
            "task": t("Task", "Tarefa"),
            "before": st.column_config.NumberColumn(f"ρ {other}", format="%.2f"),
            "after": st.column_config.NumberColumn(f"ρ {profile}", format="%.2f"),
            "delta": st.column_config.NumberColumn("Δρ", format="%+.2f"),
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


def show_leave_one_out(rated: pd.DataFrame) -> None:
    """What each component adds to its task's ρ."""
    frames = [
        leave_one_out(rows).assign(task=task_name(str(task))) for task, rows in rated.groupby("task") if len(rows) > 2
    ]
    if not frames:
        return
    st.dataframe(
        pd.concat(frames)[["task", "component", "rho", "without", "adds"]],
        hide_index=True,
        alt=t("What each component adds to ρ", "O que cada componente acrescenta ao ρ"),
        column_config={
            "task": t("Task", "Tarefa"),
            "component": t("component", "componente"),
            "rho": st.column_config.NumberColumn(t("its own ρ", "ρ próprio"), format="%.2f"),
            "without": st.column_config.NumberColumn(t("ρ without it", "ρ sem ele"), format="%.2f"),
            "adds": st.column_config.NumberColumn(
                t("it adds", "acrescenta"),
                format="%+.2f",
                help=t(
                    "Below 0: the reward ranks better without it.", "Abaixo de 0: sem ele a recompensa ordena melhor."
                ),
            ),
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
        human = float(mine["human"].iloc[0])
        st.button(
            t("Keep as regression case", "Guardar como caso de regressão"),
            icon=":material/bug_report:",
            disabled=2 < human < 4,
            help=t(
                "The test suite then fails while the reward contradicts what people said of it (good: 4, 5; bad: 1, 2).",
                "Os testes passam a falhar enquanto a recompensa contradisser as pessoas (boa: 4, 5; ruim: 1, 2).",
            ),
            on_click=keep,
            args=(row["task"], row["user_text"], row["text"], human),
        )


def keep(task: str, prompt: str, completion: str, human: float) -> None:
    """Button callback: keep a completion as a regression case."""
    try:
        new = keep_case(task, prompt, completion, human)
    except UserError as error:
        st.session_state["audit_note"] = str(error)
        return
    st.session_state["audit_note"] = (
        t("Kept; `make test` checks it from now on.", "Guardado; `make test` o confere de agora em diante.")
        if new
        else t("It was kept before.", "Já estava guardado.")
    )


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


def show_raters(version: str) -> None:
    """Who rated how much, how high and how fast; and how far they agree."""
    ratings, _, agreements = _people(version)
    for task, found in agreements.items():
        if found.alpha is None or found.low is None:
            continue
        st.markdown(
            t(
                f"**{task_name(task)}** · Krippendorff's α {number(found.alpha)} "
                f"({number(found.low)} to {number(found.high)}) on {found.completions} completions",
                f"**{task_name(task)}** · α de Krippendorff {number(found.alpha)} "
                f"({number(found.low)} a {number(found.high)}) em {found.completions} respostas",
            )
        )
    if not any(found.completions for found in agreements.values()):
        st.caption(
            t(
                "No completion has two raters yet, so nothing can be said of their agreement.",
                "Nenhuma resposta tem dois avaliadores; nada se pode dizer da concordância.",
            )
        )
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
            "spread": st.column_config.NumberColumn(t("spread", "dispersão"), format="%.2f"),
            "seconds": st.column_config.NumberColumn(t("median seconds", "segundos (mediana)"), format="%.0f"),
        },
    )
    kappas = pairwise_kappa(ratings)
    if not kappas.empty:
        st.dataframe(
            kappas,
            hide_index=True,
            column_config={
                "a": t("rater", "avaliador"),
                "b": t("with", "com"),
                "completions": t("completions", "respostas"),
                "kappa": st.column_config.NumberColumn(
                    t("κ, quadratic weights", "κ, pesos quadráticos"), format="%.2f"
                ),
            },
        )
    show_export()


def show_export() -> None:
    """The ratings as files, raters under pseudonyms."""
    row = st.container(horizontal=True)
    row.download_button(
        t("Ratings as CSV", "Avaliações em CSV"),
        lambda: as_csv(_export()),
        "ratings.csv",
        "text/csv",
        on_click="ignore",
    )
    row.download_button(
        t("Ratings as JSONL", "Avaliações em JSONL"),
        lambda: as_jsonl(_export()),
        "ratings.jsonl",
        "application/jsonl",
        on_click="ignore",
    )


def _export() -> pd.DataFrame:
    with reading() as session:
        return rating_rows(session)


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
    if note := st.session_state.pop("audit_note", None):
        st.toast(note)
    rated, audit, version = load(profile)
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
    totals = audit[audit["reward"] == "total"]
    with reading() as session:
        standing = standing_gates(session, profile)
    show_gates(totals, standing)
    show_decision(profile, totals, standing)
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
            t("Trust", "Confiança"),
            t("Profiles", "Perfis"),
            t("Probes", "Sondas"),
            t("Raters", "Avaliadores"),
        ]
    )
    with tabs[0]:
        show_points(rated)
    with tabs[1]:
        show_components(audit)
        show_leave_one_out(rated)
    with tabs[2]:
        show_trust(rated, version)
    with tabs[3]:
        show_profiles(profile, rated)
    with tabs[4]:
        show_probes(profile)
    with tabs[5]:
        show_raters(version)


open_store()
page()
