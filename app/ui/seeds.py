"""A run of several seeds: each seed's change, their mean, and how much of the variance lies between seeds."""

import pandas as pd
import streamlit as st

from app.ui.chart import show_chart
from app.ui.language import interval, language, number, t, task_name
from backend.charts.comparison import seeds_chart
from backend.evaluation.findings import findings, headline
from backend.evaluation.seeds import compare_seeds
from backend.evaluation.stored import base_and_tuned, compare_stored
from backend.evaluation.words import chosen_words, on_prompts
from backend.store.engine import reading
from backend.store.tables import Run


def show_seeds(children: list[Run]) -> None:
    """The comparison over the seeds that have finished: the reward's, and of each seed what is known without it."""
    of_seeds = {}
    with reading() as session:
        for child in children:
            if (pair := base_and_tuned(session, child.id)) is not None:
                of_seeds[child.seed] = compare_stored(session, *pair)
    if len(of_seeds) < 2:
        st.info(
            t(
                f"{len(of_seeds)} of {len(children)} seeds have finished; two are needed to compare.",
                f"{len(of_seeds)} de {len(children)} sementes terminaram; é preciso ter duas para comparar.",
            ),
            icon=":material/hourglass_top:",
        )
        return
    found = compare_seeds({seed: compared.paired for seed, compared in of_seeds.items()})
    overall = found["tasks"][-1]
    st.markdown(
        "## "
        + t(
            f"Over {len(of_seeds)} seeds the mean reward moved by {number(overall['delta'], signed=True)} "
            f"({number(overall['low'], signed=True)} to {number(overall['high'], signed=True)}).",
            f"Em {len(of_seeds)} sementes a recompensa média mudou {number(overall['delta'], signed=True)} "
            f"({number(overall['low'], signed=True)} a {number(overall['high'], signed=True)}).",
        )
    )
    lines = [
        f"- {t('Seed', 'Semente')} {seed}: {t(*headline(compared.evidence))} {t(*findings(compared.evidence, bold='**')[0])}"
        for seed, compared in of_seeds.items()
    ]
    st.markdown("\n".join(lines))
    one = next(iter(of_seeds.values()))
    st.caption(" ".join([t(*on_prompts(one)) + ".", *(t(*words) for words in [chosen_words(one)] if words)]))
    rows = [
        {
            "task": task_name(c["task"]),
            **{f"seed {s}": number(d, signed=True) for s, d in zip(found["seeds"], c["deltas"], strict=True)},
            "mean": number(c["delta"], signed=True),
            "interval": interval(c["low"], c["high"]),
            "share": "–" if c["seed_share"] is None else f"{c['seed_share']:.0%}",
        }
        for c in found["tasks"]
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        alt=t("Change per task and seed", "Mudança por tarefa e semente"),
        column_config={
            "task": t("Task", "Tarefa"),
            "mean": t("mean Δ", "Δ médio"),
            "interval": t("95 % interval", "intervalo de 95 %"),
            "share": st.column_config.TextColumn(
                t("seed share", "parte da semente"),
                help=t("Share of the spread of Δ that lies between seeds.", "Parte da dispersão do Δ entre sementes."),
            ),
        },
    )
    points = pd.DataFrame(
        [
            {"label": task_name(c["task"]), "seed": str(s), "delta": d}
            for c in found["tasks"]
            for s, d in zip(found["seeds"], c["deltas"], strict=True)
        ]
    )
    show_chart(
        seeds_chart(points, language()), alt=t("Each seed's change per task", "Mudança de cada semente por tarefa")
    )
