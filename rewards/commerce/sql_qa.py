"""SQL Q&A: a business question -> a query and its explanation.

Source: final report §10 (four tiers) and §3 (V4.2: a statement, not keywords; V4.2.1: thirty business words).
"""

import re

from rewards.commerce.echo import unless_echo
from rewards.commerce.lexicon import BUSINESS_WORDS, SQL_KEYWORDS, SQL_PROSE
from rewards.commerce.profiles import Rules
from rewards.text import fold, has_words, words
from rewards.types import Components, Guideline, Probe, Reward, Task, Text

MAXIMA = {"sql_structure": 0.30, "query_and_explanation": 0.25, "numerical_data": 0.25, "domain_coherence": 0.20}
_EXPLANATION_WORDS = 15


def _components_of(completion: str, prompt: str, profile: Rules) -> Components:
    completion = unless_echo(completion, prompt, profile)
    spans = statements(completion)
    if profile.sql_statement:
        keywords = _keywords(" ".join(completion[a:b] for a, b in spans))
        has_query = bool(spans)
    else:  # before v4.2: keywords count anywhere, and any three of them count as a query
        keywords = _keywords(completion)
        has_query = len(keywords) >= 3
    prose = _outside(completion, spans)
    explained = has_words(prose, _EXPLANATION_WORDS)
    numbers = len(concrete_numbers(prose))
    vocabulary = _FORMS_30 if profile.sql_words_30 else _FORMS_10
    domain = {vocabulary[w] for w in vocabulary.keys() & set(words(fold(completion)))}
    return {
        "sql_structure": 0.10 * min(3, len(keywords)),
        "query_and_explanation": 0.25 if has_query and explained else 0.10 if has_query or explained else 0.0,
        "numerical_data": 0.25 if numbers >= 2 else 0.125 * numbers,
        "domain_coherence": 0.05 * min(4, len(domain)),
    }


# --- statements -------------------------------------------------------------------------------------------------
_OPENER = re.compile(r"(?:[sS][eE][lL][eE][cC][tT]|[wW][iI][tT][hH])\b")
_END = re.compile(r";|```|\n[ \t\r]*\n")
_LITERAL = re.compile(r"'[^'\n]*+'?+|--[^\n]*+")
_SELECT = re.compile(r"(?<![\w.])select\b(?:\s++(?:distinct|all|top\s++\d++))?", re.I)
_FROM = re.compile(r"(?<![\w.])from\b", re.I)
_EXPRESSION = re.compile(r'\s*+(?:[\w"`\[(*+-]|\'\')')
_TABLE = re.compile(r'\s++(?:\(|["`\[]?([^\W\d]\w*+))')
_BARE_WORD = re.compile(r"[^\W\d]\w*+(?!\s*+[.(\w])")
_KEYWORD = re.compile(r"\b(?:" + "|".join(SQL_KEYWORDS) + r")\b", re.I)
_RESERVED = frozenset(k.lower() for k in SQL_KEYWORDS) | frozenset(
    ["by", "on", "and", "or", "as", "in", "is", "not", "null", "set"]
)


def statements(text: str) -> list[tuple[int, int]]:
    """(start, end) of every SQL query in ``text``, in a fence or not.

    A query begins with SELECT or WITH, has a non-empty select list, then FROM and a table, and ends at ``;``, the
    fence or a blank line. "SELECT FROM WHERE" and "SELECT, FROM, WHERE" are not queries. A sentence that mentions
    these words is not a query either.
    """
    found: list[tuple[int, int]] = []
    at = 0
    if "select" not in text.lower():
        return found
    while opener := _OPENER.search(text, at):
        before = text[max(0, opener.start() - 1) : opener.start()]
        if before.isalnum() or before in ("_", "."):  # the end of a longer name
            at = opener.end()
            continue
        stop = _END.search(text, opener.start())
        end = stop.start() if stop else len(text)
        begin = _query_start(text, opener.start(), end)
        if begin is not None:
            found.append((begin, end))
        at = stop.end() if stop else end
    return found


def _query_start(text: str, start: int, end: int) -> int | None:
    """Where the query in ``text[start:end]`` begins (a "with" before it may be prose); None if there is no query."""
    region = _LITERAL.sub(lambda m: "''" + " " * (len(m.group()) - 2), text[start:end])
    at = 0
    while select := _SELECT.search(region, at):
        source = _FROM.search(region, select.end())
        if source is None:
            return None
        if _is_query(region[select.end() : source.start()], region, source.end()):
            opens_with = region[:4].lower() == "with" and re.search(r"\bas\s*+\(", region[: select.start()], re.I)
            return start if opens_with else start + select.start()
        at = select.end() if _SELECT.search(region, select.end(), source.start()) else source.end()
    return None


