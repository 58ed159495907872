"""Insights, second edition: an analysis of the figures it was given.

A figure counts where a sentence that reads like Portuguese says what it is of; a consequence where such a sentence says what it
means; an action where it says what to do and with what. Repeated sentences count once, also with other numbers in them.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from rewards.commerce.profiles import Rules
from rewards.commerce.v5 import lexicon
from rewards.commerce.v5.clauses import is_known, parsed
from rewards.commerce.v5.contrary import BLAMES, HARMFUL, OPPOSITE, PRAISES, TREND
from rewards.commerce.v5.echo import is_echo
from rewards.commerce.v5.forms import is_command, is_content, is_number, is_verb, stem, value_of
from rewards.commerce.v5.match import Words, listed
from rewards.commerce.v5.places import states_in
from rewards.commerce.v5.portuguese import Sentence, novelty, sense, sense_of, sentences, variety
from rewards.types import Components, Reward

MAXIMA = {
    "figures": 0.25,
    "consequences": 0.25,
    "actions": 0.30,
    "form": 0.20,
    "contradiction": -0.20,
}
_DRAWS, _ACTIONS, _TOPICS = Words(lexicon.DRAWS), Words(lexicon.ACTIONS), Words(lexicon.TOPICS)
_EMPTY, _GOALS, _TARGETS = Words(lexicon.EMPTY), Words(lexicon.GOALS), Words(lexicon.TARGETS)
_GOOD, _BAD = Words(lexicon.GOOD_MEASURES), Words(lexicon.BAD_MEASURES)
_LOWERS, _RAISES = Words(lexicon.LOWERS), Words(lexicon.RAISES)
_MEASURES = Words(
    [*lexicon.GOOD_MEASURES, *lexicon.BAD_MEASURES, "avaliac*", "cliente*", "resultado*", "problema*", "numero*"]
)
_NEAR = 8
"""Words between a figure and what it is of."""


Clause = tuple[str, ...]
"""Tokens of a part of a sentence."""


@dataclass(frozen=True)
class Figure:
    """A number of the prompt: its value, what it is of, as words a text may use, and its kind ("nota", "atraso"; "" for others)."""

    value: float
    label: Words
    kind: str


@dataclass(frozen=True)
class Brief:
    """What the prompt gives: its figures, the stems of the category it names and the states, and its lines, which say nothing new."""

    figures: tuple[Figure, ...]
    names: frozenset[str]
    states: frozenset[str]
    lines: frozenset[tuple[str, ...]]


@lru_cache(maxsize=256)
def read_brief(prompt: str) -> Brief:
    """The figures and names in a prompt."""
    figures, names, states, lines = [], set[str](), set[str](), set[tuple[str, ...]]()
    for sentence in sentences(prompt[:_MOST]):
        lines.add(sentence.tokens)
        for i, token in enumerate(sentence.tokens):
            if (value := _value(token)) is not None and not _is_date(sentence.tokens, i):
                near = sentence.tokens[max(0, i - 4) : i] + sentence.tokens[i + 1 : i + 4]
                figures.append(Figure(value, _label(near), _kind(near)))
        if ":" in sentence.raw and sentence.raw.lower().startswith("recorte"):
            for part in sentence.raw.partition(":")[2].split("\u00b7"):
                if places := states_in(part):
                    states |= places
                else:
                    names |= {stem(w) for w in _words_of(part) if is_content(w) and not _GENERIC.has(w)}
    return Brief(tuple(figures), frozenset(names), frozenset(states), frozenset(lines))


_GENERIC = Words(
    "categoria* estado* regia* regio* loja* recorte* periodo* ano* mes meses cliente* produto* item itens pedido* venda* compra* "
    "brasil geral total".split()
)
"""Words of a cut that name no part of the shop: any analysis holds them."""


_MOST = 6_000


def _value(token: str) -> float | None:
    digits = re.sub(r"[^\d.,]", "", token).strip(".,") if is_number(token) else ""
    return (
        value_of(digits)
        if digits and digits.replace(".", "").replace(",", "").isdigit() and digits.count(",") < 2
        else None
    )


def _is_date(tokens: tuple[str, ...], i: int) -> bool:
    return "/" in (tokens[i - 1] if i else "", tokens[i + 1] if i + 1 < len(tokens) else "")


def _kind(near: tuple[str, ...]) -> str:
    return next(
        (name for name in ("atraso", "negativa", "nota") if any(token.startswith(name[:5]) for token in near)), ""
    )


def _label(near: tuple[str, ...]) -> Words:
    """How a text may speak of a figure: the prompt's own words for it, and those that stand for them."""
    said: list[str] = []
    for token in near:
        if is_content(token):
            said.append(stem(token) + "*")
            said += next((forms.split() for name, forms in lexicon.FIGURES.items() if token.startswith(name[:5])), [])
    return Words(said)


