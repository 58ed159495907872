"""The pages, by the name of their file in ``screens/``: a new page is one file and one line here."""

from pathlib import Path

import streamlit as st

from app.ui.language import t

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
    }[name]
    return st.Page(_SCREENS / f"{name}.py", title=title, icon=icon, url_path=name, default=name == "home")


def sections() -> dict[str, list[st.Page]]:
    """The navigation: each reader's pages under the reader's name."""
    return {
        "": [page("home")],
        t("Annotators", "Avaliadores"): [page("annotate")],
        t("Product", "Produto"): [page("results"), page("runs")],
        t("Engineering", "Engenharia"): [page("audit"), page("train"), page("data")],
    }


def link_to(name: str) -> None:
    """A link to another page."""
    st.page_link(page(name))
