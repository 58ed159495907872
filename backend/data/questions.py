"""Business questions about orders_enriched, each with the query that answers it."""

import random
from dataclasses import dataclass

from backend.data.commerce import CATEGORIES, STATES

STATE_NAMES = {
    "SP": "São Paulo",
    "RJ": "Rio de Janeiro",
    "MG": "Minas Gerais",
    "RS": "Rio Grande do Sul",
    "PR": "Paraná",
    "SC": "Santa Catarina",
    "BA": "Bahia",
    "PE": "Pernambuco",
    "CE": "Ceará",
    "GO": "Goiás",
    "DF": "Distrito Federal",
    "ES": "Espírito Santo",
    "PA": "Pará",
    "MA": "Maranhão",
    "AM": "Amazonas",
}
CATEGORY_NAMES = {
    "cama_mesa_banho": "cama, mesa e banho",
    "beleza_saude": "beleza e saúde",
    "esporte_lazer": "esporte e lazer",
    "informatica": "informática",
    "moveis_decoracao": "móveis e decoração",
    "utilidades_domesticas": "utilidades domésticas",
    "telefonia": "telefonia",
    "brinquedos": "brinquedos",
    "eletrodomesticos": "eletrodomésticos",
    "pet_shop": "pet shop",
    "livros": "livros",
    "moda": "moda",
}
MONTHS = tuple("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split())


@dataclass(frozen=True)
class Question:
    """A question in Portuguese and the query whose result answers it."""

    text: str
    sql: str
    difficulty: str


@dataclass(frozen=True)
class Metric:
    name: str
    sql: str
    where: str = ""


METRICS = (
    Metric("o faturamento total", "ROUND(SUM(price), 2)"),
    Metric("o ticket médio", "ROUND(AVG(price), 2)"),
    Metric("o frete médio", "ROUND(AVG(freight), 2)"),
    Metric("a nota média das avaliações", "ROUND(AVG(review_score), 2)", "review_score IS NOT NULL"),
    Metric("o número de pedidos", "COUNT(*)"),
    Metric("o atraso médio em dias dos pedidos atrasados", "ROUND(AVG(delay_days), 1)", "delay_days > 0"),
    Metric("o número de avaliações negativas", "COUNT(*)", "sentiment = 'negativo'"),
    Metric(
        "o percentual de pedidos entregues com atraso", "ROUND(100.0 * AVG(delay_days > 0), 1)", "status = 'delivered'"
    ),
)
GROUPS = (
    ("estados", "customer_state"),
    ("categorias", "category"),
    ("vendedores", "seller_id"),
    ("meses", "month"),
    ("formas de pagamento", "payment_type"),
)
SINGLE_ASKS = (
    "Qual foi {m} {f}?",
    "Me diga {m} {f}.",
    "Preciso saber {m} {f}.",
    "Calcule {m} {f}, por favor.",
    "Quero a consulta que mostra {m} {f}.",
    "Você consegue levantar {m} {f}?",
    "Pra fechar o relatório: qual {m} {f}?",
    "Escreva o SQL que retorna {m} {f}.",
)
RANKED_ASKS = (
    "Quais são {n} com maior valor para {m}{f}?",
    "Liste {n} com melhor resultado considerando {m}{f}.",
    "Me mostra {n} no topo do ranking, olhando {m}{f}.",
    "Monte o ranking: {n} que lideram quando a conta é {m}{f}.",
    "Quero ver {n} em primeiro lugar pelo critério: {m}{f}.",
    "Consulta para {n} com {m} mais alto{f}.",
)


def make_question(rng: random.Random) -> Question:
    """Draw one question; easy (one filter), medium (two) or hard (a ranking)."""
    metric = rng.choice(METRICS)
    if rng.random() < 0.45:
        return _ranked(rng, metric)
    return _single(rng, metric)


def _single(rng: random.Random, metric: Metric) -> Question:
    kinds = rng.sample(("state", "category", "month", "payment"), rng.choice((1, 2)))
    said, conditions = _filters(rng, kinds)
    ask = rng.choice(SINGLE_ASKS).replace("{m}", metric.name).replace("{f}", " ".join(said))
    return Question(ask, _select(metric.sql, _where(metric, conditions)), "easy" if len(kinds) == 1 else "medium")


def _ranked(rng: random.Random, metric: Metric) -> Question:
    name, column = rng.choice(GROUPS)
    count = rng.choice((3, 5, 10))
    kinds = [k for k in ("state", "category", "month") if k not in column.replace("customer_", "")]
    said, conditions = _filters(rng, rng.sample(kinds, rng.choice((0, 1))))
    article = "as" if name in ("categorias", "formas de pagamento") else "os"
    ask = rng.choice(RANKED_ASKS).replace("{n}", f"{article} {count} {name}").replace("{m}", metric.name)
    tail = f" GROUP BY {column} ORDER BY valor DESC, {column} LIMIT {count}"
    sql = _select(f"{column}, {metric.sql} AS valor", _where(metric, conditions), tail)
    return Question(ask.replace("{f}", "".join(f" {s}" for s in said)), sql, "hard")


def _filters(rng: random.Random, kinds: list[str]) -> tuple[list[str], list[str]]:
    said, conditions = [], []
    for kind in kinds:
        if kind == "state":
            state = rng.choice(list(STATES))
            said.append(rng.choice((f"no estado {state}", f"para clientes de {STATE_NAMES[state]}", f"em {state}")))
            conditions.append(f"customer_state = '{state}'")
        elif kind == "category":
            category = rng.choice(list(CATEGORIES))
            said.append(f"na categoria {CATEGORY_NAMES[category]}")
            conditions.append(f"category = '{category}'")
        elif kind == "month":
            year, month = rng.choice([(2017, m) for m in range(1, 13)] + [(2018, m) for m in range(1, 8)])
            said.append(f"em {MONTHS[month - 1]} de {year}")
            conditions.append(f"month = '{year}-{month:02d}'")
        else:
            payment, name = rng.choice((("cartao_credito", "cartão de crédito"), ("boleto", "boleto"), ("pix", "pix")))
            said.append(f"nos pedidos pagos com {name}")
            conditions.append(f"payment_type = '{payment}'")
    return said, conditions


def _where(metric: Metric, conditions: list[str]) -> list[str]:
    return [*conditions, *([metric.where] if metric.where else [])]


def _select(columns: str, conditions: list[str], tail: str = "") -> str:
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {columns} FROM orders_enriched{where}{tail};"
