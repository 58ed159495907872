"""Results: did the model get better, where, how sure are we, what next. A summary sentence comes first."""

from itertools import zip_longest
from pathlib import Path

import pandas as pd
import streamlit as st

from app.pages import link_to
from app.ui.actions import show_failed
from app.ui.address import choose_by_id, forget
from app.ui.after import show_after
from app.ui.agreement import show_people
from app.ui.audit_policies import ask_for_tuned
from app.ui.chart import show_chart
from app.ui.comparison import show_components, show_moves, show_pairs, show_table
from app.ui.language import duration, language, number, t
from app.ui.markdown import literal, message
from app.ui.run_status import status_words
from app.ui.seeds import show_seeds
from app.ui.state import example_note, open_store, shown_errors
from app.ui.table import show_rows
from app.ui.tabs import show_tabs
from backend.charts.comparison import change_chart, difference_chart
from backend.evaluation.findings import (
    EVIDENCE_HEADS,
    FACT_HEADS,
    FACTS_NOTE,
    change_rows,
    change_words,
    evidence_cells,
    evidence_sentence,
    fact_rows,
    findings,
    headline,
)
from backend.evaluation.next_step import next_step
from backend.evaluation.report import as_csv, as_html, as_markdown
from backend.evaluation.stored import Compared, base_and_tuned, compare_stored, name_of, note_of
from backend.evaluation.words import chosen_words, method_words, noise_words, on_prompts, unit_words
from backend.files import read_json
from backend.runs.watch import current_runs
from backend.store.engine import reading
from backend.store.evaluations import all_evaluations, tuned_evaluations
from backend.store.tables import Run
from backend.training.checks import checks_in, failures
from backend.wording import joined

_NAMED = 3
"""So many of the newer runs without results are named; the others are counted."""


def choose_run(runs: list[Run]) -> Run:
    """The run to show, the newest with results unless the address names one; newer ones without results stand above it."""
    forget("first", "second")
    with reading() as session:
        tuned = tuned_evaluations(session)
    done = {i for run in runs if run.id in tuned for i in (run.id, run.parent_id)}
    newest = next((place for place, run in enumerate(runs) if run.id in done), 0)
    for run in runs[: min(newest, _NAMED)]:
        words = f"{literal(run.name)}: {status_words(run.status)}"
        st.caption(t(f"{words}, no results yet (see Runs)", f"{words}, ainda sem resultados (veja Treinos)"))
    if (more := newest - _NAMED) > 0:
        st.caption(t(f"{more} more without results yet", f"Mais {more} ainda sem resultados"))
    names = {run.id: f"{run.name} · {run.id}" for run in runs}
    chosen = choose_by_id(t("Run", "Treino"), names, "result_run", default=runs[newest].id)
    return next(run for run in runs if run.id == chosen)


def choose_two(runs: list[Run]) -> Compared | None:
    """Any two evaluations, of one run or of two, the earlier on the left. At first: the newest run's first and last."""
    forget("result_run")
    names = {run.id: run.name for run in runs}
    with reading() as session:
        evaluations = {e.id: e for e in all_evaluations(session)}
    labels = {key: f"{names.get(e.run_id or '', '')} · {t(*name_of(e))} · {key}" for key, e in evaluations.items()}
    if len(evaluations) < 2:
        st.info(t("There are no two evaluations yet.", "Ainda não há duas avaliações."))
        return None
    newest = next(iter(evaluations.values())).run_id
    last = max(1, sum(e.run_id == newest for e in evaluations.values()) - 1)
    left, right = st.columns(2)
    with left:
        first = choose_by_id(t("From…", "De…"), labels, "first", default=next(iter(labels)))
    with right:
        second = choose_by_id(t("…to", "…para"), labels, "second", default=list(labels)[last])
    with shown_errors(), reading() as session:
        return compare_stored(session, evaluations[first], evaluations[second])
    return None


def facts_of(run: Run) -> list[tuple[str, str]]:
    """How a run was made and what it cost, as (name, value) lines."""
    return [
        (t("Run", "Treino"), f"{run.name} ({run.id})"),
        (t("Preset", "Predefinição"), run.preset),
        (t("Seed", "Semente"), str(run.seed)),
        (t("Reward", "Recompensa"), f"{run.profile} ({run.fingerprint})"),
        (t("Prompt set", "Conjunto de prompts"), run.prompt_set or "–"),
        *cost_of(run),
    ]


