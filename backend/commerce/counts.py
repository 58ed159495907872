"""What anyone can count in the shop's answers: queries that run and are right, figures and words of the prompt that are named."""

import re
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from backend.commerce.categories import category_name
from backend.commerce.shop import shop_identity, shop_path
from backend.errors import UserError
from rewards.text import fold, words
from rewards.types import Columns, Count, Text

_NUMBER = re.compile(r"(\d+(?:[.,]\d{3})*)(?:[.,](\d{1,2}))?(?![.,]?\d)")
"""A whole number, with or without separated thousands, and up to two decimals, as Brazilians and as programs write it."""
_SHORTEST = 4
"""Letters of a word that says something of a brief."""


def _query(completion: str, prompt: str, columns: Columns, least: float) -> bool | None:
    """Whether the first query's measured share is at least ``least``; None where no true result is known.

    A prompt of another shop's data is judged on this shop's: by what its gold query gives here.
    """
    from backend.commerce.sql_execution import measure  # sqlglot takes long to import

    shop = shop_path()
    if "gold_result" not in columns:
        return None
    try:
        return measure(completion, columns, shop) >= least
    except UserError:
        here = _gold_here(str(columns.get("gold_sql", "")), shop, shop.stat().st_mtime_ns if shop.exists() else 0)
        return None if here is None else measure(completion, {**columns, **here}, shop) >= least


@lru_cache(maxsize=8192)
def _gold_here(gold_sql: str, shop: Path, changed: int) -> dict[str, Any] | None:
    """The columns ``gold_result`` and ``shop`` of a gold query on this shop; None where it gives nothing here."""
    from backend.commerce.sql_execution import Refused, run_query

    try:
        rows, (_, mark) = run_query(gold_sql, shop), shop_identity(shop)
    except (Refused, UserError):
        return None
    return {"gold_result": [list(row) for row in rows], "shop": mark} if rows else None


def figures_named(completion: str, prompt: str, columns: Columns) -> int:
    """How many of the prompt's figures the answer names, each once; 1.234,50 and 1234.5 are one figure."""
    return len(_figures(prompt) & _figures(completion))


def _figures(text: str) -> set[tuple[str, str]]:
    return {(re.sub(r"[.,]", "", whole), decimals.rstrip("0")) for whole, decimals in _NUMBER.findall(text)}


def brief_words(completion: str, prompt: str, columns: Columns) -> int | None:
    """How many words of the brief's occasion and product the answer uses; None where the columns carry no brief."""
    if "occasion" not in columns:
        return None
    brief = f"{columns['occasion']} {category_name(str(columns.get('category') or ''))}"
    return len(_said(brief) & _said(completion))


def _said(text: str) -> set[str]:
    return {word for word in words(fold(text)) if len(word) >= _SHORTEST}


SQL = (
    Count(Text("queries that run", "consultas que rodam"), partial(_query, least=1e-9), "needed"),
    Count(Text("queries with the true result", "consultas com o resultado certo"), partial(_query, least=1.0), "right"),
)
FIGURES = (Count(Text("figures of the prompt named", "números do prompt citados"), figures_named, "needed"),)
BRIEF = (Count(Text("words of the brief used", "palavras do pedido usadas"), brief_words, "needed"),)
