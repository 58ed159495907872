"""Show a completion in the form of its task: formatted JSON, rendered Markdown, plain text, or a phone's notification.

Completions are written by a model, so nothing in them is interpreted as HTML, and no picture is fetched.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from app.ui.language import grouped, language, t
from app.ui.markdown import harmless, literal
from backend.data.sources.layout import POLICIES
from backend.suites import find_task
from rewards.text import visible, visible_length
from rewards.types import Bubble, Functions, JsonAnswer

_LONGEST, _SHORT = 20_000, 200
_TELLS = frozenset(POLICIES) | frozenset(
    "checkpoint run step reward rewards score scores rating ratings rater total human human_score advantage judge judgement "
    "verdict".split()
)
"""Columns that would tell a rater who wrote a completion, or what it is worth to somebody else."""
_QUERY = re.compile(
    r"^(?:SELECT|WITH)\b[^;]{0,600}?\bFROM\b(?:[^;\n]|\n(?=[ \t]+\S|[A-Z]{2,}\b|[()]))*;?", re.MULTILINE
)
"""A query that begins a line, in capitals as models write them: to its semicolon, or as far as its lines go."""
_PAGE_CHARACTERS, _PAGE_LINES, _PAGE_PIXELS = 3_000, 30, 560
"""A longer text scrolls in an area of this many pixels, so that what is below it can be reached quickly."""


def show_completion(task: str, text: str, border: bool = False) -> None:
    """Draw a completion of ``task``; if the rendering changes its text, the raw text can be opened with a click."""
    shown = text[:_LONGEST]
    if not shown.strip():
        st.info(t("The completion is empty.", "A resposta está vazia."))
        return
    found = find_task(task)
    with st.container(height=_height(shown), border=border):
        if found is not None and found.json is not None:
            _show_json(found.json, shown)
        elif found is not None and isinstance(found.rendering, Bubble):
            _show_bubble(found.rendering, shown)
        elif found is not None and found.rendering == "markdown":
            st.markdown(harmless(with_fences(shown)))
            _raw(shown)
        else:
            st.code(shown, language=None, wrap_lines=True)
    if len(text) > _LONGEST:
        st.caption(
            t(
                f"Cut here; it has {grouped(len(text))} characters.",
                f"Cortado aqui; tem {grouped(len(text))} caracteres.",
            )
        )


def with_fences(text: str) -> str:
    """Markdown in which a query outside a code fence has one; also where a model closed a fence that it never opened."""
    before, fence, _ = text.partition("```")
    if not fence:
        return _QUERY.sub("\n```sql\n\\g<0>\n```\n", text)
    query = _QUERY.search(before)
    if query is None or text.count("```") % 2 == 0:
        return text
    return f"{text[: query.start()]}```sql\n{text[query.start() :]}"


def show_prompt(user_text: str) -> None:
    """Draw what the user asked."""
    shown = user_text[:_LONGEST]
    st.code(shown, language=None, wrap_lines=True, height=_height(shown))


def show_asked(task: str, messages: Sequence[Mapping[str, str]], facts: Mapping[str, Any]) -> None:
    """Draw what was asked, and what the task's reward functions are given beside it: without the right answer nobody can rate."""
    show_chat(task, messages)
    known = find_task(task)
    if known is None or not isinstance(known.reward, Functions):
        return
    hidden = {*_TELLS, *(name.lower() for name in known.reward.weights)}
    shown = [n for n in known.reward.columns if n.lower() not in hidden and facts.get(n) is not None]
    if shown:
        st.caption(
            t("Beside the prompt, for the reward and for you:", "Ao lado do prompt, para a recompensa e para você:")
        )
    for name in shown:
        value = (
            facts[name] if isinstance(facts[name], str) else json.dumps(facts[name], ensure_ascii=False, default=str)
        )
        if "\n" in value or len(value) > _SHORT:
            st.caption(f"**{literal(name)}**")
            show_prompt(value)
        else:
            st.caption(f"**{literal(name)}**: {literal(value)}")


def show_chat(task: str, messages: Sequence[Mapping[str, str]]) -> None:
    """Draw what was asked: the user's text, or every turn where there is more (instructions beside the task's own, earlier turns)."""
    known = find_task(task)
    usual = known.system_prompt if known is not None else ""
    turns = [m for m in messages if (m["role"], m["content"]) != ("system", usual)]
    if all(m["role"] == "user" for m in turns):
        show_prompt("\n".join(m["content"] for m in turns))
        return
    names = {
        "system": t("Instructions to the model", "Instruções ao modelo"),
        "user": t("User", "Usuário"),
        "assistant": t("The model, before", "O modelo, antes"),
    }
    for turn in turns:
        st.caption(names.get(turn["role"], literal(turn["role"])))
        show_prompt(turn["content"])


def _height(text: str) -> int | Literal["content"]:
    is_long = len(text) > _PAGE_CHARACTERS or text.count("\n") > _PAGE_LINES
    return _PAGE_PIXELS if is_long else "content"


def _show_json(answer: JsonAnswer, text: str) -> None:
    parsed = answer.parse(text)
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


def _show_bubble(bubble: Bubble, text: str) -> None:
    with st.container(border=True, width=340):
        st.caption(bubble.sender.within(language()))
        st.text(visible(text))
    length = visible_length(text)
    note = t(f"{length} of {bubble.most} characters", f"{length} de {bubble.most} caracteres")
    st.caption(note if length <= bubble.most else f":orange[{note}]")


def _raw(text: str) -> None:
    with st.expander(t("Raw text", "Texto original")):
        st.code(text, language=None, wrap_lines=True)
