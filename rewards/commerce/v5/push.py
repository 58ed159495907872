"""Push, second edition: one notification that says what its brief says, to its audience, and promises nothing else."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from rewards.commerce.profiles import Rules
from rewards.commerce.push import length_share
from rewards.commerce.v5 import lexicon
from rewards.commerce.v5.clauses import is_known, parsed
from rewards.commerce.v5.contrary import NOT_SO, NOT_SO_OF
from rewards.commerce.v5.forms import FINITE, SMALL, is_content, is_number, is_verb, stem, value_of
from rewards.commerce.v5.lexicon import NOUNS
from rewards.commerce.v5.match import Words, listed
from rewards.commerce.v5.places import states_in
from rewards.commerce.v5.portuguese import Sentence, novelty, sense, sentences
from rewards.text import fold, visible, visible_length
from rewards.types import Components, Reward

MAXIMA = {
    "occasion": 0.38,
    "product": 0.20,
    "sentence": 0.20,
    "address": 0.12,
    "length": 0.10,
    "invented_offer": -0.20,
    "formal": -0.20,
}
_INSTRUCTIONS, _SERVICE, _FORMAL = Words(lexicon.INSTRUCTIONS), Words(lexicon.SERVICE), Words(lexicon.FORMAL)
_HARMFUL = Words(lexicon.HARMFUL)
_ADDRESS, _ABOUT = Words(lexicon.ADDRESS), frozenset(lexicon.ABOUT_THE_TASK)
_OCCASIONS = tuple(
    (Words(said.split()) if said != "sem comprar" else None, tuple(map(listed, groups)))
    for said, groups in lexicon.OCCASIONS
)
_OFFERS = {name: Words(forms.split()) for name, forms in lexicon.OFFERS.items()}
_PRODUCTS = {name: Words(forms.split()) for name, forms in lexicon.PRODUCTS.items()}
_EVERYWHERE = Words(
    "casa sala presente* carro* viagem jogo* quarto historia* estilo som obra amigo cuidado* ler estante look look* setup moda".split()
)
"""Words for what is sold that any notification may say."""
_SAID = Words(" ".join([*lexicon.OFFERS.values(), *(" ".join((t, *g)) for t, g in lexicon.OCCASIONS)]).split())
"""Words of occasions and offers, which name no product."""
_CATEGORY_WORDS = frozenset(
    "livros moda beleza saude informatica eletronicos telefonia eletrodomesticos brinquedos esporte lazer cama mesa banho moveis "
    "decoracao utilidades relogios automotivo ferramentas perfumaria papelaria alimentos bebidas".split()
)
_HALLMARKS = "carrinh* aniversari* black cashback retirad* atras* lancament* avali* parcel*".split()
"""Words that name an occasion: said where the brief does not, they announce another."""
_LETTERS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_STRAY = re.compile(r"[^\W\d_]/|[*_|\\<>]")
"""Signs that stand in no message."""
_SYMBOLS = re.compile(r"[\u2190-\u2bff\U0001f000-\U0001faff]\ufe0f?")
"""Emoji, which end a sentence as a full stop does."""
_NUMBERS = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Brief:
    """What a notification is to say.

    Attributes:
        words: the brief's own, folded.
        numbers: in it.
        amounts: those with a unit, and the unit.
        at_most: shares that are a limit ("até 40%").
        groups: for each thing it announces, one or two lists of words; of each, one must be said, in one clause.
        products: words for what is sold; empty where the brief names nothing.
        offers: what may be promised.
        service: whether it is about an order that was made.
        stems: of the words that are neither instructions nor known occasions.
    """

    words: tuple[str, ...]
    numbers: frozenset[float]
    amounts: frozenset[tuple[float, str]]
    at_most: frozenset[float]
    groups: tuple[tuple[Words, ...], ...]
    products: tuple[Words, ...]
    offers: frozenset[str]
    service: bool
    stems: frozenset[str]


@lru_cache(maxsize=256)
def read_brief(prompt: str) -> Brief:
    """What the prompt asks to be announced."""
    folded = fold(prompt[:2_000])
    said = tuple(_LETTERS.findall(folded))
    groups, used = list[tuple[Words, ...]](), set[str]()
    for trigger, wanted in _OCCASIONS:
        hits = (
            {w for w in said if trigger.has(w)}
            if trigger
            else ({"sem", "comprar"} if "sem comprar" in folded else set())
        )
        if hits:
            groups.append(wanted)
            used |= hits
    numbers = frozenset(value_of(n) for n in _NUMBERS.findall(re.sub(r"\b(?:120|140|100) caracteres", " ", folded)))
    offers = {name for name, forms in _OFFERS.items() if forms.any(said)}
    offers |= {offer for word in said for offer in lexicon.FOLLOWS.get(word, ())}
    singular_too = {w.rstrip("s") for w in said} | set(said)
    products = tuple(forms for name, forms in _PRODUCTS.items() if name in singular_too)
    places = {part for code in states_in(prompt[:2_000]) for part in lexicon.STATES[code].split()}
    rest = {w for w in said if is_content(w) and not _INSTRUCTIONS.has(w) and not _SAID.has(w)} - places - used
    service = _SERVICE.any(said) and "frete" not in said
    return Brief(
        said,
        numbers,
        _amounts(prompt[:2_000]),
        _limits(prompt[:2_000]),
        tuple(groups),
        products,
        frozenset(offers),
        service,
        frozenset(map(stem, rest)),
    )


def _components_of(completion: str, prompt: str, profile: Rules) -> Components:
    shown = visible(completion[:_MOST])
    found = sentences(shown)
    words = tuple(_LETTERS.findall(fold(shown)))
    said = tuple(
        w
        for s in found
        if len(s.words) >= (2 if "!" in s.raw else _SHORTEST) and s.sense >= 0.6
        for w in _LETTERS.findall(fold(s.raw))
    )
    if not words or _is_about_the_task(shown, words, prompt):
        return dict.fromkeys(MAXIMA, 0.0)
    apart = sentences(_SYMBOLS.sub("\n", shown))
    parses = [(*parsed(s), len(s.words)) for s in apart]
    brief = read_brief(prompt)
    empty = sum(not acts and not _names_something(s, brief) for s, (_, acts, _) in zip(apart, parses, strict=True))
    sound = _sound(apart) * _left_of(sum(faults for faults, _, _ in parses) + _unknown(words, prompt) + empty)
    fits = length_share(visible_length(completion)) * _honest(shown, words, brief, prompt)
    portuguese = (
        sound * fits * min(1.0, len(words) / 8) * (1.0 - 0.5 * _copied(words, prompt)) * _manner(shown, words, apart)
    )
    product = _product(said, brief)
    occasion = _occasion(said, found, brief) * (0.7 if product == 0.0 and not brief.service else 1.0)
    others = len(_CATEGORY_WORDS & set(words) - set(brief.words))
    if product == 1.0:
        product *= 0.7**others
    occasion *= 0.7 ** (others if product else min(1, others))
    strange = {mark for mark in _HALLMARKS if listed(mark).any(words) and not listed(mark).any(brief.words)}
    occasion *= 0.7 ** len(strange)
    on_brief = portuguese * (0.4 + 0.6 * occasion)
    formed = portuguese * (0.5 + 0.5 * occasion) * min(1.0, len(words) / 8)
    verb = any(acts and faults < 0.5 and length >= _SHORTEST for faults, acts, length in parses)
    return {
        "occasion": 0.38 * portuguese * occasion,
        "product": 0.20 * on_brief * product,
        "sentence": 0.20 * formed * (0.4 + 0.6 * verb),
        "address": 0.12 * on_brief * float(_ADDRESS.any(words)),
        "length": 0.10 * fits * min(1.0, sound * 2) * min(1.0, len(words) / 8),
        "invented_offer": -0.20 * min(1.0, _invented(words, shown, brief) * (0.25 + 0.75 * occasion)),
        "formal": -0.20 * float(_FORMAL.any(words)),
    }


_MOST = 4_000
_SHORTEST = 4
"""Words of a sentence that can announce something."""


def _left_of(faults: float) -> float:
    """What faults of the language leave: 1 for none, less than 0.9 for one, and little for several. One may be the grammar's own
    ignorance of good Portuguese; it must not cost a good text its rank."""
    return 1.0 - 0.14 * faults if faults <= 1.0 else 0.86 * 0.6 ** (faults - 1.0)


def _is_about_the_task(shown: str, words: tuple[str, ...], prompt: str) -> bool:
    """Whether the text speaks of notifications and segments, as a brief does, or is the brief again."""
    if not _ABOUT.isdisjoint(words):
        return True
    asked = _words_of(prompt[:_MOST])
    return len(words) >= 0.6 * len(asked) and " ".join(words) in " ".join(asked)


@lru_cache(maxsize=256)
def _words_of(prompt: str) -> tuple[str, ...]:
    return tuple(_LETTERS.findall(fold(prompt)))


def _manner(shown: str, words: tuple[str, ...], apart: list[Sentence]) -> float:
    """Less than 1 for a text that begins or ends in the middle, speaks of the customer to the customer, or drops a state's letters."""
    small = sum(s.raw[:1].islower() for s in apart)
    cut = int(shown[:1] in (",", ".", ":", ";", ")"))
    cut += len(_STRAY.findall(shown))
    cut += sum(line.rstrip()[-1:] in (":", ",", ";", "-") for line in shown.splitlines() or [shown])
    manner = 0.8**small * 0.6**cut
    manner *= 0.7 if {"cliente", "clientes"} & set(words) else 1.0
    manner *= 0.85 ** max(0, len(_SYMBOLS.findall(shown)) - _ENOUGH_SYMBOLS)
    letters = [c for c in shown if c.isalpha()]
    manner *= 0.6 if len(letters) > 20 and sum(c.isupper() for c in letters) > 0.6 * len(letters) else 1.0
    return manner * (0.6 if _BARE_STATE.search(shown) else 1.0)


