"""Briefs for the two writing tasks: figures to analyse (insights) and segments to notify (push)."""

import random
import sqlite3
from dataclasses import dataclass
from typing import Any

from backend.commerce.phrasings import filled, phrasings
from backend.commerce.shop import STATE_NAMES, Vocabulary, brazilian, category_name


@dataclass(frozen=True)
class Brief:
    """What the user asks, and the figures or segment behind it."""

    text: str
    facts: dict[str, Any]


OCCASIONS = (
    "carrinho abandonado há {n} horas",
    "cupom de {n}% que vence hoje",
    "frete grátis só neste fim de semana",
    "produto favorito voltou ao estoque",
    "cliente sem comprar há {n} dias",
    "pedido saiu para entrega",
    "pedido atrasado, com pedido de desculpas e cupom de {n}%",
    "lançamento da nova coleção",
    "queda de {n}% no preço de um item da lista de desejos",
    "aniversário do cliente",
    "convite para avaliar a última compra",
    "Black Friday com até {n}% de desconto",
    "últimas {n} unidades em estoque",
    "parcelamento em {n} vezes sem juros",
    "retirada do pedido disponível na loja",
    "cashback de {n}% na próxima compra",
)
_FEWEST_ORDERS = 5


def make_insight_brief(rng: random.Random, db: sqlite3.Connection, words: Vocabulary) -> Brief | None:
    """Figures of a category, a state, a month or two of them, from ``orders_enriched``, and a request to analyse them.

    None where the cut holds too few orders to say anything.
    """
    said, conditions, cut = [], [], {}
    for name, column, values, words_for in (
        ("category", "category", words.categories, lambda c: f"categoria {category_name(c)}"),
        ("state", "customer_state", words.states, lambda s: STATE_NAMES[s]),
        ("month", "month", words.months, lambda m: f"{m[5:]}/{m[:4]}"),
    ):
        cut[name] = (
            rng.choice(values)
            if values and rng.random() < {"category": 0.8, "state": 0.5, "month": 0.3}[name]
            else None
        )
        if cut[name]:
            said.append(words_for(cut[name]))
            conditions.append((f"{column} = ?", cut[name]))
    where = "".join(" AND " + condition for condition, _ in conditions)
    orders, revenue, nota, late, negative, freight = db.execute(
        "SELECT COUNT(DISTINCT order_id), SUM(price), AVG(review_score), 100.0 * AVG(delay_days > 0), "
        f"100.0 * AVG(sentiment = 'negativo'), AVG(freight) FROM orders_enriched WHERE 1{where}",
        [value for _, value in conditions],
    ).fetchone()
    if orders < _FEWEST_ORDERS:
        return None
    figures = {
        "pedidos": orders,
        "faturamento": round(revenue or 0, 2),
        "nota_media": round(nota or 0, 1),
        "atraso_pct": round(late or 0),
        "negativas_pct": round(negative or 0),
        "frete_medio": round(freight or 0, 2),
    }
    lines = [
        f"Pedidos: {orders}",
        f"Faturamento: R$ {brazilian(figures['faturamento'])}",
        f"Nota média: {brazilian(figures['nota_media'], 1)}",
        f"Entregas com atraso: {figures['atraso_pct']}%",
        f"Avaliações negativas: {figures['negativas_pct']}%",
        f"Frete médio: R$ {brazilian(figures['frete_medio'])}",
    ]
    rng.shuffle(lines)
    count = rng.randint(4, 6)
    what = " · ".join(said) or "toda a loja"
    text = f"{rng.choice(phrasings('insights'))}\nRecorte: {what}\n" + "\n".join(lines[:count])
    return Brief(text, {"figures": figures, **cut, "difficulty": f"{count} figures"})


def make_push_brief(rng: random.Random, words: Vocabulary) -> Brief:
    """A segment and an occasion, and a request for one notification."""
    category, state = rng.choice(words.categories), rng.choice(words.states)
    kind = rng.choice(OCCASIONS)
    occasion = kind.replace("{n}", str(rng.choice((10, 15, 20, 25, 30, 40, 48, 60))))
    said = rng.choice((state, STATE_NAMES[state]))
    text = filled(rng.choice(phrasings("push")), o=occasion, c=category_name(category), s=said)
    return Brief(text, {"occasion": occasion, "category": category, "state": state, "difficulty": kind})