def _is_query(select_list: str, region: str, after_from: int) -> bool:
    table = _TABLE.match(region, after_from)
    if table is None or not _EXPRESSION.match(select_list):
        return False
    if table[1] and (table[1].lower() in _RESERVED or fold(table[1]) in SQL_PROSE):
        return False
    bare = {fold(w) for w in _BARE_WORD.findall(select_list)}
    selects_something = set(words(fold(select_list))) - _RESERVED or "*" in select_list or "''" in select_list
    return not bare & SQL_PROSE and bool(selects_something)


def _keywords(sql: str) -> set[str]:
    """Distinct SQL keywords in ``sql``, without those inside string literals and comments."""
    return {k.upper() for k in _KEYWORD.findall(_LITERAL.sub(" ", sql))}


def _outside(text: str, spans: list[tuple[int, int]]) -> str:
    """``text`` without the query spans and without code fences."""
    kept, at = [], 0
    for start, end in spans:
        kept.append(text[at:start])
        at = end
    return re.sub(r"```\w*", " ", " ".join([*kept, text[at:]]))


# --- numbers ----------------------------------------------------------------------------------------------------
_DIGITS = re.compile(r"\d++(?:[.,]\d++)*+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_LINE_START = re.compile(r"(?:^|\n)[ \t]*$")
_MONEY = re.compile(r"R\$\s{0,3}$")
_WINDOW = 12  # characters before a number that are checked for its context


def concrete_numbers(prose: str) -> list[str]:
    """Values, percentages and amounts in ``prose``, without list numbering, dates and plain years."""
    return [match.group() for match in _DIGITS.finditer(prose) if _is_concrete(prose, match)]


def _is_concrete(prose: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    before, after = prose[max(0, start - _WINDOW) : start], prose[end : end + 2]
    if before[-1:].isalnum() or before[-1:] in ("_", ".", ",") or after[:1].isalpha():  # part of a name
        return False
    if (after[:1] in ("/", "-") and after[1:].isdigit()) or (before[-1:] in ("/", "-") and before[-2:-1].isdigit()):
        return False  # a date
    at_line_start = _LINE_START.search(before) and (start <= _WINDOW or "\n" in before)
    if after[:1] in (".", ")") and after[1:].isspace() and end - start <= 3 and at_line_start:
        return False  # list numbering
    if _YEAR.fullmatch(match.group()):
        return bool(_MONEY.search(before)) or after.lstrip().startswith("%")
    return True


# --- vocabulary -------------------------------------------------------------------------------------------------
def _plurals(word: str) -> tuple[str, ...]:
    """A folded noun and its plural(s): produto(s), vendedor(es), margem/margens, avaliacao/avaliacoes."""
    if word.endswith("ao"):
        return word, word[:-2] + "oes"
    if word.endswith("m"):
        return word, word[:-1] + "ns"
    if word.endswith("r"):
        return word, word + "es"
    return word, word + "s"


def _forms(vocabulary: tuple[str, ...]) -> dict[str, str]:
    return {form: word for word in vocabulary for form in _plurals(word)}


_FORMS_10 = _forms(BUSINESS_WORDS[:10])
_FORMS_30 = _forms(BUSINESS_WORDS)

REWARD = Reward(MAXIMA, _components_of, measured={"execution": 0.5})

_QUESTION = (
    "Qual foi o faturamento por estado em 2018 e qual o ticket médio dos pedidos entregues com atraso? "
    "Considere os 3 estados com mais vendas e os 5 produtos de maior receita."
)

TASK = Task(
    "sql_qa",
    REWARD,
    label=Text("SQL Q&A", "SQL Q&A"),
    guideline=Guideline(
        Text(
            "Does it answer the question with a query that would run?",
            "Responde à pergunta com uma consulta que roda?",
        ),
        Text("No query and no answer.", "Sem consulta e sem resposta."),
        Text("A query with an error, or an answer without a query.", "Consulta com erro, ou resposta sem consulta."),
        Text(
            "A right query and a short explanation with numbers.", "Consulta certa e uma explicação curta com números."
        ),
    ),
    unique=("gold_sql",),
    probes=(
        Probe("keyword soup", "SELECT FROM WHERE GROUP BY", 0.30),
        Probe("keyword list", "SELECT, FROM, WHERE, GROUP BY, ORDER BY", 0.30),
        Probe("prompt repeated", _QUESTION, 0.30, _QUESTION),
    ),
)