_ENOUGH_SYMBOLS = 3


def _honest(shown: str, words: tuple[str, ...], brief: Brief, prompt: str) -> float:
    """Little for a text that takes back what it announces, asks for what no shop asks, or insults; less for another state's name."""
    told, asked = " ".join(fold(shown).split()), " ".join(_words_of(prompt[:2_000]))
    patterns = (NOT_SO, *(pattern for word, pattern in NOT_SO_OF.items() if word in brief.words))
    against = any((match := pattern.search(told)) and match.group() not in asked for pattern in patterns)
    elsewhere = bool(states_in(shown) - states_in(prompt[:2_000])) and not shown.isupper()
    own = set(words) - set(brief.words)
    other = any(_is_of_another(word, brief) for word in own)
    wrong = bool(brief.words) and (bool(_amounts(shown) - brief.amounts) or _given(words, brief))
    return (0.2 if against else 1.0) * (0.25 if _HARMFUL.any(own) else 1.0) * 0.8**other * 0.7**elsewhere * 0.8**wrong


def _is_of_another(word: str, brief: Brief) -> bool:
    """Whether a word is for what another category sells: a refrigerator among the toys."""
    if (
        not brief.products
        or word in _CATEGORY_WORDS
        or _EVERYWHERE.has(word)
        or any(forms.has(word) for forms in brief.products)
        or stem(word) in brief.stems
    ):
        return False
    return any(forms.has(word) for forms in _PRODUCTS.values())


