"""Answers made by rules, without a model, for a task whose model does not answer or is not good enough.

A rule answers only what it understands to the last word: every word of the question or brief belongs to a measure, a group,
a filter, an occasion, a category or a state that is known here, or is one of the words that the shop's own phrasings ask
with. Otherwise it declines: a condition that was passed over would make the answer wrong, and look right. A push promises
nothing that the brief does not say. Extraction and insights have no rules.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache

from backend.commerce.categories import CATEGORY_NAMES
from backend.commerce.phrasings import phrasings
from backend.commerce.questions import GROUPS, METRICS, MONTHS, Metric, ranked_query, single_query
from backend.commerce.shop import PAYMENT_NAMES, STATE_CODES, STATE_NAMES
from rewards.text import fold

_NOT_UNDERSTOOD = (
    "Não sei montar essa consulta. Reformule a pergunta com uma medida e um filtro, ou procure a equipe de dados."
)
_CATEGORIES = {fold(name): code for code, name in CATEGORY_NAMES.items()}
_PAYMENTS = {fold(name): code for code, name in PAYMENT_NAMES.items()}


class _Text:
    """A folded text, of which understood pieces are taken out one after the other."""

    def __init__(self, text: str) -> None:
        self.left = " ".join(fold(text).split())

    def take(self, pattern: str) -> list[re.Match[str]]:
        """All matches of a pattern; a bar stands where they were."""
        found = list(re.finditer(pattern, self.left))
        self.left = re.sub(pattern, " | ", self.left)
        return found

    def words(self) -> set[str]:
        """The words that are left."""
        return set(re.findall(r"[a-z0-9_%$]+", self.left))


def _any_of(names: Iterable[str]) -> str:
    """A pattern for one of the names, the longest first, so that "Mato Grosso do Sul" is not read as "Mato Grosso"."""
    return "(" + "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) + r")(?!\w)"


@cache
def _asking_words(*files: str) -> frozenset[str]:
    """The words of the shop's own phrasings: they ask, and say nothing about what is asked."""
    plain = (fold(re.sub(r"\{[^}]*\}", " ", template)) for name in files for template in phrasings(name))
    return frozenset(word for template in plain for word in re.findall(r"[a-z0-9_%$]+", template))


# --- SQL --------------------------------------------------------------------------------------------------------------
def sql_answer(question: str) -> str:
    """The question's query and a sentence about it, or a sentence that the question was not understood."""
    text = _Text(question)
    measures = text.take(rf"\b(?:d[oa]|n[oa]|pel[oa]|o|a)? ?\b{_any_of(_MEASURES)}")
    groups = text.take(rf"\b(?:d[oa]s|n[oa]s|pel[oa]s|os|as)? ?\b(\d{{1,2}}) {_any_of(_GROUPS)}")
    filters = _filters(text)
    if len(measures) != 1 or len(groups) > 1 or filters is None:
        return _NOT_UNDERSTOOD
    best = "melhor" in text.words()
    if "pior" in text.words() and not best:
        return _NOT_UNDERSTOOD
    metric = _MEASURES[measures[0][1]]
    known = _asking_words("sql_ranked", "sql_best") if groups else _asking_words("sql_single")
    if text.words() - known or (best and not metric.best):
        return _NOT_UNDERSTOOD
    conditions, said = filters
    if groups:
        rows, column = int(groups[0][1]), _GROUPS[groups[0][2]]
        if not rows:
            return _NOT_UNDERSTOOD
        sql = ranked_query(metric, column, conditions, metric.best if best else "DESC", rows)
    else:
        sql = single_query(metric, conditions)
    about = f" ({', '.join(said)})" if said else ""
    return f"```sql\n{sql}\n```\nA consulta calcula {metric.noun.after('o')}{about} sobre os pedidos da loja."


_MEASURES: dict[str, Metric] = {fold(metric.noun.text): metric for metric in METRICS}
_GROUPS = {fold(noun.text): column for noun, column in GROUPS}
_FILTERS: tuple[tuple[str, str, Callable[[re.Match[str]], str | None]], ...] = (
    (
        "category",
        rf"\b(?:na|da) categoria {_any_of(_CATEGORIES)}",
        lambda found: _CATEGORIES[found[1]],
    ),
    (
        "payment_type",
        rf"\bn[ao]s (?:compras|pedidos) pag[ao]s (?:com|por|no|via) {_any_of(_PAYMENTS)}",
        lambda found: _PAYMENTS[found[1]],
    ),
    (
        "month",
        rf"\bem {_any_of(map(fold, MONTHS))} de (\d{{4}})\b",
        lambda found: f"{found[2]}-{[fold(month) for month in MONTHS].index(found[1]) + 1:02}",
    ),
    (
        "customer_state",
        rf"\b(?:n[oa] estado (?:d[eoa] )?|para clientes d[eoa] |em |n[oa] ){_any_of(STATE_CODES)}",
        lambda found: STATE_CODES[found[1]],
    ),
)


