"""The verdicts of a gate, in the chosen language."""

from app.ui.language import t


def gate_words(verdict: str) -> str:
    """A gate's verdict in the chosen language."""
    words = {
        "pass": t("pass", "aprovada"),
        "fail": t("fail", "reprovada"),
        "more ratings needed": t("more ratings needed", "faltam avaliações"),
        "stale": t("stale", "desatualizada"),
        "not decided": t("not decided", "sem decisão"),
    }
    return words.get(verdict, verdict)
