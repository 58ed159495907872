"""How far a job or a run is, in words and as a bar: its phase, how much of it is done, the time left."""

import streamlit as st

from app.ui.language import duration, t
from backend.progress import Progress


def phase_name(progress: Progress) -> str:
    """What is being done now; "" for a phase that has no name."""
    names = {
        "loading": t("loading the model", "carregando o modelo"),
        "sampling": t("sampling", "gerando respostas"),
        "answering": t("answering eval prompts", "respondendo prompts de avaliação"),
        "attacking": t("searching for cheap texts, task", "procurando textos baratos, tarefa"),
        "base": t("evaluating base", "avaliando o modelo base"),
        "warm-up": t("SFT warm-up", "aquecimento por SFT"),
        "sft": t("evaluating after the warm-up", "avaliando após o aquecimento"),
        "step": t(f"evaluating at step {progress.step}", f"avaliando no passo {progress.step}"),
        "tuned": t("evaluating tuned", "avaliando o modelo treinado"),
        "training": t("step", "passo"),
    }
    return names.get(progress.phase, progress.phase)


def progress_words(progress: Progress) -> str:
    """The phase with its counts and the time it still takes, such as *sampling 12/32 · about 20 s left*."""
    words = phase_name(progress) or t("starting", "iniciando")
    if progress.total:
        words += f" {progress.done}/{progress.total}"
    if progress.seconds_left is not None:
        left = duration(progress.seconds_left)
        words += t(f" · about {left} left", f" · faltam cerca de {left}")
    return words


def show_progress_bar(progress: Progress, before: str = "") -> None:
    """The bar, with ``before`` in front of its words."""
    st.progress(min(1.0, progress.done / max(1, progress.total)), text=before + progress_words(progress))
