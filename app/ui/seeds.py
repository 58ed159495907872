"""A run of several: each setting's change over its seeds, and what is known of it without the reward."""

from typing import Any

import pandas as pd
import streamlit as st

from app.ui.chart import show_chart
from app.ui.language import interval, language, number, t, task_name
from app.ui.markdown import literal, message
from app.ui.run_status import reason_of
from app.ui.table import show_rows
from backend.charts.comparison import seeds_chart
from backend.evaluation.findings import findings, headline
from backend.evaluation.several import Outcome, Setting, people_words, settings_among, several_words, truth_words
from backend.runs.reasons import reason_words
from backend.store.engine import reading
from backend.store.tables import Run


def show_seeds(children: list[Run]) -> None:
    """The comparison over the runs that have finished: the reward's, and what is known without it, setting by setting."""
    with reading() as session:
        settings = settings_among(session, children)
        parent = session.get(Run, children[0].parent_id)
    finished = sum(len(setting.seeds) for setting in settings)
    if not finished or (len(settings) == 1 and finished < 2):
        st.info(
            t(
                f"{finished} of {len(children)} runs have finished; two are needed to compare.",
                f"{finished} de {len(children)} treinos terminaram; é preciso ter dois para comparar.",
            ),
            icon=":material/hourglass_top:",
        )
        return
    for place, setting in enumerate(settings):
        show_setting(setting, place)
    st.caption(message(" ".join(t(*words) for words in several_words(settings))))
    if parent is not None and parent.reason:
        st.caption(message(reason_of(parent)))  # what it took, and of which budget


def show_setting(setting: Setting, place: int) -> None:
    """A setting's headline, what each of its seeds says, its table, and with several seeds a chart; ``place`` is its own."""
    tasks = setting.tasks
    if setting.differs:
        st.markdown("## " + literal(t(*(setting.name if tasks else setting.short))))
    if not tasks:
        why = [message(t(*reason_words(reason))) for reason in setting.stopped.values()]
        st.caption("  \n".join(why) or t("No run of it has finished.", "Nenhum treino dela terminou."))
        return
    if len(setting.seeds) > 1:
        overall = tasks[-1].over
        words = t(
            f"Over {len(setting.seeds)} seeds the mean reward moved by {number(overall.delta, signed=True)} "
            f"({number(overall.low, signed=True)} to {number(overall.high, signed=True)}).",
            f"Em {len(setting.seeds)} sementes a recompensa média mudou {number(overall.delta, signed=True)} "
            f"({number(overall.low, signed=True)} a {number(overall.high, signed=True)}).",
        )
        st.markdown(words if setting.differs else f"## {words}")
    lines = [
        f"- {t('Seed', 'Semente')} {seed}: {t(*headline(compared.evidence))} {t(*findings(compared.evidence, bold='**')[0])}"
        for seed, compared in setting.seeds.items()
    ]
    st.markdown("\n".join(lines))
    show_rows(
        pd.DataFrame([_row(setting, outcome) for outcome in tasks]),
        f"seeds_{place}",
        t("Change per task and seed", "Mudança por tarefa e semente"),
        columns={
            "task": t("Task", "Tarefa"),
            "tuned": t("tuned", "treinado"),
            "mean": t("mean Δ", "Δ médio"),
            "interval": t("95 % interval", "intervalo de 95 %"),
            "share": st.column_config.TextColumn(
                t("seed share", "parte da semente"),
                help=t("Share of the spread of Δ that lies between seeds.", "Parte da dispersão do Δ entre sementes."),
            ),
            "truth": t("truth", "verdade"),
            "people": t("people (of 5)", "pessoas (de 5)"),
        },
    )
    if len(setting.seeds) > 1:
        points = pd.DataFrame(
            [
                {"label": task_name(o.over.task), "seed": str(s), "delta": d}
                for o in tasks
                for s, d in zip(setting.seeds, o.over.deltas, strict=True)
            ]
        )
        show_chart(
            seeds_chart(points, language()), alt=t("Each seed's change per task", "Mudança de cada semente por tarefa")
        )


def _row(setting: Setting, outcome: Outcome) -> dict[str, Any]:
    """A task's row of the table."""
    over, several = outcome.over, len(setting.seeds) > 1
    each = {f"seed {s}": number(d, signed=True) for s, d in zip(setting.seeds, over.deltas, strict=True)}
    return {
        "task": task_name(over.task),
        "base": number(outcome.base),
        "tuned": number(outcome.tuned),
        **(each if several else {}),
        "mean": number(over.delta, signed=True),
        "interval": interval(over.low, over.high) if several else t("one seed", "uma semente"),
        "share": "–" if over.seed_share is None else f"{over.seed_share:.0%}",
        "truth": t(*truth_words(outcome.truth)),
        "people": t(*people_words(outcome.people)),
    }