def _names_something(sentence: Sentence, brief: Brief) -> bool:
    """Whether a sentence without a verb is a call ("Boa leitura!") or names a thing."""
    named = any(w in NOUNS or stem(w) in brief.stems for w in sentence.words)
    return named or sentence.raw.endswith(("!", "?")) or any(forms.any(sentence.words) for forms in brief.products)


def _unknown(words: tuple[str, ...], prompt: str) -> float:
    """What the words cost that neither the lists nor the brief hold: little each, since no list holds all of a language."""
    asked = {stem(w) for w in read_brief(prompt).words}
    return 0.15 * sum(not is_known(w) and stem(w) not in asked for w in set(words))


def _copied(words: tuple[str, ...], prompt: str) -> float:
    """0 for a text in its own words, 1 for one whose three-word sequences are all the brief's."""
    asked = _words_of(prompt[:_MOST])
    of_prompt = set(zip(asked, asked[1:], asked[2:], strict=False))
    runs = list(zip(words, words[1:], words[2:], strict=False))
    share = sum(run in of_prompt for run in runs) / len(runs) if runs else 0.0
    return max(0.0, (share - 0.5) / 0.5)


_BARE_STATE = re.compile(
    r"(?<!\bem)(?<!\bde)(?<!\bda)(?<!\bdo)(?<!\bno)(?<!\bna)(?<!pra)(?<!para)(?<![,(/\u2013-]) (?:"
    + "|".join(code.upper() for code in lexicon.STATES)
    + r")\b"
)
"""A state's two letters that no preposition leads to."""


