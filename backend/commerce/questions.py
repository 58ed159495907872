"""Business questions about orders_enriched, each with the query that answers it.

``orders_enriched`` has a row per item, so what is counted or averaged by order is taken over distinct orders.
"""

import random
from dataclasses import dataclass

from backend.commerce.categories import category_name
from backend.commerce.grammar import Noun, state_noun
from backend.commerce.phrasings import filled, phrasings
from backend.commerce.shop import PAYMENT_NAMES, STATE_NAMES, Vocabulary

MONTHS = tuple("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split())


@dataclass(frozen=True)
class Question:
    """A question in Portuguese and the query whose result answers it; easy (one filter), medium (two) or hard.

    Attributes:
        rows: how many rows a ranking asks for; 1 otherwise.
        check: for a ranking, the same query with one row more: it shows whether there are enough rows, and no tie.
    """

    text: str
    sql: str
    difficulty: str
    rows: int = 1
    check: str = ""


@dataclass(frozen=True)
class Metric:
    """What is asked for, and the expression that computes it.

    Attributes:
        noun: its name, with its article.
        sql: the expression, over rows of order items; over orders, where ``order_column`` is given.
        where: rows that count.
        order_column: a column that says the same in every row of an order: taken once for each order.
        best: "DESC" where more is better, "ASC" where less is; "" where neither is.
    """

    noun: Noun
    sql: str
    where: str = ""
    order_column: str = ""
    best: str = ""


METRICS = (
    Metric(Noun("faturamento total", "o"), "ROUND(SUM(price), 2)", best="DESC"),
    Metric(Noun("ticket médio", "o"), "ROUND(SUM(price) / COUNT(DISTINCT order_id), 2)", best="DESC"),
    Metric(Noun("preço médio dos itens", "o"), "ROUND(AVG(price), 2)"),
    Metric(Noun("frete médio por item", "o"), "ROUND(AVG(freight), 2)"),
    Metric(Noun("frete médio por pedido", "o"), "ROUND(SUM(freight) / COUNT(DISTINCT order_id), 2)"),
    Metric(
        Noun("nota média das avaliações", "a"),
        "ROUND(AVG(review_score), 2)",
        "review_score IS NOT NULL",
        "review_score",
        "DESC",
    ),
    Metric(Noun("número de pedidos", "o"), "COUNT(DISTINCT order_id)", best="DESC"),
    Metric(Noun("número de itens vendidos", "o"), "COUNT(price)", "price IS NOT NULL", best="DESC"),
    Metric(
        Noun("atraso médio em dias dos pedidos atrasados", "o"),
        "ROUND(AVG(delay_days), 1)",
        "delay_days > 0",
        "delay_days",
    ),
    Metric(Noun("número de pedidos com avaliação negativa", "o"), "COUNT(DISTINCT order_id)", "sentiment = 'negativo'"),
    Metric(
        Noun("percentual de pedidos entregues com atraso", "o"),
        "ROUND(100.0 * AVG(delay_days > 0), 1)",
        "status = 'delivered' AND delay_days IS NOT NULL",
        "delay_days",
        "ASC",
    ),
)
GROUPS = (
    (Noun("estados", "os"), "customer_state"),
    (Noun("categorias", "as"), "category"),
    (Noun("vendedores", "os"), "seller_id"),
    (Noun("meses", "os"), "month"),
    (Noun("formas de pagamento", "as"), "payment_type"),
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
    ask = filled(rng.choice(phrasings("sql_single")), m=metric.noun, f=" ".join(said))
    return Question(" ".join(ask.split()), single_query(metric, conditions), "easy" if len(said) < 2 else "medium")


def _ranked(rng: random.Random, metric: Metric, words: Vocabulary) -> Question:
    noun, column = rng.choice(GROUPS)
    count = rng.choice((3, 5, 10))
    kinds = [k for k in ("state", "category", "month") if k not in column.replace("customer_", "")]
    said, conditions = _filters(rng, rng.sample(kinds, rng.choice((0, 1))), words)
    best = bool(metric.best) and rng.random() < 0.25
    template = rng.choice(phrasings("sql_best" if best else "sql_ranked"))
    ranked = Noun(f"{count} {noun.text}", noun.article)
    ask = filled(template, n=ranked, m=metric.noun, f="".join(f" {s}" for s in said))
    order = metric.best if best else "DESC"
    queries = [ranked_query(metric, column, conditions, order, rows) for rows in (count, count + 1)]
    return Question(ask, queries[0], "hard", count, queries[1])


def single_query(metric: Metric, conditions: list[str]) -> str:
    """The query of a measure over the rows that meet the conditions."""
    return f"SELECT {metric.sql} FROM {_rows(metric, conditions)};"


def ranked_query(metric: Metric, column: str, conditions: list[str], order: str, rows: int) -> str:
    """The query of a ranking: the groups of ``column`` and the measure, ``order`` DESC or ASC, so many rows."""
    source = _rows(metric, [f"{column} IS NOT NULL", *conditions], column)
    return f"SELECT {column}, {metric.sql} AS valor FROM {source} GROUP BY {column} ORDER BY valor {order}, {column} LIMIT {rows};"


def _rows(metric: Metric, conditions: list[str], column: str = "") -> str:
    """What a measure is computed over: rows of items, or each order once."""
    every = [*conditions, *([metric.where] if metric.where else [])]
    where = f" WHERE {' AND '.join(every)}" if every else ""
    if not metric.order_column:
        return f"orders_enriched{where}"
    columns = ", ".join(dict.fromkeys(c for c in ("order_id", column, metric.order_column) if c))
    return f"(SELECT DISTINCT {columns} FROM orders_enriched{where})"


def _filters(rng: random.Random, kinds: list[str], words: Vocabulary) -> tuple[list[str], list[str]]:
    """(the filters in words, the same as conditions); a kind that the shop has no values of is left out."""
    said, conditions = [], []
    for kind in kinds:
        if kind == "state" and words.states:
            state = rng.choice(words.states)
            by_code, by_name = state_noun(state, state), state_noun(state, STATE_NAMES[state])
            said.append(
                rng.choice(
                    (f"no estado {by_code.after('de')}", f"para clientes {by_name.after('de')}", by_name.after("em"))
                )
            )
            conditions.append(f"customer_state = '{state}'")
        elif kind == "category" and words.categories:
            category = rng.choice(words.categories)
            said.append(f"na categoria {category_name(category)}")
            conditions.append(f"category = {_quoted(category)}")
        elif kind == "payment" and words.payments:
            payment = rng.choice(words.payments)
            said.append(f"nas compras pagas com {PAYMENT_NAMES[payment]}")
            conditions.append(f"payment_type = '{payment}'")
        elif kind == "month" and words.months:
            month = rng.choice(words.months)
            said.append(f"em {MONTHS[int(month[5:]) - 1]} de {month[:4]}")
            conditions.append(f"month = '{month}'")
    return said, conditions


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
