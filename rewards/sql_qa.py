"""SQL Q&A: a business question -> a query and its explanation.

Source: final report §10 (four tiers) and §3 (V4.2: a statement, not keywords; V4.2.1: thirty business words).
"""

import re

from rewards.lexicon import BUSINESS_WORDS, SQL_KEYWORDS, SQL_PROSE
from rewards.profiles import Profile
from rewards.text import fold, words
from rewards.types import Components, Reward

MAXIMA = {"sql_structure": 0.30, "query_and_explanation": 0.25, "numerical_data": 0.25, "domain_coherence": 0.20}
_EXPLANATION_WORDS = 15


def _components_of(completion: str, prompt: str, profile: Profile) -> Components:
    spans = statements(completion)
    if profile.sql_statement:
        keywords = _keywords(" ".join(completion[a:b] for a, b in spans))
        has_query = bool(spans)
    else:  # before v4.2: any keywords, anywhere; three of them pass for a query
        keywords = _keywords(completion)
        has_query = len(keywords) >= 3
    prose = _outside(completion, spans)
    explained = len(words(prose)) >= _EXPLANATION_WORDS
    numbers = len(concrete_numbers(prose))
    vocabulary = _FORMS_30 if profile.sql_words_30 else _FORMS_10
    domain = {vocabulary[w] for w in words(fold(completion)) if w in vocabulary}
    return {
        "sql_structure": 0.10 * min(3, len(keywords)),
        "query_and_explanation": 0.25 if has_query and explained else 0.10 if has_query or explained else 0.0,
        "numerical_data": 0.25 if numbers >= 2 else 0.125 * numbers,
        "domain_coherence": 0.05 * min(4, len(domain)),
    }


# --- statements -------------------------------------------------------------------------------------------------
_OPENER = re.compile(r"(?<![\w.])(?:select|with)\b", re.I)
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
    fence or a blank line. "SELECT FROM WHERE" and "SELECT, FROM, WHERE" are no queries, nor is a sentence that
    mentions the words.
    """
    found: list[tuple[int, int]] = []
    at = 0
    while opener := _OPENER.search(text, at):
        stop = _END.search(text, opener.start())
        end = stop.start() if stop else len(text)
        begin = _query_start(text, opener.start(), end)
        if begin is not None:
            found.append((begin, end))
        at = stop.end() if stop else end
    return found


def _query_start(text: str, start: int, end: int) -> int | None:
    """Where the query in ``text[start:end]`` begins (an earlier "with" may be prose), or None without one."""
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
    """Distinct SQL keywords in ``sql``, those inside string literals and comments left out."""
    return {k.upper() for k in _KEYWORD.findall(_LITERAL.sub(" ", sql))}


def _outside(text: str, spans: list[tuple[int, int]]) -> str:
    """``text`` without the query spans and without fence marks."""
    kept, at = [], 0
    for start, end in spans:
        kept.append(text[at:start])
        at = end
    return re.sub(r"```\w*", " ", " ".join([*kept, text[at:]]))


# --- numbers ----------------------------------------------------------------------------------------------------
_NUMBER = re.compile(
    r"(?P<listing>(?:^|\n)[ \t]*+\d{1,3}[.)](?=\s))"
    r"|(?P<date>\b\d{1,4}[/-]\d{1,2}(?:[/-]\d{1,4})?\b)"
    r"|(?P<money>R\$\s*+)?(?<![\w.,])(?P<digits>\d++(?:[.,]\d++)*+)(?P<percent>\s?%)?(?![^\W\d_])"
)
_YEAR = re.compile(r"(?:19|20)\d\d")


def concrete_numbers(prose: str) -> list[str]:
    """Values, percentages and amounts in ``prose``: not list numbering, not dates, not years alone."""
    found = []
    for match in _NUMBER.finditer(prose):
        digits = match["digits"]
        if digits is None:
            continue
        if _YEAR.fullmatch(digits) and not match["money"] and not match["percent"]:
            continue
        found.append(digits)
    return found


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

REWARD = Reward("sql_qa", MAXIMA, _components_of)
