"""Best-of-n on the audit's page: what optimising each reward would do, from the answers there are."""

from collections.abc import Sequence

import streamlit as st

from app.ui.audit_data import best_by_truth, best_of
from app.ui.chart import show_chart
from app.ui.language import language, t, task_name
from backend.audit.best_of_n import BestOf, gains, sentence
from backend.audit.correlation import FEWEST_PROMPTS
from backend.charts.audit import best_of_chart
from backend.suites import fingerprint_of_all, in_order, task_names


def show_best_of(profile: str, version: str) -> None:
    """For each task: what picking the best of n by its reward does to the reward, and to what people and the truth say."""
    st.caption(
        t(
            "Of several answers to a prompt the reward picks the best: the cheapest picture of what training on it will do. "
            "Where the left line rises and the right one does not, training will do the same.",
            "De várias respostas a um prompt a recompensa escolhe a melhor: o retrato mais barato do que o treino fará com "
            "ela. Onde a linha da esquerda sobe e a da direita não, o treino fará o mesmo.",
        )
    )
    about = (profile, fingerprint_of_all(task_names(), profile), version)
    people, truth = best_of(*about), best_by_truth(*about)
    for task in in_order([*people, *truth]):
        st.markdown(f"**{task_name(task)}**")
        if not any(len(points.get(task, ())) > 1 for points in (people, truth)):
            st.caption(
                t(
                    f"Fewer than {FEWEST_PROMPTS} prompts have two rated answers of one policy.",
                    f"Menos de {FEWEST_PROMPTS} prompts têm duas respostas avaliadas de um mesmo modelo.",
                )
            )
        _show(people.get(task, ()), True)
        _show(truth.get(task, ()), False)


def _show(points: Sequence[BestOf], by_people: bool) -> None:
    words = sentence(points, by_people)
    if words is None:
        return
    st.write(t(*words))
    judged = t("gain in human score (1 to 5)", "ganho na nota humana (1 a 5)")
    if not by_people:
        judged = t("gain in right facts (share)", "ganho em fatos certos (proporção)")
    titles = ((False, t("gain in reward", "ganho na recompensa")), (True, judged))
    for column, (side, title) in zip(st.columns(2, gap="medium"), titles, strict=True):
        with column:
            show_chart(best_of_chart(gains(points, side), title, language()), alt=f"{title}. {t(*words)}")
    counts = ", ".join(t(f"{p.prompts} with {p.n}", f"{p.prompts} com {p.n}") for p in points[1:])
    st.caption(t(f"prompts, by answers to each: {counts}", f"prompts, por respostas a cada um: {counts}"))
