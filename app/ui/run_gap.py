"""A run's reward beside truth and people, evaluation after evaluation, and the step from which they part."""

import pandas as pd
import streamlit as st

from app.ui.chart import show_chart
from app.ui.language import change_words, language, number, t, task_name
from backend.charts.runs import gap_chart
from backend.evaluation.gap import Curve, Parting
from backend.evaluation.paired import mean_interval
from backend.evaluation.watched import Watched, people_beside, stored_rows, truths_beside
from backend.store.engine import reading
from backend.store.evaluations import run_evaluations
from backend.store.ratings import ratings_version
from backend.store.tables import Run
from backend.suites import find_task

Point = tuple[str, int, float, float, float]
"""Which (``reward``, or the measure's name), step, share of the range, ends of its interval."""


@st.cache_data(show_spinner=False, max_entries=16)
def _beside(run_id: str, version: str) -> list[tuple[str, str, list[Point], Parting | None, int]]:
    """(measure, task, points, since when they part, completions rated) of everything beside the reward."""
    with reading() as session:
        rows = stored_rows(session, run_id)
    beside = [*truths_beside(rows), *([people] if (people := people_beside(rows)) is not None else [])]
    found = []
    for one in beside:
        points = [*_of_curve("reward", one.reward), *_of_measure(one)]
        found.append((one.name, one.task, points, one.parting(), sum(one.human.rated) if one.human else 0))
    return found


def _of_curve(which: str, curve: Curve) -> list[Point]:
    ends = [mean_interval([values]) for values in curve.values]
    return [(which, step, curve.mean(i), *ends[i]) for i, step in enumerate(curve.steps)]


def _of_measure(one: Watched) -> list[Point]:
    if one.human is None:
        assert isinstance(one.other, Curve)
        return _of_curve(one.name, one.other)
    lows, highs = one.human.low, one.human.high
    return [(one.name, step, one.other.mean(i), lows[i], highs[i]) for i, step in enumerate(one.other.steps)]


def show_gap(run: Run) -> None:
    """A chart for every truth measure and one for people; nothing where neither is known."""
    with reading() as session:
        version = f"{ratings_version(session)} {len(run_evaluations(session, run.id))}"
    found = _beside(run.id, version)
    asks = bool(run.config.get("rate_per_evaluation"))
    if not found and not asks:
        return
    st.markdown(f"**{t('Reward beside truth and people', 'Recompensa ao lado da verdade e das pessoas')}**")
    charts = st.container(horizontal=True)
    for name, task, points, parted, rated in found:
        with charts.container(width=500):
            _show_one(name, task, points, parted, rated)
    if asks and not any(rated for *_, rated in found):
        st.caption(
            t(
                "Completions of every evaluation wait on Annotate; people's curve comes with three ratings of an evaluation.",
                "Respostas de cada avaliação esperam em Avaliar; a curva das pessoas vem com três notas de uma avaliação.",
            )
        )


def _show_one(name: str, task: str, points: list[Point], parted: Parting | None, rated: int) -> None:
    frame = pd.DataFrame(points, columns=["which", "step", "value", "low", "high"])
    labels = {"reward": t("reward", "recompensa"), name: _label(name, task)}
    frame["measure"] = frame["which"].map(labels)
    title = f"{task_name(task)}: {labels['reward']} · {labels[name]}"
    since = parted.since if parted is not None else None
    words = _in_words(frame, labels) + ". " + _verdict(parted, labels[name])
    st.caption(title)
    show_chart(gap_chart(frame, since, language()), alt=f"{title}. {words}")
    if rated:
        words += t(
            f" {rated} completions rated, also after it trained.",
            f" {rated} respostas avaliadas, também depois do treino.",
        )
    elif (known := find_task(task)) is not None and known.truth is not None and known.truth.facts:
        words += t(
            " Facts count as they come; on Results every truth counts alike (balanced).",
            " Os fatos contam como vêm; em Resultados cada verdade vale o mesmo (balanceado).",
        )
    st.caption(words)


def _label(name: str, task: str) -> str:
    known = find_task(task)
    if known is not None and known.truth is not None and known.truth.name == name:
        return t(*known.truth.label).lower()
    return t("people", "pessoas")


def _in_words(frame: pd.DataFrame, labels: dict[str, str]) -> str:
    parts = []
    for which, label in labels.items():
        values = frame.loc[frame["which"] == which, "value"]
        parts.append(f"{label} {change_words(values)}")
    return ", ".join(parts)


def _verdict(parted: Parting | None, label: str) -> str:
    if parted is None:
        return t(
            "No parting is seen; with few prompts or ratings one can stay unseen.",
            "Não se vê separação; com poucos prompts ou notas ela pode não aparecer.",
        )
    since, until = parted.since, parted.step
    changes = number(parted.reward, signed=True), number(parted.other, signed=True)
    return t(
        f"From step {since} on they part: reward {changes[0]}, {label} {changes[1]} up to step {until}.",
        f"A partir do passo {since} se separam: recompensa {changes[0]}, {label} {changes[1]} até o passo {until}.",
    )