# --- scoring ----------------------------------------------------------------------------------------------------
def _components_of(completion: str, prompt: str, profile: Rules) -> Components:
    if is_echo(completion, prompt):
        completion = ""
    found = sentences(completion[:_MOST_OF_COMPLETION])
    if not found:
        return dict.fromkeys(MAXIMA, 0.0)
    brief = read_brief(prompt)
    clauses = [_clauses(s) for s in found]
    new = novelty(found)
    weights = [_weight(s, fresh) * (s.tokens not in brief.lines) for s, fresh in zip(found, new, strict=True)]
    cited = [_cited(s, brief) for s in found]
    contradicted = min(1.0, _wrong_way(found) + _invented(found, brief) + _against(found, brief))
    sound = min(1.0, max(0.0, (sense(found) - 0.58) / 0.3)) * _shape(found) * _tidy(found)
    sound *= _vouched(found, prompt)
    sound *= 1.0 - 0.6 * sum(share == 0.0 for share in new) / len(found)
    whole = sound * variety(completion) * _freshness(found) * (1.0 - 0.8 * contradicted)
    return {
        "figures": 0.25 * whole * _figures(cited, weights, brief, found),
        "consequences": 0.25 * whole * _consequences(found, clauses, cited, weights, brief),
        "actions": 0.30 * whole * _actions(clauses, weights),
        "form": 0.20 * whole * _length(sum(len(s.words) for s in found)),
        "contradiction": -0.20 * contradicted,
    }


_MOST_OF_COMPLETION = 20_000


def _vouched(found: list[Sentence], prompt: str) -> float:
    """Less than 1 where one sentence breaks (its sense is below 0.6), where more than a sixth of the words are in no list and not in the
    prompt, or where the clauses have more than a fault in ten words: a text is sound where all of it is."""
    asked = _words_of(prompt[:_MOST])
    words = [w for s in found for w in s.words]
    unknown = sum(not is_known(w) and w not in asked for w in words) / max(1, len(words))
    worst = min((s.sense for s in found if len(s.tokens) >= 4), default=1.0)
    faults = [parsed(s)[0] for s in found]
    often = sum(faults) / sum(len(s.tokens) for s in found)
    most = max(f / (len(s.tokens) + 4) for f, s in zip(faults, found, strict=True))
    built = max(0.0, 1.0 - 4.0 * max(0.0, often - 0.12)) * max(0.0, 1.0 - 1.5 * max(0.0, most - 0.22))
    return built * max(0.0, 1.0 - 2.5 * max(0.0, unknown - 0.16)) * (0.6 + 0.4 * min(1.0, worst / 0.6))


@lru_cache(maxsize=256)
def _words_of(text: str) -> frozenset[str]:
    return frozenset(w for s in sentences(text) for w in s.words)


def _weight(sentence: Sentence, new: float) -> float:
    """How much a sentence counts: it must read like Portuguese and say something new."""
    return min(1.0, max(0.0, (sentence.sense - 0.55) / 0.35)) * max(0.0, (new - 0.35) / 0.65)