_CALL = 3
"""Words of a call or a question ("Sumiu, hein?") that need not read like a sentence."""


def _sound(found: list[Sentence]) -> float:
    """From 0 to 1, how much the whole reads like Portuguese, without saying anything twice."""
    if not found:
        return 0.0
    content = [stem(t) for s in found for t in s.words if is_content(t)]
    different = len(set(content)) / len(content) if content else 0.0
    new = sum(novelty(found)) / len(found)
    worst = min(max(s.sense, 0.8) if len(s.words) <= _CALL and s.raw.endswith(("!", "?")) else s.sense for s in found)
    value = 0.3 * sense(found) + 0.7 * worst
    scraps = sum(
        len(s.words) <= 2 and "!" not in s.raw and "?" not in s.raw and not _ADDRESS.any(s.words) for s in found
    )
    return min(1.0, max(0.0, (value - 0.4) / 0.55)) * min(1.0, max(0.0, different - 0.4) / 0.55) * new * 0.6**scraps


def _occasion(words: tuple[str, ...], found: list[Sentence], brief: Brief) -> float:
    """The share of what the brief announces that the text says, its number included; half of it where the words stand apart."""
    if not brief.groups:
        said = {stem(w) for w in words if is_content(w)}
        return min(1.0, len(said & brief.stems) / max(1, min(3, len(brief.stems)))) if brief.stems else 0.5
    hits = list[float]()
    for groups in brief.groups:
        first = _or_product(groups[0], brief) if brief.service else groups[0].has
        together = len(groups) == 1 or any(_tied(s.tokens, first, groups[1].has, brief) for s in found)
        hits += [
            (1.0 if together else _APART) * float(any(map(has, words))) for has in (first, *(g.has for g in groups[1:]))
        ]
    if numbers := _offered_numbers(brief):
        said_so = any(_tied(s.tokens, lambda t: _number(t) in numbers, _of_offer, brief) for s in found)
        told = any(_number(t) in numbers for s in found for t in s.tokens)
        hits.append(1.0 if said_so else _APART * told)
    return sum(hits) / len(hits)


def _or_product(group: Words, brief: Brief) -> Callable[[str], bool]:
    """A word of the group, or of what was ordered: "seu look saiu para entrega"."""
    return lambda word: group.has(word) or any(forms.has(word) for forms in brief.products)


_APART = 0.65
"""What words of an occasion count that do not stand together."""


def _number(token: str) -> float | None:
    digits = _NUMBERS.search(token)
    return value_of(digits.group()) if digits else _IN_WORDS.get(token)


_IN_WORDS = dict(
    zip(
        "duas tres quatro cinco seis sete oito nove dez doze".split(),
        (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0),
        strict=True,
    )
)


def _of_offer(token: str) -> bool:
    return _COUNTED.has(token)


def _tied(tokens: tuple[str, ...], one: Callable[[str], bool], other: Callable[[str], bool], brief: Brief) -> bool:
    """Whether a word of one kind and a word of another stand in one clause with nothing of another matter between them: only small
    words, numbers, and the words of the brief and its product."""
    before = ""
    for token, following in zip(tokens, (*tokens[1:], ""), strict=True):
        is_one, is_other = one(token), other(token)
        if (is_one and is_other) or (is_one and before == "other") or (is_other and before == "one"):
            return True
        if is_one or is_other:
            before = "one" if is_one else "other"
        elif not _joins(token, following, brief):
            before = ""
    return False


