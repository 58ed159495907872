"""Briefs for the two writing tasks: figures to analyse (insights) and segments to notify (push)."""

import random
import sqlite3
from dataclasses import dataclass
from typing import Any

from backend.data.commerce import CATEGORIES, STATES
from backend.data.questions import CATEGORY_NAMES, STATE_NAMES


@dataclass(frozen=True)
class Brief:
    """What the user asks, and the figures or segment behind it."""

    text: str
    facts: dict[str, Any]


INSIGHT_ASKS = (
    "Analise os números abaixo e recomende ações.",
    "O que esses dados dizem e o que devemos fazer?",
    "Faça um diagnóstico e proponha um plano de melhoria.",
    "Escreva uma análise estratégica com prioridades.",
    "Quais oportunidades você vê nesses números?",
    "Monte um plano de reengajamento com base nestes dados.",
    "Explique os pontos fracos e sugira medidas práticas.",
    "Preciso de insights para a reunião de segunda.",
    "Por que os clientes reclamam e como reduzir isso?",
    "Avalie o desempenho e indique onde investir.",
)
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
)
PUSH_ASKS = (
    "Crie uma notificação push: {o}. Categoria {c}, clientes de {s}.",
    "Escreva um push curto para clientes de {s} que compram {c}. Motivo: {o}.",
    "Preciso de uma notificação para o app, até 120 caracteres. {o}. Público: {s}, {c}.",
    "Faz um push pra galera de {s} que curte {c}: {o}.",
    "Notificação para o celular sobre {c} ({s}): {o}.",
    "Manda um push bem direto. Tema: {o}. Segmento: {c} em {s}.",
)


def make_insight_brief(rng: random.Random, db: sqlite3.Connection) -> Brief:
    """Figures of one category, state or both, read from ``orders_enriched``, and a request to analyse them."""
    category = rng.choice(list(CATEGORIES)) if rng.random() < 0.8 else None
    state = rng.choice(list(STATES)) if category is None or rng.random() < 0.5 else None
    conditions = [f"category = '{category}'"] if category else []
    conditions += [f"customer_state = '{state}'"] if state else []
    orders, revenue, nota, late, negative, freight = db.execute(
        "SELECT COUNT(*), SUM(price), AVG(review_score), 100.0 * AVG(delay_days > 0), "
        "100.0 * AVG(sentiment = 'negativo'), AVG(freight) FROM orders_enriched WHERE " + " AND ".join(conditions)
    ).fetchone()
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
    what = " · ".join(
        ([f"categoria {CATEGORY_NAMES[category]}"] if category else []) + ([STATE_NAMES[state]] if state else [])
    )
    shown = "\n".join(lines[: rng.randint(4, 6)])
    text = f"{rng.choice(INSIGHT_ASKS)}\nRecorte: {what}\n{shown}"
    return Brief(text, {"figures": figures, "category": category, "state": state})


def make_push_brief(rng: random.Random) -> Brief:
    """A segment and an occasion, and a request for one notification."""
    category, state = rng.choice(list(CATEGORIES)), rng.choice(list(STATES))
    occasion = rng.choice(OCCASIONS).replace("{n}", str(rng.choice((10, 15, 20, 25, 30, 40, 48, 60))))
    text = rng.choice(PUSH_ASKS).replace("{o}", occasion).replace("{c}", CATEGORY_NAMES[category])
    text = text.replace("{s}", rng.choice((state, STATE_NAMES[state])))
    return Brief(text, {"occasion": occasion, "category": category, "state": state})


def brazilian(number: float, digits: int = 2) -> str:
    """1234.5 -> "1.234,50"."""
    return f"{number:,.{digits}f}".replace(",", " ").replace(".", ",").replace(" ", ".")