def _tidy(found: list[Sentence]) -> float:
    """Less than 1 for a text whose sentences begin in the middle, in lower case; after a semicolon one may."""
    after = ["", *(s.raw for s in found)]
    cut = sum(s.raw[:1].islower() and not before.endswith(";") for s, before in zip(found, after, strict=False))
    return max(0.0, 1.0 - 1.2 * cut / len(found))


def _freshness(found: list[Sentence]) -> float:
    """The share of different words among the content words: 1 for prose, falling to 0 for a few words turned over."""
    content = [stem(t) for s in found for t in s.tokens if is_content(t)]
    if len(content) < 10:
        return 1.0
    usual = min(0.75, 1.6 * len(content) ** -0.2)
    return min(1.0, max(0.0, (len(set(content)) / len(content) - 0.25) / (usual - 0.25)) + 0.15)


def _cited(sentence: Sentence, brief: Brief) -> set[int]:
    """Which of the prompt's figures a sentence gives together with what they are of."""
    tokens, cited = sentence.tokens, set[int]()
    for i, token in enumerate(tokens):
        if (value := _value(token)) is None:
            continue
        for number, figure in enumerate(brief.figures):
            if abs(figure.value - value) <= 0.006 * abs(figure.value) and _is_of(tokens, i, figure.label):
                cited.add(number)
        if i and tokens[i - 1] == ":" and len(tokens) > i + 3:
            cited -= {n for n in cited if abs(brief.figures[n].value - value) <= 0.006 * abs(value)}
    return cited


def _is_of(tokens: tuple[str, ...], i: int, label: Words) -> bool:
    """Whether the number at ``i`` is said to be of what ``label`` names: before or after it, with small words, verbs and numbers
    between, at most one other word, and a colon only at the number's side."""
    for way in (tokens[max(0, i - _NEAR) : i][::-1], tokens[i + 1 : i + _NEAR]):
        others = 0
        for place, token in enumerate(way):
            if label.has(token):
                return True
            others += is_content(token) and not is_verb(token)
            if others > 1 or (token in _COLON and place > 0):
                break
    return False


_COLON = frozenset(":")


def _figures(cited: list[set[int]], weights: list[float], brief: Brief, found: list[Sentence]) -> float:
    """How much of what was given is named: two or three figures, and the place or category."""
    most: dict[int, float] = {}
    for numbers, weight in zip(cited, weights, strict=True):
        for number in numbers:
            most[number] = max(most.get(number, 0.0), weight)
    wanted = min(3, len(brief.figures))
    said = {stem(t) for s in found for t in s.words}
    places = states_in("\n".join(s.raw for s in found)) if brief.states else frozenset()
    named = float(not (brief.names or brief.states) or bool(brief.names & said or brief.states & places))
    if not wanted:
        return 0.5 + 0.5 * named
    share = min(1.0, sum(most.values()) / wanted)
    return share * (0.85 + 0.15 * named)


def _consequences(
    found: list[Sentence], clauses: list[list[Clause]], cited: list[set[int]], weights: list[float], brief: Brief
) -> float:
    """How many sentences say what a figure means; without a figure, one that speaks of a measure counts a fifth."""
    total = 0.0
    measures = [figure.label for figure in brief.figures]
    for sentence, parts, numbers, weight in zip(found, clauses, cited, weights, strict=True):
        if len(sentence.words) < 5 or not any(map(is_verb, sentence.words)):
            continue
        acts = numbers and any(_action(clause) >= 0.6 for clause in parts)
        if not acts and not _DRAWS.any(sentence.words):
            continue
        if numbers:
            total += weight * min(1.0, 0.75 + 0.25 * (len(numbers) > 1))
        elif any(label.any(sentence.words) for label in measures) or not measures:
            total += weight * (0.25 if measures else 0.5)
    return min(1.0, total / 2.0) if total < 1 else min(1.0, 0.5 + (total - 1.0) / 1.6 + 0.1)


