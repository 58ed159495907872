"""Answers made by rules, without a model, for a task whose model does not answer or is not good enough.

A SQL question is parsed into the measures, groups and filters of ``backend.commerce.questions``; if that fails, the answer
says that the question was not understood. A push is composed from the brief. Extraction and insights have no rules.
"""

import re

from backend.commerce.questions import GROUPS, METRICS, MONTHS, Metric
from backend.commerce.shop import PAYMENT_NAMES, STATE_NAMES, category_name
from rewards.text import fold

_NOT_UNDERSTOOD = (
    "Não sei montar essa consulta. Reformule a pergunta com uma medida e um filtro, ou procure a equipe de dados."
)
_RANKED = re.compile(r"\b(\d{1,2}) (" + "|".join(fold(name) for name, _ in GROUPS) + r")\b")
_MONTH = re.compile(r"\b(" + "|".join(fold(m) for m in MONTHS) + r") de (\d{4})\b")
_CATEGORY = re.compile(r"\bna categoria (.+?)(?= (?:em|no|para|nos|com|e) |[,.?!:;]|\Z)")
_JOINED = {fold(category_name(code)): code for code in ("beleza_saude", "cama_mesa_banho", "esporte_lazer")}
"""Categories whose name contains a comma or an "e", at which the pattern for other names would stop."""
_OCCASIONS = (  # what the brief speaks of -> the message, with {c} for its category
    (r"carrinho", "🛒 Seu carrinho está esperando! Finalize hoje{c} antes que acabe."),
    (r"frete", "🚚 Frete grátis{c} só hoje! Aproveite antes que acabe."),
    (r"cupom|descont|\d ?%|oferta|promo", "🎉 {n}de desconto{c} esperando por você! Aproveite agora."),
    (r"avali", "⭐ Conte o que achou da sua compra{c}! Leva só um minuto."),
    (r"atras|entreg", "📦 Seu pedido{c} está a caminho! Acompanhe no app."),
    (r"sumi|inativ|volt|saudade", "💛 Sentimos sua falta! Volte e veja as novidades{c}."),
)
_OTHERWISE = "✨ Novidades{c} esperando por você! Confira agora no app."


def push_answer(brief: str) -> str:
    """One notification, composed from the brief."""
    folded = fold(brief)
    words = next((words for pattern, words in _OCCASIONS if re.search(pattern, folded)), _OTHERWISE)
    percent = re.search(r"\b(\d{1,2}) ?%", brief)
    category = re.search(r"[Cc]ategoria:? ([\wÀ-ÿ ]{3,30}?)(?=[,.;)]| para | em |$)", brief)
    text = words.format(n=f"{percent[1]}% " if percent else "Dia ", c=f" em {category[1]}" if category else "")
    return text if len(text) <= 120 else words.format(n="", c="")


def sql_answer(question: str) -> str:
    """The question's query and a sentence about it, or a sentence that the question was not understood."""
    folded = fold(question)
    metric = max((m for m in METRICS if _name(m) in folded), key=lambda m: len(m.name), default=None)
    if metric is None:
        return _NOT_UNDERSTOOD
    where, said = _filters(folded)
    if metric.where:
        where.append(metric.where)
    if ranked := _RANKED.search(folded):
        column = next(column for name, column in GROUPS if fold(name) == ranked[2])
        sql = (
            f"SELECT {column}, {metric.sql} AS valor FROM orders_enriched "
            f"WHERE {' AND '.join([f'{column} IS NOT NULL', *where])} "
            f"GROUP BY {column} ORDER BY valor DESC, {column} LIMIT {ranked[1]};"
        )
    else:
        sql = f"SELECT {metric.sql} FROM orders_enriched{' WHERE ' + ' AND '.join(where) if where else ''};"
    about = f" ({', '.join(said)})" if said else ""
    return f"```sql\n{sql}\n```\nA consulta calcula {metric.name}{about} sobre os pedidos da loja."


def _name(metric: Metric) -> str:
    """A measure's name without its article, as it may occur in a question."""
    return fold(metric.name).split(" ", 1)[1]


def _filters(folded: str) -> tuple[list[str], list[str]]:
    """(conditions, the same in words)."""
    where, said = [], []
    states = [
        s for s, name in STATE_NAMES.items() if re.search(rf"(?:clientes d[eoa]|estado d[eoa]) {fold(name)}\b", folded)
    ]
    if (by_code := re.search(r"\b(?:no estado|em|de) ([a-z]{2})\b", folded)) and by_code[1].upper() in STATE_NAMES:
        states = [by_code[1].upper()]
    if states:
        where.append(f"customer_state = '{states[-1]}'")
        said.append(states[-1])
    if month := _MONTH.search(folded):
        number = [fold(m) for m in MONTHS].index(month[1]) + 1
        where.append(f"month = '{month[2]}-{number:02}'")
        said.append(f"{month[1]} de {month[2]}")
    for payment, name in PAYMENT_NAMES.items():
        if re.search(rf"pag\w* (?:com|por|via|em|no) {fold(name)}", folded):
            where.append(f"payment_type = '{payment}'")
            said.append(name)
    if joined := next((name for name in _JOINED if f"na categoria {name}" in folded), None):
        where.append(f"category = '{_JOINED[joined]}'")
        said.append(joined)
    elif category := _CATEGORY.search(folded):
        name = re.sub(r"[^a-z0-9]+", "_", category[1]).strip("_")
        where.append(f"category = '{name}'")
        said.append(category[1])
    return where, said
