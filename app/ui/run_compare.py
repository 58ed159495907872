"""What differs in the configurations of several runs, and the watch table of one."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.ui.language import t
from app.ui.markdown import message
from app.ui.run_fields import NOT_COMPARED, label, value_words
from app.ui.table import show_rows
from backend.runs.reasons import firing_words
from backend.runs.watch import firings
from backend.store.tables import Run
from backend.suites import tasks
from backend.training.config import TrainConfig, all_presets
from backend.training.stop_rules import Rule, default_rules, floors


def show_differences(runs: Sequence[Run], names: Sequence[str]) -> None:
    """A row for each field in which the runs' configurations differ; in words where there is none.

    Args:
        runs: two or more.
        names: what the page calls each.
    """
    rows = differing([run.config for run in runs])
    st.markdown(f"**{t('What differs in their configurations', 'O que difere nas configurações')}**")
    if not rows:
        st.caption(t("Nothing: they have the same configuration.", "Nada: eles têm a mesma configuração."))
        return
    table = [{"field": label(field), **dict(zip(names, values, strict=True))} for field, values in rows.items()]
    show_rows(
        pd.DataFrame(table),
        "differences",
        t("Fields that differ, and each run's value", "Campos que diferem, e o valor de cada treino"),
        {"field": t("field", "campo")},
        height="content",
    )


def differing(configs: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Field -> each configuration's value, of the fields in which they differ. What a run does not say is the default."""
    start = TrainConfig().model_dump(mode="json")
    whole = [{**start, **config} for config in configs]
    fields = [field for field in dict.fromkeys(f for c in whole for f in c) if field not in NOT_COMPARED]
    shown = {field: [value_words(config.get(field)) for config in whole] for field in fields}
    return {field: values for field, values in shown.items() if len(set(values)) > 1}


def show_watch_table(run: Run, metrics: Sequence[str]) -> None:
    """Every stop rule with its state in words; nothing for a run that another program trained.

    Args:
        run: whose.
        metrics: the names of its metrics.
    """
    if run.preset not in all_presets() or not metrics:
        return
    prompts = [task for task in tasks() if f"eval/{task}" in metrics]
    rules = default_rules(
        run.config.get("max_completion_length") or 0, floors(prompts), run.config.get("on_gap", "warn")
    )
    fired = {firing.get("rule"): firing for firing in firings(run)}
    count = sum(rule.name in fired for rule in rules)
    title = t(
        f"Watch table: {count or 'none'} of {len(rules)} rules fired while it trained",
        f"Tabela de vigia, regras que dispararam durante o treino: {count} de {len(rules)}",
    )
    with st.expander(title):
        rows = [_watch_row(rule, fired.get(rule.name), metrics, run.config.get("stop_rules", True)) for rule in rules]
        st.markdown(message("\n".join(rows)))


def _watch_row(rule: Rule, firing: Mapping[str, Any] | None, metrics: Sequence[str], may_stop: bool) -> str:
    """A rule in a line: what it watches, and whether it has fired."""
    if firing is not None:
        did = t("stopped the run", "parou o treino") if firing["action"] == "stop" else t("warned", "avisou")
        state = f"**{did}**: {t(*firing_words(firing['what']))}"
    elif rule.reads and not any(name.startswith(rule.reads) for name in metrics):
        state = t("not watched: the run logs no numbers for it", "sem vigia: o treino não registra números para ela")
    else:
        would = (
            t("would stop the run", "pararia o treino")
            if rule.action == "stop" and may_stop
            else t("would warn", "avisaria")
        )
        state = t(f"did not fire while it trained ({would})", f"não disparou durante o treino ({would})")
    return f"- {t(*rule.what)}: {state}"