def _actions(clauses: list[list[Clause]], weights: list[float]) -> float:
    """How many different, concrete actions there are; two and a half are enough."""
    total, nominal, before = 0.0, 0.0, list[set[str]]()
    for parts, weight in zip(clauses, weights, strict=True):
        for clause in parts:
            worth = _action(clause)
            if not worth and nominal < _MOST_NOMINAL:
                worth = _measure_taken(clause)
                nominal += worth * weight
            words = {stem(t) for t in clause if is_content(t)}
            if worth and all(len(words & other) < 0.6 * min(len(words), len(other)) for other in before):
                total += worth * weight * sense_of(clause)
                before.append(words)
    return min(1.0, total / 2.4)


_MOST_NOMINAL = 1.5
"""How much the measures count together that stand without a verb, as items of a list do."""


def _measure_taken(clause: Clause) -> float:
    """What an item without a verb is worth that names a measure and what it is for: "aviso automático quando o rastreio para"."""
    content = [t for t in clause if is_content(t)]
    named = any(t in _MEASURES_TAKEN for t in content[:2])
    return 0.5 if named and len(content) >= 3 and _TOPICS.any(content[1:]) and not _EMPTY.any(content) else 0.0


_MEASURES_TAKEN = frozenset(lexicon.MEASURES_TAKEN)


def _clauses(sentence: Sentence) -> list[Clause]:
    """A sentence cut where one action may end and the next begin."""
    clauses, start = [], 0
    tokens = sentence.tokens
    for i, token in enumerate(tokens):
        if token == "|":  # noqa: S105
            clauses.append(tokens[start:i])
            start = i + 1
            continue
        is_cut = token in (",", ":", "e", "\u2014", "\u2013") and i - start >= 3 and i + 1 < len(tokens)
        if is_cut and _is_action_verb(tokens[i + 1]):
            clauses.append(tokens[start:i])
            start = i + 1
    return [clause for clause in (*clauses, tokens[start:]) if clause]


_LEAD = Words(
    "recomend* suger* sugir* deve* precis* vale convem necessario preciso comec* prioridade decis* plano propo*".split()
)


def _is_action_verb(token: str) -> bool:
    return _ACTIONS.has(token) and (is_command(token) or is_verb(token) or token.endswith(("e", "a", "m")))


def _action(clause: Clause) -> float:
    """What a clause is worth as an action, from 0 to 1: a verb of doing at its head, something it is done to, and a detail."""
    words = [t for t in clause if t[0].isalpha()]
    content = [t for t in words if is_content(t)]
    head = _head_of(words)
    if head is None or len(content) < 3 or _EMPTY.any(content) or _NOT.intersection(words[max(0, head - 2) : head]):
        return 0.0
    after = [t for t in words[head + 1 :] if is_content(t) and not _LEAD.has(t)]
    governed = words[head + 1 : head + 2]
    if not _TOPICS.any(after) or (_NO_OBJECT.issuperset(governed) and not _WITH_DE.has(words[head])):
        return 0.0  # "implementar de atraso"
    if len(after) < 2 or not _fits(words[head], after):
        return 0.3 if len(after) < 2 else 0.2
    detail = len(after) >= 5 or any(t[0].isdigit() for t in clause) or bool(_HOW & set(words[head:]))
    goal = _GOALS.has(words[head]) or (
        _LEAD.has(words[head]) and any(_GOALS.has(t) for t in words[head + 1 : head + 2])
    )
    aimless = goal and _MEASURES.any([t for t in after if not _GOALS.has(t)][:1])
    if aimless and not _HOW & set(words[head + 1 :]) and len(after) < 6:
        return 0.25
    return 0.6 + 0.4 * detail if not aimless else 0.5 + 0.2 * detail


def _head_of(words: list[str]) -> int | None:
    """Where the verb of an action stands: early in a clause, or after "sugiro" and the like."""
    early = (
        i for i, t in enumerate(words[:_HEAD]) if _ACTIONS.has(t) and (i == 0 or is_command(t) or _LEAD.any(words[:i]))
    )
    late = (i for i, t in enumerate(words) if is_command(t) and _ACTIONS.has(t) and _LEAD.any(words[:i]))
    return next(early, next(late, None))


