"""SQL Q&A, second edition: most of it is measured (``backend.commerce.sql_execution``): the query's true result, and an explanation
that states it. From the text alone come a query that asks for what the question asks, and an explanation in sentences.
"""

import re

from rewards.commerce.profiles import Rules
from rewards.commerce.sql_qa import statements
from rewards.commerce.v5.echo import is_echo
from rewards.commerce.v5.forms import is_content, is_number, is_verb, stem
from rewards.commerce.v5.match import listed
from rewards.commerce.v5.places import states_in
from rewards.commerce.v5.portuguese import novelty, sentences, variety
from rewards.text import fold, words
from rewards.types import Components, Reward

MAXIMA = {"query": 0.4, "explanation": 0.6}
MEASURED = {"execution": 0.45, "stated": 0.30}

_FENCE = re.compile(r"```[ \t]*(?:sql\w*)?[ \t]*\n?(.*?)(?:```|\Z)", re.S | re.I)
_BEGINS = re.compile(r"\s*+(?:--[^\n]*+\s*+)*+(?:select|with)\b", re.I)


def first_query(completion: str) -> tuple[str, str]:
    """(the completion's first query, what stands around it); the query is empty where there is none.

    In a fence a query may hold blank lines, as one with several CTEs does; outside, it ends at the first.
    """
    for fence in _FENCE.finditer(completion):
        if _BEGINS.match(fence[1]) and statements(fence[1].replace("\n\n", "\n")):
            query = _until_semicolon(fence[1])
            return query.strip(), completion[: fence.start()] + " \n" + fence[1][len(query) + 1 :] + "\n" + completion[
                fence.end() :
            ]
    spans = statements(completion)
    if not spans:
        return "", re.sub(r"```\w*", " ", completion)
    start, end = spans[0]
    rest = completion[:start] + " \n" + completion[end:].lstrip(";")
    return completion[start:end].strip(), re.sub(r"```\w*", " ", rest)


def _until_semicolon(text: str) -> str:
    """The text up to the first semicolon outside a string or a comment."""
    for match in _PIECE.finditer(text):
        if match.group() == ";":
            return text[: match.start()]
    return text


_PIECE = re.compile(r"'(?:[^'])*+'|--[^\n]*+|;")


def _components_of(completion: str, prompt: str, profile: Rules) -> Components:
    if is_echo(completion, prompt):
        completion = ""
    query, prose = first_query(completion[:_MOST])
    return {
        "query": 0.4 * asked_for(query, prompt) if query else 0.0,
        "explanation": 0.6 * explains(prose, prompt, bool(query)),
    }


_MOST = 12_000
_MEASURES = (  # what a question names -> what a query on it holds
    (listed("faturamento receita"), r"\bprice\b.*|sum\("),
    (listed("ticket"), r"\bprice\b"),
    (listed("preco precos"), r"\bprice\b"),
    (listed("frete"), r"\bfreight\b"),
    (listed("nota notas"), r"review_score|\bscore\b"),
    (listed("pedidos"), r"count\s*\("),
    (listed("atraso atrasado* atrasados"), r"delay_days|delivered_on"),
    (listed("negativ*"), r"sentiment|score"),
    (listed("percentual porcentagem"), r"100|avg"),
    (listed("estados"), r"group\s+by"),
    (listed("categorias"), r"group\s+by"),
    (listed("vendedores"), r"seller_id"),
    (listed("meses"), r"month|purchased_on"),
    (listed("formas"), r"payment_type"),
    (listed("ranking top maior lideram topo"), r"order\s+by"),
)
_MONTHS = "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro".split()


def asked_for(query: str, prompt: str) -> float:
    """The share of what the question names (measures, places, categories, months, how many) that the query holds, from 0 to 1."""
    folded, question = fold(query), fold(prompt[:2_000])
    asked = words(question)
    wanted = [bool(re.search(pattern, folded, re.S)) for name, pattern in _MEASURES if name.any(asked)]
    wanted += [f"'{code}'" in folded for code in states_in(prompt[:2_000])]
    for i, month in enumerate(_MONTHS, 1):
        if month in asked:
            wanted.append(f"-{i:02d}" in folded)
    if match := re.search(r"categoria ([\w, ]{3,40})", question):
        first = [w for w in match[1].split() if is_content(w.strip(","))][:1]
        wanted += [stem(w.strip(",")) in folded for w in first]
    for word in ("boleto", "pix", "voucher", "debito", "credito"):
        if word in asked:
            wanted.append(word in folded)
    source = bool(re.search(r"\bfrom\s+\w", folded))
    share = sum(wanted) / len(wanted) if wanted else 1.0
    return (0.25 + 0.75 * share) * float(source)


def explains(prose: str, prompt: str, has_query: bool) -> float:
    """From 0 to 1, how much of an explanation in sentences the prose is; one of ten words is enough beside a query."""
    found = [s for s in sentences(with_months(prose[:4_000])) if len(s.words) >= 3]
    if not found:
        return 0.0
    asked = {stem(t) for s in sentences(prompt[:2_000]) for t in s.words if is_content(t)}
    total = 0.0
    for sentence, new in zip(found, novelty(found), strict=True):
        said = {stem(t) for t in sentence.words if is_content(t)}
        number = any(map(is_number, sentence.tokens))
        on_topic = min(1.0, 0.4 * len(said & asked) + 0.5 * bool(said & _ABOUT) + 0.6 * number)
        sound = max(0.0, (sentence.sense - 0.5) / 0.5) * max(0.0, (new - 0.3) / 0.7)
        total += sound * on_topic * (0.4 + 0.6 * any(map(is_verb, sentence.words))) * min(1.0, len(sentence.words) / 7)
    long = max(0.0, 1.0 - max(0, sum(len(s.words) for s in found) - 150) / 300)
    mean = min(1.0, total) * min(1.0, total / len(found) * 2)
    return mean * long * variety(prose) * (1.0 if has_query else 0.3)


def with_months(prose: str) -> str:
    """The text with "2018-05" and "05/2018" as a word, so that a ranking of months reads like a sentence."""
    return _MONTH.sub("maio", prose)


_MONTH = re.compile(r"\b20\d\d-\d\d\b(?!-)|\b\d\d/20\d\d\b")
_ABOUT = frozenset(
    stem(w) for w in "consulta soma conta media filtra agrupa calcula ordena resultado valor total percentual".split()
)

REWARD = Reward(MAXIMA, _components_of, measured=MEASURED)
