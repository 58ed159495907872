"""Briefs for the two writing tasks: figures to analyse (insights) and segments to notify (push)."""

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backend.commerce.categories import category_name
from backend.commerce.grammar import Noun, state_noun
from backend.commerce.phrasings import filled, phrasings
from backend.commerce.shop import STATE_NAMES, Vocabulary, brazilian


@dataclass(frozen=True)
class Brief:
    """What the user asks, and the figures or segment behind it."""

    text: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Occasion:
    """What a notification is about; ``{n}`` in its noun is one of ``values``."""

    noun: Noun
    values: tuple[int, ...] = ()


_PERCENT = (10, 15, 20, 25, 30, 40)
OCCASIONS = (
    Occasion(Noun("carrinho abandonado há {n} horas", "o"), (2, 6, 12, 24, 48, 72)),
    Occasion(Noun("cupom de {n}% que vence hoje", "o"), _PERCENT),
    Occasion(Noun("frete grátis só neste fim de semana", "o")),
    Occasion(Noun("volta do produto favorito ao estoque", "a")),
    Occasion(Noun("cliente sem comprar há {n} dias", "o"), (20, 30, 45, 60, 90)),
    Occasion(Noun("pedido que saiu para entrega", "o")),
    Occasion(Noun("pedido atrasado, com pedido de desculpas e cupom de {n}%", "o"), _PERCENT),
    Occasion(Noun("lançamento da nova coleção", "o")),
    Occasion(Noun("queda de {n}% no preço de um item da lista de desejos", "a"), _PERCENT),
    Occasion(Noun("aniversário do cliente", "o")),
    Occasion(Noun("convite para avaliar a última compra", "o")),
    Occasion(Noun("Black Friday com até {n}% de desconto", "a"), (*_PERCENT, 50, 60)),
    Occasion(Noun("últimas {n} unidades em estoque", "as"), (10, 15, 20, 30)),
    Occasion(Noun("parcelamento em {n} vezes sem juros", "o"), (3, 4, 6, 8, 10, 12)),
    Occasion(Noun("retirada do pedido na loja", "a")),
    Occasion(Noun("cashback de {n}% na próxima compra", "o"), _PERCENT),
)
_FEWEST_ORDERS = 5


def make_insight_brief(rng: random.Random, db: sqlite3.Connection, words: Vocabulary) -> Brief | None:
    """Figures of a category, a state, a month or two of them, from ``orders_enriched``, and a request to analyse them.

    None where the cut holds too few orders to say anything.
    """
    said: list[str] = []
    conditions: list[tuple[str, str]] = []
    cut: dict[str, str | None] = {}
    for name, column, values, words_for in (
        ("category", "category", words.categories, lambda c: f"categoria {category_name(c)}"),
        ("state", "customer_state", words.states, lambda s: STATE_NAMES[s]),
        ("month", "month", words.months, lambda m: f"{m[5:]}/{m[:4]}"),
    ):
        wanted = values and rng.random() < {"category": 0.8, "state": 0.5, "month": 0.3}[name]
        cut[name] = value = rng.choice(values) if wanted else None
        if value:
            said.append(words_for(value))
            conditions.append((f"{column} = ?", value))
    figures = _figures(db, conditions)
    if figures["pedidos"] < _FEWEST_ORDERS:
        return None
    lines = [f"{name}: {written(figures[key])}" for key, (name, written) in _LINES.items() if key in figures]
    rng.shuffle(lines)
    count = min(rng.randint(4, 6), len(lines))
    what = " · ".join(said) or "toda a loja"
    text = f"{rng.choice(phrasings('insights'))}\nRecorte: {what}\n" + "\n".join(lines[:count])
    slice_ = " · ".join(cut[name] or "*" for name in cut)
    return Brief(text, {"figures": figures, **cut, "slice": slice_, "difficulty": f"{count} figures"})


_LINES: dict[str, tuple[str, Callable[[float], str]]] = {
    "pedidos": ("Pedidos", lambda value: brazilian(value, 0)),
    "faturamento": ("Faturamento", lambda value: f"R$ {brazilian(value)}"),
    "nota_media": ("Nota média", lambda value: brazilian(value, 1)),
    "atraso_pct": ("Entregas com atraso", lambda value: f"{value}%"),
    "negativas_pct": ("Avaliações negativas", lambda value: f"{value}%"),
    "frete_medio": ("Frete médio por item", lambda value: f"R$ {brazilian(value)}"),
}


def _figures(db: sqlite3.Connection, conditions: list[tuple[str, str]]) -> dict[str, Any]:
    """The figures of a slice; those that the shop's data do not say are left out."""
    where = "".join(" AND " + condition for condition, _ in conditions)
    values = [value for _, value in conditions]
    revenue, freight = db.execute(
        f"SELECT SUM(price), AVG(freight) FROM orders_enriched WHERE 1{where}", values
    ).fetchone()
    orders, nota, late, negative = db.execute(  # each order once, however many items it has
        "SELECT COUNT(*), AVG(review_score), 100.0 * AVG(delay_days > 0), 100.0 * AVG(sentiment = 'negativo') FROM "
        f"(SELECT DISTINCT order_id, review_score, delay_days, sentiment FROM orders_enriched WHERE 1{where})",
        values,
    ).fetchone()
    figures = {
        "pedidos": orders,
        "faturamento": revenue and round(revenue, 2),
        "nota_media": nota and round(nota, 1),
        "atraso_pct": None if late is None else round(late),
        "negativas_pct": None if negative is None else round(negative),
        "frete_medio": freight and round(freight, 2),
    }
    return {key: value for key, value in figures.items() if value is not None}


def make_push_brief(rng: random.Random, words: Vocabulary) -> Brief:
    """A segment and an occasion, and a request for one notification."""
    category, state = rng.choice(words.categories), rng.choice(words.states)
    kind = rng.choice(OCCASIONS)
    value = str(rng.choice(kind.values)) if kind.values else ""
    occasion = Noun(kind.noun.text.replace("{n}", value), kind.noun.article)
    said = state_noun(state, rng.choice((state, STATE_NAMES[state])))
    template = rng.choice(phrasings("push"))
    text = filled(template, tema=occasion, categoria=category_name(category), estado=said)
    facts = {"occasion": occasion.text, "category": category, "state": state, "difficulty": kind.noun.text}
    return Brief(text[:1].upper() + text[1:], facts)