def _fits(verb: str, things: list[str]) -> bool:
    """Whether one of the first things named after a verb is what it can be done to: one renegotiates no photo."""
    for verbs, wanted in _DONE_TO:
        if verbs.has(verb):
            return wanted.any(things[:_FIRST])
    return True


_DONE_TO = tuple((listed(verbs), listed(things)) for verbs, things in lexicon.DONE_TO.items())
_FIRST = 2
_HEAD = 6
_NO_OBJECT = frozenset("de do da dos das que acima abaixo por e ou mais menos".split())
_WITH_DE = Words(
    "precis* cuid* tratar tratem mude mudar troque trocar par* dispo* aprov* desist* fal* lembr* gost* contar dar".split()
)
"""Verbs that "de" follows."""
_NOT = frozenset("nao nunca jamais nem sem parar deixar".split())
_HOW = frozenset(
    "com por quando para ate se apos antes sempre acima abaixo onde quem assim toda cada partir durante entre".split()
)


def _length(n_words: int) -> float:
    """1 from 40 to 450 words; falling to 0 at 8 and at 1,000."""
    if n_words < 40:
        return max(0.0, (n_words - 8) / 32)
    return 1.0 if n_words <= 450 else max(0.0, (1_000 - n_words) / 550)


def _shape(found: list[Sentence]) -> float:
    """How much of the text stands in sentences of five words or more, not in bare headings, labels and scraps."""
    words = sum(len(s.words) for s in found)
    inside = sum(len(s.words) for s in found if len(s.words) >= 5)
    whole = sum(len(s.words) >= 5 for s in found) / len(found)
    return min(1.0, inside / words / 0.75) * min(1.0, whole / 0.45) if words else 0.0


# --- contradictions ---------------------------------------------------------------------------------------------
def _wrong_way(found: list[Sentence]) -> float:
    """Advice that nobody can want: to lower the nota or the sales, to raise delays or complaints."""
    wrong = 0
    for sentence in found:
        words = sentence.words
        for i, word in enumerate(words):
            near = next((w for w in words[i + 1 : i + 4] if _GOOD.has(w) or _BAD.has(w)), "")
            commanded = is_command(word) or (i and _LEAD.has(words[i - 1]))
            if (
                near
                and commanded
                and ((_LOWERS.has(word) and _GOOD.has(near)) or (_RAISES.has(word) and _BAD.has(near)))
            ):
                wrong += 1
    return min(1.0, 0.7 * wrong)


def _against(found: list[Sentence], brief: Brief) -> float:
    """What says the opposite of the figures, or of what a shop can want: 0.5 for each, less for another state and a trend that
    nobody gave."""
    opposite = sum(_is_opposite(s.tokens, brief) for s in found)
    harm = sum(HARMFUL.search(" ".join(s.tokens)) is not None for s in found)
    trends = sum(TREND.search(" ".join(s.tokens)) is not None for s in found)
    elsewhere = bool(brief.states) and bool(
        states_in("\n".join(s.raw for s in found if not s.raw.isupper())) - brief.states
    )
    return 0.5 * opposite + 0.5 * harm + 0.35 * min(1, trends) + 0.35 * elsewhere


def _is_opposite(tokens: Clause, brief: Brief) -> bool:
    """Whether a sentence values one of the prompt's figures against what it says."""
    for i, token in enumerate(tokens):
        if (value := _value(token)) is None:
            continue
        for figure in brief.figures:
            if not figure.kind or abs(figure.value - value) > 0.006 * abs(value):
                continue
            around = tokens[max(0, i - 4) : i + _NEAR] if figure.kind == "negativa" else tokens[i : i + _NEAR]
            if not any(map(figure.label.has, tokens)):
                continue
            if figure.kind in OPPOSITE and OPPOSITE[figure.kind].search(" ".join(around)):
                return True
            good = value >= 4.2 if figure.kind == "nota" else value <= 8
            bad = value <= 3.4 if figure.kind == "nota" else value >= 25
            own = " ".join(_own_part(tokens, i))
            if (bad and PRAISES.search(own)) or (good and BLAMES.search(own)):
                return True
    return False