def _joins(token: str, following: str, brief: Brief) -> bool:
    """Whether a word may stand between two that belong together."""
    if token in _RELATIVE:
        return following in SMALL or is_verb(following or ".")
    if token in _BREAKS:
        return False
    if is_number(token) or token in SMALL or token in FINITE or _GOODS.has(token):
        return True
    return stem(token) in brief.stems or any(forms.has(token) for forms in brief.products)


_COUNTED = Words(" ".join([*lexicon.OFFERS.values(), "unidade* vezes menos caiu queda baix*"]).split())
"""What an offer's number is of."""
_RELATIVE = frozenset(["que"])
_BREAKS = frozenset("se quando como onde porque pois enquanto embora mas ou nem ( ) / |".split())
_GOODS = Words("produto produtos item itens peca* : , vale valem vem chega chegam continua*".split())
"""Goods in general, and verbs that carry an offer to them."""


def _offered_numbers(brief: Brief) -> frozenset[float]:
    """The brief's numbers that a customer must read: amounts, not for how long a cart has waited."""
    waits = ({"abandonado", "comprar"} & set(brief.words) and "sem" in brief.words) or "abandonado" in brief.words
    return frozenset() if waits else brief.numbers


def _product(words: tuple[str, ...], brief: Brief) -> float:
    there = tuple(w for before, w in zip(("", *words), words, strict=False) if before != "sem")
    said = {stem(w) for w in there if is_content(w)}
    named = any(forms.any(there) for forms in brief.products) or bool(said & brief.stems)
    if named:
        return 1.0
    wrong = any(forms.any(words) for name, forms in _PRODUCTS.items() if forms not in brief.products and name in words)
    return 0.0 if wrong else 0.6 if brief.service or not (brief.products or brief.stems) else 0.0


def _invented(words: tuple[str, ...], shown: str, brief: Brief) -> float:
    """Promises and numbers that the brief does not make; one is enough."""
    if not brief.words:
        return 0.0
    promised = {name for name, forms in _OFFERS.items() if forms.any(words)} - brief.offers
    strange = _amounts(shown) - brief.amounts
    more = brief.at_most & _without_limit(shown)
    return float(bool(promised)) + float(_given(words, brief)) + 0.5 * float(bool(more)) + 2.0 * float(bool(strange))


def _without_limit(text: str) -> frozenset[float]:
    """The shares that a text gives without "até" before them."""
    return frozenset(value_of(n) for before, n in _SHARE.findall(fold(text)) if not before)


def _limits(text: str) -> frozenset[float]:
    """The shares that a text gives with "até" before them: not everything has them."""
    return frozenset(value_of(n) for before, n in _SHARE.findall(fold(text)) if before)


_SHARE = re.compile(r"(\bate )?(?:de )?(\d+(?:[.,]\d+)*)\s?%")


def _given(words: tuple[str, ...], brief: Brief) -> bool:
    """Whether the text gives a thing that the brief does not: "ganhe um carro"."""
    for verb, article, thing in zip(words, words[1:], words[2:], strict=False):
        if verb in _GIVES and article in _A and is_content(thing):
            known = _SAID.has(thing) or stem(thing) in brief.stems or any(forms.has(thing) for forms in brief.products)
            if not known and thing not in _FREE:
                return True
    return bool(_HALF.intersection(words)) and not _HALF.intersection(brief.words)


_GIVES, _A = frozenset("ganhe receba ganha ganhou recebe".split()), frozenset("um uma uns umas".split())
_FREE = frozenset("mimo surpresa abraco sorriso beijo carinho dia tempo novo nova".split())
_HALF = frozenset("metade dobro triplo".split())


def _amounts(text: str) -> frozenset[tuple[float, str]]:
    """The amounts in ``text`` with what they are of: (20, "%"), (6, "x")."""
    found = set()
    for amount in _AMOUNTS.finditer(text):
        unit = fold(amount["unit"] or "r$").strip()
        found.add((value_of(_NUMBERS.findall(amount.group())[0]), "x" if unit == "vezes" else unit))
    return frozenset(found)


_AMOUNTS = re.compile(r"R\$\s?\d+(?:[.,]\d+)*|\d+(?:[.,]\d+)*\s?(?P<unit>%|x\b|vezes|unidades|dias|horas)", re.I)

REWARD = Reward(MAXIMA, _components_of)