def cost_of(run: Run) -> list[tuple[str, str]]:
    """A run's time, and its cost on a GPU, if its folder has them."""
    results = read_json(Path(run.folder) / "eval_results.json")
    if results is None:
        return []
    cost = [(t("Duration", "Duração"), duration(3600 * results["hours"]))]
    if (read_json(Path(run.folder) / "environment.json") or {}).get("gpu"):  # a CPU's hours are not paid for
        cost.append((t("Cost", "Custo"), f"$ {number(results['dollars'])}"))
    return cost


def show_cost(run: Run, compared: Compared) -> None:
    """Time, cost, and the best step."""
    row = st.container(horizontal=True, gap="large")
    for name, value in cost_of(run):
        row.metric(name, value, width="content")
    row.metric(t("Best step", "Melhor passo"), compared.tuned.step, width="content")


def show_evidence(compared: Compared) -> None:
    """What is known without the reward: a card for each task, and a table of single facts where a truth has them."""
    for pair in zip_longest(compared.evidence[::2], compared.evidence[1::2]):
        for column, e in zip(st.columns(2), pair, strict=True):
            if e is None:
                continue
            task, *cells = evidence_cells(e)
            known = [
                f"**{t(*head)}** {message(t(*cell))}"
                for head, cell in zip(EVIDENCE_HEADS[1:], cells, strict=True)
                if cell.en != "–"
            ]
            with column.container(border=True, height="stretch"):
                st.markdown(f"**{message(t(*task))}**\n" + "".join(f"\n- {line}" for line in known))
    if rows := fact_rows(compared.evidence):
        with st.expander(t("Right facts, one by one", "Fatos certos, um a um")):
            show_rows(
                pd.DataFrame([[t(*cell) for cell in row] for row in rows], columns=[t(*head) for head in FACT_HEADS]),
                "facts",
                t("Each fact against what needs no reading", "Cada fato contra o que não exige ler"),
            )
            st.caption(t(*FACTS_NOTE))


