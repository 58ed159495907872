"""The pages: each is a file in ``screens/`` and an entry here."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app.ui.language import language
from backend.access import ROLES, Person, Role, who
from backend.wording import Text

_SCREENS = Path(__file__).parent / "screens"
START, ANNOTATORS = Text("", ""), Text("Annotators", "Avaliadores")
PRODUCT, ENGINEERING = Text("Product", "Produto"), Text("Engineering", "Engenharia")


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        name: the name of its file in ``screens/``, and in the address.
        title: in the navigation.
        icon: the name of a Material icon.
        section: its heading in the navigation.
        readers: the roles that may open it; an engineer may open all pages. Others do not see it at all.
    """

    name: str
    title: Text
    icon: str
    section: Text
    readers: tuple[Role, ...] = ()


PAGES = (
    Page("home", Text("Start", "Início"), "home", START, ROLES),
    Page("annotate", Text("Annotate", "Avaliar"), "rate_review", ANNOTATORS, ("annotator",)),
    Page("pairs", Text("Compare", "Comparar"), "compare", ANNOTATORS, ("annotator",)),
    Page("results", Text("Results", "Resultados"), "query_stats", PRODUCT, ("pm",)),
    Page("runs", Text("Runs", "Treinos"), "timeline", PRODUCT, ("pm",)),
    Page("monitor", Text("Monitor", "Monitor"), "sensors", PRODUCT, ("pm",)),
    Page("own", Text("Your own", "Suas recompensas"), "upload_file", ENGINEERING),
    Page("audit", Text("Reward audit", "Auditoria da recompensa"), "fact_check", ENGINEERING),
    Page("train", Text("Train", "Treinar"), "model_training", ENGINEERING),
    Page("data", Text("Data", "Dados"), "database", ENGINEERING),
    Page("events", Text("Log", "Registro"), "history", ENGINEERING),
)
_BY_NAME = {page.name: page for page in PAGES}


def _streamlit_page(page: Page) -> st.Page:
    return st.Page(
        _SCREENS / f"{page.name}.py",
        title=page.title.within(language()),
        icon=f":material/{page.icon}:",
        url_path=page.name,
        default=page is PAGES[0],
    )


def sections(person: Person) -> dict[str, list[st.Page]]:
    """A person's navigation: section heading -> the pages that the person may open."""
    found: dict[str, list[st.Page]] = {}
    for page in PAGES:
        if person.may(*page.readers):
            found.setdefault(page.section.within(language()), []).append(_streamlit_page(page))
    return found


def link_to(name: str) -> None:
    """Draw a link to another page, if the current person may open it."""
    if who().may(*_BY_NAME[name].readers):
        st.page_link(_streamlit_page(_BY_NAME[name]))