_SPOKEN = {"category": CATEGORY_NAMES, "payment_type": PAYMENT_NAMES, "customer_state": STATE_NAMES}


def _filters(text: _Text) -> tuple[list[str], list[str]] | None:
    """(conditions, the same in words); None where one column has two values."""
    conditions, said = [], []
    for column, pattern, value in _FILTERS:
        found = text.take(pattern)
        if len(found) > 1:
            return None
        if found:
            conditions.append(f"{column} = '{value(found[0])}'")
            said.append(_SPOKEN.get(column, {}).get(str(value(found[0])), found[0].group().strip()))
    return conditions, said


# --- push ---------------------------------------------------------------------------------------------------------------
_PUSHES = {  # occasion -> what it says; {n} is the brief's number, {c} " em CATEGORY" where the brief names one
    "carrinho abandonado há {n} horas": "🛒 Seu carrinho{c} está esperando por você! Volte e finalize a compra.",
    "cupom de {n}% que vence hoje": "🎉 Seu cupom de {n}%{c} vence hoje! Aproveite.",
    "frete grátis só neste fim de semana": "🚚 Frete grátis{c} só neste fim de semana! Aproveite.",
    "volta do produto favorito ao estoque": "💛 Seu produto favorito{c} voltou ao estoque! Venha ver.",
    "cliente sem comprar há {n} dias": "💛 Sentimos sua falta{c}! Venha nos visitar.",
    "pedido que saiu para entrega": "📦 Seu pedido{c} saiu para entrega! Acompanhe no app.",
    "pedido atrasado, com pedido de desculpas e cupom de {n}%": "😔 Seu pedido{c} atrasou. Pedimos desculpas: use seu cupom de {n}%.",
    "lançamento da nova coleção": "✨ A nova coleção{c} chegou! Venha conhecer.",
    "queda de {n}% no preço de um item da lista de desejos": "📉 Um item da sua lista de desejos{c} caiu {n}%! Veja agora.",
    "aniversário do cliente": "🎂 Feliz aniversário! Que seu dia seja ótimo. Venha nos visitar.",
    "convite para avaliar a última compra": "⭐ Conte o que achou da sua última compra{c}! Avalie no app.",
    "Black Friday com até {n}% de desconto": "🔥 Black Friday{c}: até {n}% de desconto! Aproveite.",
    "últimas {n} unidades em estoque": "⏳ Últimas {n} unidades{c} em estoque! Garanta a sua.",
    "parcelamento em {n} vezes sem juros": "💳 Parcele em {n} vezes sem juros{c}! Veja no app.",
    "retirada do pedido na loja": "🛍️ Seu pedido{c} espera por você na loja! Venha retirar.",
    "cashback de {n}% na próxima compra": "💰 Ganhe cashback de {n}% na próxima compra{c}! Veja no app.",
    "cupom de {n}%": "🎉 Você tem um cupom de {n}%{c}! Aproveite.",
    "cashback de {n}%": "💰 Ganhe cashback de {n}%{c}! Veja no app.",
    "desconto de {n}%": "🎉 {n}% de desconto{c} para você! Aproveite.",
    "frete grátis": "🚚 Frete grátis{c} para você! Aproveite.",
    "carrinho abandonado": "🛒 Seu carrinho{c} está esperando por você! Volte e finalize a compra.",
    "pedido atrasado": "😔 Seu pedido{c} atrasou. Pedimos desculpas. Acompanhe no app.",
}
_OCCASION = "|".join(
    f"(?P<o{i}>{re.escape(fold(name)).replace(re.escape('{n}'), f'(?P<n{i}>[0-9]{{1,3}})')})"
    for i, name in sorted(enumerate(_PUSHES), key=lambda pair: -len(pair[1]))
)
_GRAMMAR = frozenset("a o as os da do das dos de em na no nas nos para pra pro com e um uma ao".split())


def push_answer(brief: str) -> str | None:
    """One notification that says what the brief says; None where the brief holds more than is known here."""
    text = _Text(brief)
    occasions = text.take(rf"(?<!\w)(?:{_OCCASION})(?!\w)")
    categories = text.take(
        rf"\b(?:categoria:? |segmento:? |para quem compra |publico:? )?(?<!\w){_any_of(_CATEGORIES)}"
    )
    text.take(rf"(?<!\w)(?:estado:? )?{_any_of(STATE_CODES)}")
    known = _asking_words("push") | _GRAMMAR
    if len(occasions) != 1 or len(categories) > 1 or text.words() - known:
        return None
    match = occasions[0]
    i = next(i for i in range(len(_PUSHES)) if match[f"o{i}"] is not None)
    name, words = list(_PUSHES.items())[i]
    number = match[f"n{i}"] if "{n}" in name else ""
    category = f" em {CATEGORY_NAMES[_CATEGORIES[categories[0][1]]]}" if categories else ""
    said = words.format(n=number, c=category)
    return said if len(said) <= 120 else words.format(n=number, c="")