def _own_part(tokens: Clause, i: int) -> Clause:
    """The tokens around ``i``, as far as the next number or "mas"."""
    start, end = i, i + 1
    while start > 0 and not is_number(tokens[start - 1]) and tokens[start - 1] not in _TURNS:
        start -= 1
    while end < len(tokens) and not is_number(tokens[end]) and tokens[end] not in _TURNS:
        end += 1
    return tokens[start:end]


_TURNS = frozenset("mas porem embora enquanto apesar ; |".split())


def _derived(value: float, share: bool, brief: Brief) -> bool:
    """Whether a number follows from two of the prompt's: what a share leaves of a hundred; a share of a count, an amount by order."""
    given = [f.value for f in brief.figures]
    found = [100 - v for v in given if 0 < v < 100]
    if not share:
        found = [a * b / 100 for a in given for b in given if a > 10 and 0 < b < 100] + [
            a / b for a in given for b in given if a > b > 5
        ]
    return any(abs(value - x) <= 0.03 * abs(x) for x in found)


def _invented(found: list[Sentence], brief: Brief) -> float:
    """Percentages, amounts and grades given as the prompt's that are not its: 0.5 for each beyond what an aim explains."""
    if not brief.figures:
        return 0.0
    strange = 0
    has_aims = any("|" in s.tokens and _AIMS.any(s.words) for s in found)
    for sentence in found:
        tokens = sentence.tokens
        if (has_aims and "|" in tokens) or _COMPARED.search(
            sentence.raw
        ):  # a row of a table with a column of aims; "atraso < 15%"
            continue
        for i, token in enumerate(tokens):
            value = _value(token)
            if value is None:
                continue
            before = tokens[max(0, i - 5) : i]
            close = 0.12 if _ROUGHLY.intersection(before[-3:]) else 0.02
            if given := [f for f in brief.figures if abs(f.value - value) <= close * abs(f.value)]:
                strange += _is_misplaced(tokens, i, given, brief)
                continue
            graded = value <= 5 and ("," in token) and listed("nota* media avalia*").any(before)
            counted = value >= 1000 and not _is_date(tokens, i) and not 1900 <= value <= 2100
            claimed = token.endswith("%") or graded or token.startswith("r$") or counted
            if claimed and (
                _derived(value, token.endswith("%"), brief) or ("|" not in tokens and _is_action_verb(tokens[0]))
            ):
                continue
            if claimed and not _TARGETS.any((*before, *tokens[i + 1 : i + 6])) and not any(map(is_command, before)):
                strange += 1
    return 0.5 * strange if strange > 1 else 0.35 * strange


def _is_misplaced(tokens: Clause, i: int, given: list[Figure], brief: Brief) -> bool:
    """Whether a figure stands right beside the name of another one, and not by its own: "3,3 pedidos", "nota 30"."""
    others = [f.label for f in brief.figures if f not in given]
    before = tokens[max(0, i - 2) : i] if not any(map(is_number, tokens[max(0, i - 4) : i])) else ()
    sides = [t for t in (*before, *tokens[i + 1 : i + 3]) if is_content(t)]
    own = any(f.label.any(sides) or _is_of(tokens, i, f.label) for f in given)
    return not own and any(label.any(sides) for label in others)


_ROUGHLY = frozenset("quase cerca perto aproximadamente uns umas volta mais menos torno".split())
_COMPARED = re.compile(r"[<>\u2264\u2265]\s?\d")
_AIMS = Words("meta metas objetivo objetivos alvo alvos prazo".split())

REWARD = Reward(MAXIMA, _components_of)
