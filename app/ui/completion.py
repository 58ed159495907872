"""A completion as what it is: JSON pretty-printed, analysis as rendered text, a push in a phone's bubble.

Everything here was written by a model, so nothing of it is ever interpreted as HTML, and no picture is fetched.
"""

import json
import re

import streamlit as st

from app.ui.language import t
from rewards.json_parsing import parse_json
from rewards.text import visible, visible_length

_LONGEST = 20_000


def show_completion(task: str, text: str) -> None:
    """Draw a completion of ``task``, with the raw text one click away where the rendering changes it."""
    shown = text[:_LONGEST]
    if not shown.strip():
        st.info(t("The completion is empty.", "A resposta está vazia."))
    elif task == "extraction":
        _show_json(shown)
    elif task == "push":
        _show_push(shown)
    elif task in ("insights", "sql_qa"):
        st.markdown(safe_markdown(shown))
        _raw(shown)
    else:
        st.code(shown, language=None, wrap_lines=True)
    if len(text) > _LONGEST:
        st.caption(t(f"Cut here; it has {len(text):,} characters.", f"Cortado aqui; tem {len(text):,} caracteres."))


def show_prompt(user_text: str) -> None:
    """Draw what the user asked."""
    st.code(user_text[:_LONGEST], language=None, wrap_lines=True)


def safe_markdown(text: str) -> str:
    """Markdown of a model made harmless and quiet.

    No pictures, links, addresses or HTML: what would make one is broken by a space of no width, wherever it stands. What
    is a code fence and what only looks like one is for the browser to decide, so fences are no exception. Outside of
    them, which is only a matter of looks, dollars are no formulas, icons and colours no directives, and headings are no
    larger than ours.
    """
    harmless = _LEADS_OUT.sub(lambda found: found[0][0] + "\u200b" + found[0][1:], text)
    parts = _FENCE.split(harmless)
    for i in range(0, len(parts), 2):
        plain = _DIRECTIVE.sub(":\u200b", parts[i].replace("$", "\\$"))
        parts[i] = _HEADING.sub("##### ", _UNDERLINE.sub(r"\1\n\n\2", plain))
    return "".join(parts)


_LEADS_OUT = re.compile(r"""
    !\[                    # a picture
    | \](?=[(\[:])         # a link, a reference, the definition of one
    | \[(?=\^)             # a footnote
    | <(?=[A-Za-z/!?])     # HTML, <address>
    | :(?=//)              # https://
    | www(?=\.)
    | @
""", re.X | re.I)  # fmt: skip
_FENCE = re.compile(r"(^```[^\n`]*\n.*?^```[ \t]*$)", re.M | re.S)
_DIRECTIVE = re.compile(r":(?=[\w+-])")
_HEADING = re.compile(r"^#{1,4} ", re.M)
_UNDERLINE = re.compile(r"^(.*\S.*)\n(=+|-+)(?=[ \t]*$)", re.M)  # makes a heading of the line above it


def _show_json(text: str) -> None:
    parsed = parse_json(text)
    if parsed.value is None:
        st.code(text, language=None, wrap_lines=True)
        return
    st.code(json.dumps(parsed.value, indent=2, ensure_ascii=False), language="json", wrap_lines=True)
    if not parsed.strict:
        st.caption(
            t(
                "Not strict JSON: shown as the parser understood it.",
                "JSON fora do padrão: mostrado como o leitor o entendeu.",
            )
        )
    _raw(text)


def _show_push(text: str) -> None:
    with st.container(border=True, width=340):
        st.caption(t("Your shop · now", "Sua loja · agora"))
        st.text(visible(text))
    length = visible_length(text)
    note = t(f"{length} of 120 characters", f"{length} de 120 caracteres")
    st.caption(note if length <= 120 else f":orange[{note}]")


def _raw(text: str) -> None:
    with st.expander(t("Raw text", "Texto original")):
        st.code(text, language=None, wrap_lines=True)