def show_next_step(compared: Compared) -> None:
    """The next step, with the numbers that it is based on and the ways to it."""
    step = next_step(compared.tasks, compared.evidence, compared.steps)
    scenario = t(f" (scenario {step.scenario})", f" (cenário {step.scenario})") if step.scenario else ""
    preset = t(f" Preset: `{step.preset}`.", f" Predefinição: `{step.preset}`.") if step.preset else ""
    reasons = "; ".join(t(*reason) for reason in step.reasons)
    reasons = f"\n\n{reasons[:1].upper()}{reasons[1:]}." if reasons else ""
    st.info(
        t(f"**Next{scenario}:** ", f"**Próximo passo{scenario}:** ") + t(*step.what) + preset + reasons,
        icon=":material/signpost:",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        ask_for_tuned(compared.tuned)
        link_to("audit")


def show_override(run: Run) -> None:
    """If the run was trained although preflight failed, the reason for it."""
    reason = run.config.get("override_reason")
    failed = [t(*check.label) for check in failures(checks_in(Path(run.folder)))]
    if failed and reason:
        st.warning(
            t(
                f"Trained although preflight failed ({', '.join(failed)}): {reason}",
                f"Treinado apesar de a verificação falhar ({', '.join(failed)}): {reason}",
            ),
            icon=":material/report:",
        )


def show_comparison(compared: Compared, run: Run | None) -> None:
    """The finding, the next step, each task's change, and tabs with all details."""
    st.markdown("## " + t(*headline(compared.evidence)))
    st.markdown("\n".join(f"- {t(*words)}" for words in findings(compared.evidence, bold="**")))
    show_next_step(compared)
    show_changes(compared)
    show_moves(compared)
    if (words := chosen_words(compared)) is not None:
        st.caption(":material/info: " + t(*words))
    st.subheader(t("What is known without the reward", "O que se sabe sem a recompensa"), anchor=False)
    show_evidence(compared)
    if run is not None:
        show_cost(run, compared)
        show_override(run)
    show_tabs(
        "result_tabs",
        {
            t("Differences", "Diferenças"): lambda: show_differences(compared),
            t("Side by side", "Lado a lado"): lambda: show_pairs(compared),
            t("Why it moved", "Por que mudou"): lambda: show_components(compared),
            t("Would people agree?", "As pessoas concordariam?"): lambda: show_people(compared),
            t("Report", "Relatório"): lambda: show_report(compared, run),
            **({t("After training", "Depois do treino"): lambda: show_after(run)} if run is not None else {}),
        },
    )


def show_changes(compared: Compared) -> None:
    """Each task's verdict, change with its interval, and n; every other number is one click away."""
    show_chart(
        change_chart(change_rows(compared.evidence, language()), language()),
        alt=t("Change of the reward per task", "Mudança da recompensa por tarefa")
        + ": "
        + t(*joined([change_words(e) for e in compared.evidence])),
    )
    st.caption(
        t("Change of the reward with its 95 % interval", "Mudança da recompensa com seu intervalo de 95 %")
        + f" · {t(*on_prompts(compared))}"
    )
    with st.expander(t("All the numbers", "Todos os números")):
        show_table(compared.tasks, compared.settings)
        left_out = t(
            f" {compared.left_out} prompts are in one of them only.",
            f" {compared.left_out} prompts só em uma delas.",
        )
        unit = t(*unit_words(compared))
        st.caption(
            t(
                f"Rewards{unit} under profile {compared.profile}; pairs are prompts. ",
                f"Recompensas{unit} no perfil {compared.profile}; os pares são prompts. ",
            )
            + t(*method_words(compared.settings))
            + (left_out if compared.left_out else "")
        )


def show_differences(compared: Compared) -> None:
    """Every prompt's difference."""
    show_chart(
        difference_chart(compared.paired, compared.means(), language()),
        alt=t("Paired differences per task", "Diferenças pareadas por tarefa")
        + ". "
        + t(*evidence_sentence(compared.evidence)),
    )
    st.caption(t(*noise_words(compared)))


def show_report(compared: Compared, run: Run | None) -> None:
    """The comparison as files to download."""
    lang = language()
    title = run.name if run is not None else f"{t(*name_of(compared.base))} → {t(*name_of(compared.tuned))}"
    st.write(
        t(
            "One page that opens without a network and prints; the numbers; a summary for a pull request.",
            "Uma página que abre sem rede e se imprime; os números; um resumo para um pull request.",
        )
    )
    facts = facts_of(run) if run is not None else ()  # in the page's language, which nobody knows when the file is made
    with reading() as session:
        note = note_of(session, compared)
    row = st.container(horizontal=True)
    row.download_button(
        t("Report (HTML)", "Relatório (HTML)"),
        lambda: as_html(compared, title, facts, lang, note),
        "report.html",
        "text/html",
        icon=":material/description:",
        on_click="ignore",
    )
    row.download_button("CSV", lambda: as_csv(compared.tasks), "comparison.csv", "text/csv", on_click="ignore")
    row.download_button(
        "Markdown",
        lambda: as_markdown(compared, title, lang, note),
        "comparison.md",
        "text/markdown",
        on_click="ignore",
    )
    with st.expander(t("Markdown for a pull request", "Markdown para um pull request")):
        st.code(as_markdown(compared, title, lang, note), language="markdown", wrap_lines=True)


def show_run(run: Run, runs: list[Run]) -> None:
    """A run's comparison of base and tuned; for a run of several seeds, the comparison over seeds."""
    example_note(run.is_example)
    children = [child for child in runs if child.parent_id == run.id]
    if children:
        show_seeds(children)
        return
    with reading() as session:
        pair = base_and_tuned(session, run.id)
        compared = compare_stored(session, *pair) if pair else None
    if compared is not None:
        show_comparison(compared, run)
        return
    words = status_words(run.status)
    st.info(
        t(
            f"This run is {words} and has no tuned evaluation yet; its curves are on Runs.",
            f"Este treino está {words} e ainda não tem avaliação final; as curvas estão em Treinos.",
        ),
        icon=":material/hourglass_top:",
    )
    if run.reason:
        st.code(run.reason, language=None, wrap_lines=True)
    link_to("runs")


def page() -> None:
    """Draw the page."""
    title, choice = st.columns(2, vertical_alignment="bottom")
    title.title(t("Results", "Resultados"), anchor=False)
    show_failed()
    runs = current_runs()
    if not runs:
        st.info(t("No run yet. Launch one from Train.", "Nenhum treino ainda. Inicie um em Treinar."))
        link_to("train")
        return
    modes = {"run": t("one run", "um treino"), "two": t("any two evaluations", "duas avaliações")}
    st.session_state.setdefault("compare", "two" if "first" in st.query_params else "run")
    mode = choice.segmented_control(
        t("Compare", "Comparar"), list(modes), format_func=modes.__getitem__, key="compare", required=True
    )
    if mode != "two":
        show_run(choose_run(runs), runs)
    elif (compared := choose_two(runs)) is not None:
        show_comparison(compared, None)


open_store()
page()
