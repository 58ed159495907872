"""The pages, by the name of their file in ``screens/``: a new page is one file and one line here."""

from pathlib import Path

import streamlit as st

from app.ui.language import t
from backend.access import ROLES, Person, Role, who

_SCREENS = Path(__file__).parent / "screens"


def page(name: str) -> st.Page:
    """The page whose script is ``screens/<name>.py``."""
    title, icon = {
        "home": (t("Start", "Início"), ":material/home:"),
        "annotate": (t("Annotate", "Avaliar"), ":material/rate_review:"),
        "results": (t("Results", "Resultados"), ":material/query_stats:"),
        "runs": (t("Runs", "Treinos"), ":material/timeline:"),
        "audit": (t("Reward audit", "Auditoria da recompensa"), ":material/fact_check:"),
        "train": (t("Train", "Treinar"), ":material/model_training:"),
        "data": (t("Data", "Dados"), ":material/database:"),
        "monitor": (t("Monitor", "Monitor"), ":material/sensors:"),
        "events": (t("Log", "Registro"), ":material/history:"),
    }[name]
    return st.Page(_SCREENS / f"{name}.py", title=title, icon=icon, url_path=name, default=name == "home")


READERS: dict[str, tuple[Role, ...]] = {
    "home": ROLES,
    "annotate": ("annotator",),
    "results": ("pm",),
    "runs": ("pm",),
    "monitor": ("pm",),
    "audit": (),
    "train": (),
    "data": (),
    "events": (),
}
"""Whose page it is; an engineer's are all. For anybody else it does not exist."""


def sections(person: Person) -> dict[str, list[st.Page]]:
    """A person's navigation: each reader's pages under the reader's name."""
    every = {
        "": ["home"],
        t("Annotators", "Avaliadores"): ["annotate"],
        t("Product", "Produto"): ["results", "runs", "monitor"],
        t("Engineering", "Engenharia"): ["audit", "train", "data", "events"],
    }
    mine = {title: [page(name) for name in names if person.may(*READERS[name])] for title, names in every.items()}
    return {title: pages for title, pages in mine.items() if pages}


def link_to(name: str) -> None:
    """A link to another page, where it is there for whoever reads this one."""
    if who().may(*READERS[name]):
        st.page_link(page(name))
