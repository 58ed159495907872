"""Criteria and weights on the audit's page: what each component goes by, and weights refitted to people."""

import pandas as pd
import streamlit as st

from app.ui.audit_data import held_out_words
from app.ui.language import interval, language, number, t
from app.ui.markdown import harmless
from app.ui.task_choice import choose_task
from backend.audit.rubrics import Refit, criterion_correlations, refit, refit_words
from backend.store.criteria import criterion_scores
from backend.store.engine import reading
from backend.suites import get_task, in_order, suite_of
from backend.suites.new_version import with_weights
from rewards.types import Functions, Task


def show_rubrics(rated: pd.DataFrame) -> None:
    """One task's components beside its criteria, and its weights refitted."""
    names = in_order([str(task) for task in rated["task"].unique()])
    chosen = choose_task(names, "rubric_task")
    task, mine = get_task(chosen), rated[rated["task"] == chosen]
    with reading() as session:
        given = criterion_scores(session)
    st.subheader(t("Criteria", "Critérios"), anchor=False)
    _show_criteria(task, mine, given[given["task"] == task.name])
    st.subheader(t("Weights refitted to people", "Pesos reajustados às pessoas"), anchor=False)
    _show_refit(task, refit(mine, task))


def _show_criteria(task: Task, rated: pd.DataFrame, given: pd.DataFrame) -> None:
    """ρ of the total and every component with each criterion."""
    if not task.criteria:
        st.caption(
            t(
                "This task declares no criteria. A suite, or a reward file's CRITERIA, can; raters then score them on Annotate.",
                "Esta tarefa não declara critérios. Uma suíte, ou CRITERIA no arquivo, pode; eles aparecem em Avaliar.",
            )
        )
        return
    found = criterion_correlations(rated, given[given["criterion"].isin([c.key for c in task.criteria])])
    if found.empty:
        st.info(
            t(
                "No criterion has been scored yet: they stand below the question on Annotate.",
                "Nenhum critério recebeu nota ainda: eles ficam abaixo da pergunta em Avaliar.",
            ),
            icon=":material/checklist:",
        )
        return
    most = found.groupby("criterion")["n"].transform("max")
    cells = found.assign(cell=[_cell(row, n) for (_, row), n in zip(found.iterrows(), most, strict=True)])
    table = cells.pivot(index="reward", columns="criterion", values="cell").reindex(index=found["reward"].unique())
    known = [c for c in task.criteria if c.key in table.columns]
    heads = {
        c.key: f"{c.label.within(language())} (n = {found.loc[found['criterion'] == c.key, 'n'].max()})" for c in known
    }
    table = table[list(heads)].rename(columns=heads).rename_axis(t("component", "componente"))
    st.dataframe(
        table,
        height="content",
        alt=t("ρ of each component with each criterion", "ρ de cada componente com cada critério"),
    )
    lines = [f"- **{harmless(c.label.within(language()))}**: {harmless(c.what.within(language()))}" for c in known]
    st.markdown("\n".join(lines))
    st.caption(
        t(
            "ρ with its 95 % interval. A component that goes by what it is meant for ranks as that criterion does.",
            "ρ com seu intervalo de 95 %. Um componente que mede o que deve ordena como esse critério.",
        )
    )


def _cell(row: pd.Series, most: int) -> str:
    """ρ, its interval where there is one, and n where it is less than the criterion's."""
    ends = interval(row["low"], row["high"])
    fewer = f" (n = {row['n']})" if row["n"] < most else ""
    return number(row["rho"]) + (f" · {ends}" if ends else "") + fewer


def _show_refit(task: Task, found: Refit | None) -> None:
    """The weights as they are and refitted, what the held-out half says, and the new version where it is better."""
    words = refit_words(found)
    if found is None:
        st.caption(t(*words))
        return
    is_file = isinstance(task.reward, Functions)
    names = list(found.now)
    frame = pd.DataFrame(
        {
            t("component", "componente"): names,
            t("weight now", "peso atual") if is_file else t("value times, now", "valor vezes, hoje"): [
                number(found.now[name]) for name in names
            ],
            t("refitted", "reajustado"): [number(found.refitted[name]) for name in names],
        }
    )
    st.dataframe(
        frame, hide_index=True, width="content", alt=t("Weights, now and refitted", "Pesos, atuais e reajustados")
    )
    st.markdown(t(*words))
    if found.is_better:
        _offer(task, found)
    st.caption(
        held_out_words()
        + " "
        + t(
            "A component that acts in few prompts keeps its weight. Weights that were chosen by the held-out half, by trying again "
            "and again, are no longer judged by it.",
            "Um componente que age em poucos prompts mantém o peso. Pesos escolhidos pela metade reservada, de tanto tentar, já "
            "não são julgados por ela.",
        )
    )


def _offer(task: Task, found: Refit) -> None:
    """The new version to download; nothing is changed here."""
    why = f"{task.name}: refitted on {found.fitted_on} rated completions. {refit_words(found).en}"
    name, text = with_weights(task.name, found.refitted, why)
    of = suite_of(task.name).name
    st.download_button(
        t(f"New version of {of}", f"Nova versão de {of}"),
        text,
        file_name=name,
        mime="text/plain",
        icon=":material/download:",
        help=t("A file to look at. Nothing is changed here.", "Um arquivo para examinar. Nada muda aqui."),
    )
