"""The log's entries in the reader's language."""

from typing import Any

from app.ui.language import t, task_name
from app.ui.verdicts import gate_words
from backend.suites import task_names

DID = {
    "accepted": "aceitou",
    "added prompts": "acrescentou prompts",
    "benchmarked": "mediu em benchmarks",
    "counted again": "voltou a contar",
    "decided": "decidiu",
    "exported": "exportou",
    "exported a model": "exportou um modelo",
    "imported": "importou",
    "killed": "matou",
    "launched": "iniciou",
    "left out": "deixou de fora",
    "overrode": "passou por cima",
    "rated for": "avaliou por",
    "replaced data": "substituiu dados",
    "resumed": "continuou",
    "sampled": "amostrou",
    "sent to raters": "enviou aos avaliadores",
    "stopped": "parou",
    "took out": "retirou",
}
"""What is recorded -> in Portuguese."""
ABOUT = {
    "answers of production": "respostas da produção",
    "finds of an attack on": "achados de um ataque a",
    "change of": "mudança de",
    "rater": "avaliador",
    "ratings": "avaliações",
    "completions": "respostas",
}
DETAIL = {
    "adapter": "adaptador", "composed": "composto (exemplo)", "count": "quantos", "file": "arquivo", "kinds": "tipos",
    "limit": "limite", "model": "modelo", "name": "nome", "preset": "predefinição", "profile": "perfil", "reason": "motivo",
    "tasks": "tarefas", "to": "para", "verdict": "veredito",
}  # fmt: skip


def did_words(what: str) -> str:
    """What was done."""
    return t(what, DID.get(what, what))


def about_words(about: str) -> str:
    """What it was done to: a task by its name, and in Portuguese the words that the workbench itself wrote."""
    if about in task_names():
        return task_name(about)
    for english, portuguese in ABOUT.items():
        if about == english or about.endswith(f" {english}") or f"{english} " in about:
            return about.replace(english, t(english, portuguese), 1)
    return about


def detail_words(detail: dict[str, Any]) -> str:
    """The further values, one after another."""
    if detail.get("composed"):
        return t("composed, with the example's month", "composto, com o mês do exemplo")
    words = {**detail, "verdict": gate_words(detail["verdict"])} if "verdict" in detail else detail
    return ", ".join(f"{t(key, DETAIL.get(key, key))}: {value}" for key, value in words.items())
