"""The words of a gate and of a comparison, in the chosen language."""

from app.ui.language import t


def gate_words(verdict: str) -> str:
    """The gate's word in the chosen language."""
    words = {
        "pass": t("pass", "aprovada"),
        "fail": t("fail", "reprovada"),
        "more ratings needed": t("more ratings needed", "faltam avaliações"),
        "stale": t("stale", "desatualizada"),
        "not decided": t("not decided", "sem decisão"),
    }
    return words.get(verdict, verdict)
