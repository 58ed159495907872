"""Business questions about orders_enriched, each with the query that answers it."""

import random
from dataclasses import dataclass

from backend.commerce.phrasings import filled, phrasings
from backend.commerce.shop import PAYMENT_NAMES, STATE_NAMES, Vocabulary, category_name

MONTHS = tuple("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split())


@dataclass(frozen=True)
class Question:
    """A question in Portuguese and the query whose result answers it; easy (one filter), medium (two) or hard."""

    text: str
    sql: str
    difficulty: str


@dataclass(frozen=True)
class Metric:
    """What is asked for, and the expression that computes it over rows of order items."""

    name: str
    sql: str
    where: str = ""


METRICS = (
    Metric("o faturamento total", "ROUND(SUM(price), 2)"),
    Metric("o ticket médio", "ROUND(SUM(price) / COUNT(DISTINCT order_id), 2)"),
    Metric("o preço médio dos itens", "ROUND(AVG(price), 2)"),
    Metric("o frete médio", "ROUND(AVG(freight), 2)"),
    Metric("a nota média das avaliações", "ROUND(AVG(review_score), 2)", "review_score IS NOT NULL"),
    Metric("o número de pedidos", "COUNT(DISTINCT order_id)"),
    Metric("o atraso médio em dias dos pedidos atrasados", "ROUND(AVG(delay_days), 1)", "delay_days > 0"),
    Metric("o número de pedidos com avaliação negativa", "COUNT(DISTINCT order_id)", "sentiment = 'negativo'"),
    Metric(
        "o percentual de itens entregues com atraso", "ROUND(100.0 * AVG(delay_days > 0), 1)", "status = 'delivered'"
    ),
)
GROUPS = (
    ("estados", "customer_state"),
    ("categorias", "category"),
    ("vendedores", "seller_id"),
    ("meses", "month"),
    ("formas de pagamento", "payment_type"),
)


def make_question(rng: random.Random, words: Vocabulary) -> Question:
    """Draw one question about a shop with these values."""
    metric = rng.choice(METRICS)
    if rng.random() < 0.45:
        return _ranked(rng, metric, words)
    return _single(rng, metric, words)


def _single(rng: random.Random, metric: Metric, words: Vocabulary) -> Question:
    kinds = rng.sample(("state", "category", "month", "payment"), rng.choice((1, 2)))
    said, conditions = _filters(rng, kinds, words)
    ask = filled(rng.choice(phrasings("sql_single")), m=metric.name, f=" ".join(said))
    return Question(ask, _select(metric.sql, _where(metric, conditions)), "easy" if len(kinds) == 1 else "medium")


def _ranked(rng: random.Random, metric: Metric, words: Vocabulary) -> Question:
    name, column = rng.choice(GROUPS)
    count = rng.choice((3, 5, 10))
    kinds = [k for k in ("state", "category", "month") if k not in column.replace("customer_", "")]
    said, conditions = _filters(rng, rng.sample(kinds, rng.choice((0, 1))), words)
    article = "as" if name in ("categorias", "formas de pagamento") else "os"
    template = rng.choice(phrasings("sql_ranked"))
    ask = filled(template, n=f"{article} {count} {name}", m=metric.name, f="".join(f" {s}" for s in said))
    tail = f" GROUP BY {column} ORDER BY valor DESC, {column} LIMIT {count}"
    known = [f"{column} IS NOT NULL"]
    sql = _select(f"{column}, {metric.sql} AS valor", known + _where(metric, conditions), tail)
    return Question(ask, sql, "hard")


def _filters(rng: random.Random, kinds: list[str], words: Vocabulary) -> tuple[list[str], list[str]]:
    said, conditions = [], []
    for kind in kinds:
        if kind == "state" and words.states:
            state = rng.choice(words.states)
            said.append(rng.choice((f"no estado {state}", f"para clientes de {STATE_NAMES[state]}", f"em {state}")))
            conditions.append(f"customer_state = '{state}'")
        elif kind == "category" and words.categories:
            category = rng.choice(words.categories)
            said.append(f"na categoria {category_name(category)}")
            conditions.append(f"category = {_quoted(category)}")
        elif kind == "payment" and words.payments:
            payment = rng.choice(words.payments)
            said.append(f"nos pedidos pagos com {PAYMENT_NAMES[payment]}")
            conditions.append(f"payment_type = '{payment}'")
        elif words.months:
            month = rng.choice(words.months)
            said.append(f"em {MONTHS[int(month[5:]) - 1]} de {month[:4]}")
            conditions.append(f"month = '{month}'")
    return said, conditions


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _where(metric: Metric, conditions: list[str]) -> list[str]:
    return [*conditions, *([metric.where] if metric.where else [])]


def _select(columns: str, conditions: list[str], tail: str = "") -> str:
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {columns} FROM orders_enriched{where}{tail};"
