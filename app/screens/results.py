"""Results: did it get better, where, how sure are we. One sentence first."""

import json
from pathlib import Path

import pandas as pd
import streamlit as st

from app.ui.charts import difference_chart
from app.ui.completion import show_completion, show_prompt
from app.ui.language import number, t, task_name
from app.ui.state import example_note, open_store
from backend.evaluation.compare import TaskComparison, compare
from backend.evaluation.next_step import next_step
from backend.runs.watch import current_runs
from backend.store.engine import reading
from backend.store.evaluations import component_means, evaluation_scores, evaluation_texts, run_evaluations
from backend.store.tables import Evaluation, Run

ICONS = {
    "improved": ":green[:material/trending_up:]",
    "regressed": ":red[:material/trending_down:]",
    "possibly better": ":material/north_east:",
    "possibly worse": ":orange[:material/south_east:]",
    "no detectable change": ":material/trending_flat:",
    "not enough data": ":material/help:",
}


def verdict_words(verdict: str) -> str:
    """A verdict in the chosen language."""
    words = {
        "improved": t("improved", "melhorou"),
        "regressed": t("regressed", "piorou"),
        "possibly better": t("possibly better", "talvez melhor"),
        "possibly worse": t("possibly worse", "talvez pior"),
        "no detectable change": t("no detectable change", "sem mudança detectável"),
        "not enough data": t("not enough data", "dados insuficientes"),
    }
    return words[verdict]


def clause(c: TaskComparison) -> str:
    """One task in words a PM can repeat."""
    moved = t(
        f"{number(abs(c.delta))} (from {number(c.base)} to {number(c.tuned)})",
        f"{number(abs(c.delta))} (de {number(c.base)} para {number(c.tuned)})",
    )
    name = task_name(c.task)
    if c.verdict in ("improved", "regressed"):
        return f"**{name}** {verdict_words(c.verdict)} {t('by', 'em')} {moved}"
    if c.verdict == "no detectable change":
        seen = number(c.detectable)
        return t(
            f"**{name}**: no change this test could see (it could have seen ±{seen})",
            f"**{name}**: nenhuma mudança que este teste pudesse ver (veria ±{seen})",
        )
    if c.verdict == "not enough data":
        changed = c.wins + c.losses
        return t(
            f"**{name}**: not enough data ({changed} of {c.n} prompts changed)",
            f"**{name}**: dados insuficientes ({changed} de {c.n} prompts mudaram)",
        )
    return f"**{name}** {verdict_words(c.verdict)}, {t('by', 'em')} {moved}"


def choose_run(runs: list[Run]) -> Run:
    """The run to read about; kept in the address."""
    names = {run.id: f"{run.name} · {run.id}" for run in runs}
    if st.session_state.get("result_run") not in (None, *names):
        del st.session_state["result_run"]
    chosen = st.selectbox(
        t("Run", "Treino"), list(names), format_func=names.__getitem__, key="result_run", bind="query-params"
    )
    return next(run for run in runs if run.id == chosen)


def paired_scores(base: Evaluation, tuned: Evaluation) -> pd.DataFrame:
    """Columns prompt_id, task, base, tuned."""
    with reading() as session:
        a, b = evaluation_scores(session, base.id), evaluation_scores(session, tuned.id)
    return a.merge(b, on=["prompt_id", "task"], suffixes=("_base", "_tuned")).rename(
        columns={"value_base": "base", "value_tuned": "tuned"}
    )


