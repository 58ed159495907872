"""A completion as what it is: JSON pretty-printed, analysis as rendered text, a push in a phone's bubble.

Everything here was written by a model, so nothing of it is ever interpreted as HTML, and no picture is fetched.
"""

import json
from typing import Literal

import streamlit as st

from app.ui.language import t
from app.ui.markdown import harmless
from rewards.json_parsing import parse_json
from rewards.text import visible, visible_length

_LONGEST = 20_000
_PAGE_CHARACTERS, _PAGE_LINES, _PAGE_PIXELS = 3_000, 30, 560
"""What is longer scrolls within so many pixels, so that what stands below it stays in reach."""


def show_completion(task: str, text: str) -> None:
    """Draw a completion of ``task``, with the raw text one click away where the rendering changes it."""
    shown = text[:_LONGEST]
    if not shown.strip():
        st.info(t("The completion is empty.", "A resposta está vazia."))
        return
    with st.container(height=_height(shown), border=False):
        if task == "extraction":
            _show_json(shown)
        elif task == "push":
            _show_push(shown)
        elif task in ("insights", "sql_qa"):
            st.markdown(harmless(shown))
            _raw(shown)
        else:
            st.code(shown, language=None, wrap_lines=True)
    if len(text) > _LONGEST:
        st.caption(t(f"Cut here; it has {len(text):,} characters.", f"Cortado aqui; tem {len(text):,} caracteres."))


def show_prompt(user_text: str) -> None:
    """Draw what the user asked."""
    shown = user_text[:_LONGEST]
    st.code(shown, language=None, wrap_lines=True, height=_height(shown))


def _height(text: str) -> int | Literal["content"]:
    is_long = len(text) > _PAGE_CHARACTERS or text.count("\n") > _PAGE_LINES
    return _PAGE_PIXELS if is_long else "content"


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