def show_table(comparisons: list[TaskComparison]) -> None:
    """The numbers behind the sentence."""
    frame = pd.DataFrame([c.as_dict() for c in comparisons])
    frame["interval"] = [f"{number(c.low, signed=True)} … {number(c.high, signed=True)}" for c in comparisons]
    frame["relative"] = [f"{number(100 * c.delta / c.base, 0, True)} %" if c.base > 0.05 else "–" for c in comparisons]
    frame["wtl"] = [f"{c.wins} / {c.ties} / {c.losses}" for c in comparisons]
    frame["task"] = frame["task"].map(task_name)
    frame["verdict"] = frame["verdict"].map(verdict_words)
    two, p = "%.2f", "%.4f"
    number_column = st.column_config.NumberColumn
    st.dataframe(
        frame[
            [
                "task",
                "verdict",
                "n",
                "base",
                "tuned",
                "delta",
                "interval",
                "relative",
                "p_better",
                "p_worse",
                "p_holm",
                "effect",
                "wtl",
                "detectable",
            ]
        ],
        hide_index=True,
        alt=t("Base against tuned, per task", "Base contra treinado, por tarefa"),
        column_config={
            "task": t("Task", "Tarefa"),
            "verdict": t("Verdict", "Veredito"),
            "base": number_column("base", format=two),
            "tuned": number_column(t("tuned", "treinado"), format=two),
            "delta": number_column("Δ", format="%+.2f"),
            "interval": t("95 % interval of Δ", "intervalo de 95 % do Δ"),
            "relative": "Δ %",
            "p_better": number_column(t("p (better)", "p (melhor)"), format=p, help="Wilcoxon signed-rank, one-sided"),
            "p_worse": number_column(t("p (worse)", "p (pior)"), format=p, help="Wilcoxon signed-rank, one-sided"),
            "p_holm": number_column(
                "p (Holm)", format=p, help=t("two-sided, corrected over tasks", "bilateral, corrigido")
            ),
            "effect": number_column(
                t("effect", "efeito"), format="%+.2f", help="matched-pairs rank-biserial correlation"
            ),
            "wtl": t("wins / ties / losses", "vitórias / empates / derrotas"),
            "detectable": number_column(t("could see", "veria"), format="±%.2f", help=t("80 % power", "poder de 80 %")),
        },
    )


def show_pairs(base: Evaluation, tuned: Evaluation, paired: pd.DataFrame) -> None:
    """Completions side by side: the best moves, the worst, or any prompt."""
    orders = {"best": t("best moves", "maiores ganhos"), "worst": t("worst moves", "maiores perdas")}
    row = st.container(horizontal=True)
    order = row.segmented_control(
        t("Show", "Mostrar"), list(orders), default="best", format_func=orders.__getitem__, required=True
    )
    tasks = ["", *paired["task"].unique()]
    task = row.selectbox(
        t("Task", "Tarefa"), tasks, format_func=lambda x: task_name(x) if x else t("all", "todas"), width=220
    )
    moved = paired.assign(d=paired["tuned"] - paired["base"])
    if task:
        moved = moved[moved["task"] == task]
    moved = moved.sort_values("d", ascending=order == "worst", kind="stable").head(5)
    with reading() as session:
        texts = {e.id: evaluation_texts(session, e.id).groupby("prompt_id").first() for e in (base, tuned)}
    for _, pair in moved.iterrows():
        with st.container(border=True):
            st.markdown(f"**{task_name(pair['task'])}** · Δ {number(pair['d'], signed=True)}")
            show_prompt(texts[base.id].loc[pair["prompt_id"], "user_text"])
            for column, evaluation, label, value in zip(
                st.columns(2, gap="medium"),
                (base, tuned),
                (t("base", "base"), t("tuned", "treinado")),
                (pair["base"], pair["tuned"]),
                strict=True,
            ):
                with column:
                    st.caption(f"{label} · {t('reward', 'recompensa')} {number(value)}")
                    show_completion(pair["task"], texts[evaluation.id].loc[pair["prompt_id"], "text"])


def show_components(base: Evaluation, tuned: Evaluation) -> None:
    """Which component moved each task."""
    with reading() as session:
        a, b = component_means(session, base.id), component_means(session, tuned.id)
    frame = a.merge(b, on=["task", "component"], suffixes=("_base", "_tuned"))
    frame["delta"] = frame["value_tuned"] - frame["value_base"]
    frame = frame[frame["component"] != "total"].sort_values(["task", "delta"], ascending=[True, False])
    frame["task"] = frame["task"].map(task_name)
    column = st.column_config.NumberColumn
    st.dataframe(
        frame,
        hide_index=True,
        column_config={
            "task": t("Task", "Tarefa"),
            "component": t("component", "componente"),
            "value_base": column("base", format="%.3f"),
            "value_tuned": column(t("tuned", "treinado"), format="%.3f"),
            "delta": column("Δ", format="%+.3f"),
        },
    )


def show_cost(run: Run) -> None:
    """Time, money, and the accuracy the reward cannot see."""
    folder = Path(run.folder)
    try:
        results = json.loads((folder / "eval_results.json").read_text(encoding="utf-8"))
        comparison = json.loads((folder / "comparison_base_vs_tuned.json").read_text(encoding="utf-8"))
    except OSError:
        return
    cells = st.columns(4)
    cells[0].metric(t("Duration", "Duração"), t(f"{results['hours'] * 60:.0f} min", f"{results['hours'] * 60:.0f} min"))
    cells[1].metric(t("Cost", "Custo"), f"$ {number(results['dollars'])}")
    cells[2].metric(t("Best step", "Melhor passo"), comparison["best_step"])
    accuracy = comparison.get("fact_accuracy", {})
    if accuracy.get("tuned") is not None:
        cells[3].metric(
            t("Facts right", "Fatos certos"),
            f"{accuracy['tuned']:.0%}",
            delta=f"{100 * (accuracy['tuned'] - accuracy['base']):+.0f} pp",
            help=t(
                "Extraction, measured against the truth behind the prompts, which the reward does not know.",
                "Extração, medida contra a verdade por trás dos prompts, que a recompensa não conhece.",
            ),
        )


def show_next_step(comparisons: list[TaskComparison]) -> None:
    """What to do now, with the numbers that chose it."""
    step = next_step(comparisons)
    scenario = t(f" (scenario {step.scenario})", f" (cenário {step.scenario})") if step.scenario else ""
    preset = t(f" Preset: `{step.preset}`.", f" Predefinição: `{step.preset}`.") if step.preset else ""
    reasons = "; ".join(t(*reason) for reason in step.reasons)
    st.info(
        t(f"**Next{scenario}:** ", f"**Próximo passo{scenario}:** ") + t(*step.what) + preset + f"\n\n{reasons}.",
        icon=":material/signpost:",
    )


def show_override(run: Run) -> None:
    """Why it was trained although preflight failed, where it was."""
    reason = run.config.get("override_reason")
    try:
        checks = json.loads((Path(run.folder) / "preflight.json").read_text(encoding="utf-8"))["checks"]
    except (OSError, ValueError):
        return
    failed = [c["name"] for c in checks if c["status"] == "fail"]
    if failed and reason:
        st.warning(
            t(
                f"Trained although preflight failed ({', '.join(failed)}): {reason}",
                f"Treinado apesar de a verificação falhar ({', '.join(failed)}): {reason}",
            ),
            icon=":material/report:",
        )


def page() -> None:
    """Draw the page."""
    st.title(t("Results", "Resultados"), anchor=False)
    runs = current_runs()
    if not runs:
        st.info(t("No run yet. Launch one from Train.", "Nenhum treino ainda. Inicie um em Treinar."))
        return
    run = choose_run(runs)
    example_note(run.is_example)
    with reading() as session:
        evaluations = run_evaluations(session, run.id)
    base = next((e for e in evaluations if e.label == "base"), None)
    tuned = next((e for e in evaluations if e.label == "tuned"), None)
    if base is None or tuned is None:
        st.info(
            t(
                f"This run is {run.status} and has no tuned evaluation yet; its curves are on Runs.",
                f"Este treino está {run.status} e ainda não tem avaliação final; as curvas estão em Treinos.",
            ),
            icon=":material/hourglass_top:",
        )
        if run.reason:
            st.code(run.reason, language=None, wrap_lines=True)
        return
    paired = paired_scores(base, tuned)
    comparisons = compare(paired)
    tasks = [c for c in comparisons if c.task != "overall"]
    order = list(ICONS)
    st.markdown("#### " + "; ".join(clause(c) for c in sorted(tasks, key=lambda c: order.index(c.verdict))) + ".")
    show_next_step(comparisons)
    show_cost(run)
    show_override(run)
    show_table(comparisons)
    st.caption(
        t(
            f"Rewards from 0 to 1 under profile {base.profile}; pairs are prompts. Wilcoxon signed-rank, Holm over the tasks.",
            f"Recompensas de 0 a 1 no perfil {base.profile}; os pares são prompts. Wilcoxon, Holm entre as tarefas.",
        )
    )
    tabs = st.tabs([t("Differences", "Diferenças"), t("Side by side", "Lado a lado"), t("What moved", "O que mudou")])
    with tabs[0]:
        st.altair_chart(
            difference_chart(paired), alt=t("Paired differences per task", "Diferenças pareadas por tarefa")
        )
    with tabs[1]:
        show_pairs(base, tuned, paired)
    with tabs[2]:
        show_components(base, tuned)


open_store()
page()
