"""Whether a short text is built of Portuguese clauses: a finite automaton over kinds of words, which counts what does not fit.

Each word has one kind or several (``compra`` is a noun or a verb); of all readings of a sentence the one with the fewest faults
counts. The automaton knows what a clause has had (no verb, a finite verb, a command), so that a noun is joined to a noun, a
verb to a verb, and two verbs do not stand in one clause. Time is linear in the number of tokens.
"""

# ruff: noqa: S105, PLR0911

import re
from functools import lru_cache

from rewards.commerce.v5 import forms, lexicon
from rewards.commerce.v5.match import Words
from rewards.commerce.v5.portuguese import Sentence
from rewards.commerce.v5.small_words import MAY

_OF_KIND = {
    "D": "o a os as um uma uns umas seu sua seus suas nosso nossa nossos nossas meu minha este esta esse essa estes estas esses essas "
    "aquele aquela todo toda todos todas cada outro outra outros outras algum alguma alguns algumas nenhum nenhuma muito muita muitos "
    "muitas pouco poucas poucos pouca mais menos quais qual quanto varios varias ultimo ultima ultimos ultimas primeiro primeira primeiros primeiras",
    "P": "de em por para com sem sob sobre entre desde contra apos pra ate do da dos das no na nos nas ao aos pelo pela pelos pelas num "
    "numa neste nesta nesse nessa deste desta desse dessa antes depois perto conforme tal",
    "R": "ja so hoje agora ainda tambem aqui la assim sempre quase apenas somente nunca bem mal muito mais menos antes depois amanha nao "
    "tao tanto ontem melhor demais logo cedo tarde talvez perto longe gratis dele dela deles delas",
    "O": "voce voces ele ela eles elas eu gente quem isso isto tudo nada",
    "J": "e ou mas nem",
    "Q": "que quando se como onde porque pois enquanto embora quem caso quanto cade",
    "T": "me te lhe se nos",
}
_KINDS: dict[str, str] = {}
for _kind, _words in _OF_KIND.items():
    for _word in _words.split():
        _KINDS[_word] = _KINDS.get(_word, "") + _kind
_KINDS["gente"] = "ON"
_PAST = frozenset("viu vimos quis fez fizemos veio leu deu disse trouxe ama amam ve".split())
"""Irregular finite verbs that no ending tells."""
_NO_OBJECT = frozenset("venha vem volte volta corra corre vamos olhe toque clique".split())
"""Commands that no noun follows directly."""
_HELP = frozenset(
    "venha vem volte corra corre vamos pode podem deve devem quer querem vai vao precisa precisam".split()
)
"""Verbs that an infinitive follows directly."""
_COMMANDS_AND_VERBS = forms.COMMANDS | forms.VERBS
_LINKING = frozenset(
    "eh sao foi foram era estah estao fica ficou ficam continua continuam segue parece chegou chega esperando tem".split()
)
_SUBJUNCTIVE = frozenset(
    "acabe acabem seja sejam chegue cheguem vencam termine terminem precise quiser merece-se".split()
)
_MOST = 60
"""Tokens of a sentence that are read."""


@lru_cache(maxsize=4096)
def kinds_of(token: str) -> str:
    """The kinds a folded token may be: D(eterminer) P(reposition) R (adverb) O (pronoun) J(oins) Q(ue) T (object pronoun), N(oun or
    adjective), # number, I(mperative), F(inite verb), S(ubjunctive), X (infinitive), G(erund), and signs as they stand."""
    if not token[0].isalnum():
        return token[0]
    if forms.is_number(token):
        return "#"
    if token in _SUBJUNCTIVE:
        return "S"
    if token in _PAST:
        return "F"
    kinds = _KINDS.get(token, "")
    if token in forms.COMMANDS and token not in forms.NOUN_TOO and token != "vem":
        return kinds + "IS"
    if token in forms.FINITE and token not in ("ser", "ter", "estar"):
        return kinds + "F"
    if token in ("ser", "ter", "estar") or forms.is_infinitive(token):
        return kinds + "X"
    if forms.is_gerund(token):
        return kinds + "G"
    if token in forms.VERBS:
        kinds += _verb_kind(token)
        return kinds + ("N" if token in forms.NOUN_TOO or token in lexicon.NOUNS else "")
    if kinds:
        return kinds
    if forms.is_finite(token):
        return "F"
    return (
        "N"
        + ("F" if forms.is_verb(token) else "")
        + ("I" if token.endswith(("e", "a", "em")) and token not in lexicon.NOUNS and is_known(token) else "")
    )


def _is_listed_verb(token: str) -> bool:
    return token in _COMMANDS_AND_VERBS or token in forms.FINITE or (forms.is_verb(token) and is_known(token))


def _verb_kind(token: str) -> str:
    return "FI" if token.endswith(("a", "e", "am", "em")) else "F"


_NOUN_STEPS = {
    "D": ("d", 0.0),
    "N": ("n", 0.0),
    "#": ("#", 0.0),
    "P": ("p", 0.0),
    "R": ("r", 0.0),
    "O": ("o", 0.0),
    "Q": ("q", 0.0),
}
_SIGNS = {",": ("c", 0.0), ":": ("s", 0.0)}
_STEPS: dict[str, dict[str, tuple[str, float]]] = {
    "s": {**_NOUN_STEPS, "F": ("v", 0.0), "I": ("v", 0.0), "X": ("v", 0.3)},
    "c": {**_NOUN_STEPS, "F": ("v", 0.0), "I": ("v", 0.0), "X": ("v", 0.3), "G": ("v", 0.0), "J": ("j", 0.0), "T": ("t", 0.3)},
    "d": {"N": ("n", 0.0), "#": ("#", 0.0), "D": ("d", 0.0), "Q": ("q", 0.0), "R": ("d", 0.3)},
    "p": {"D": ("e", 0.0), "N": ("n", 0.0), "#": ("#", 0.0), "O": ("n", 0.0), "X": ("v", 0.0), "R": ("r", 0.0), "Q": ("q", 0.0)},
    "n": {"N": ("n", 0.0), "P": ("p", 0.0), "R": ("r", 0.0), "J": ("j", 0.0), "Q": ("q", 0.0), "F": ("v", 0.0), "G": ("v", 0.0),
          "T": ("t", 0.0), "#": ("#", 0.4), "D": ("d", 0.7), "O": ("o", 0.5), **_SIGNS},
    "o": {"F": ("v", 0.0), "T": ("t", 0.0), "R": ("o", 0.0), "J": ("j", 0.0), "P": ("p", 0.5), "Q": ("q", 0.5), **_SIGNS},
    "r": {**_NOUN_STEPS, "F": ("v", 0.0), "I": ("v", 0.0), "G": ("v", 0.0), "J": ("c", 0.0), "T": ("t", 0.0), **_SIGNS},
    "v": {"D": ("d", 0.0), "N": ("n", 0.0), "#": ("#", 0.0), "P": ("p", 0.0), "R": ("r", 0.0), "O": ("n", 0.5), "J": ("k", 0.0),
          "Q": ("q", 0.0), "T": ("n", 0.5), **_SIGNS},
    "j": {**_NOUN_STEPS, "R": ("j", 0.0), "O": ("n", 0.0), "P": ("p", 0.5), "I": ("v", 0.0), "F": ("v", 0.0), "X": ("v", 0.4)},
    "k": {"R": ("k", 0.0), "I": ("v", 0.0), "F": ("v", 0.0), "X": ("v", 0.4), "T": ("t", 0.0), "P": ("p", 0.7)},
    "q": {"D": ("d", 0.0), "N": ("n", 0.0), "#": ("#", 0.0), "O": ("o", 0.0), "F": ("v", 0.0), "R": ("q", 0.0), "T": ("t", 0.0),
          "S": ("v", 0.0), "I": ("v", 0.6), "X": ("v", 0.3), "P": ("p", 0.2)},
    "t": {"F": ("v", 0.0), "X": ("v", 0.0), "S": ("v", 0.0), "G": ("v", 0.0)},
}  # fmt: skip
"""Where a word of a kind leads, and what it costs: s(tart), after a c(omma), a d(eterminer), a p(reposition), a n(oun), a
pr(o)noun, an adve(r)b, a (v)erb, an "e" between nouns (j) or after a verb (k), a "(q)ue", an objec(t) pronoun."""
_STEPS["#"] = _STEPS["n"] | {"N": ("n", 0.0), "J": ("k", 0.0)}
_STEPS["w"] = {kind: step for kind, step in _STEPS["v"].items() if kind not in "DN#O"}  # verbs without an object
_STEPS["e"] = _STEPS["d"] | {"D": ("e", 0.0)}  # a determiner after a preposition
_STEPS["b"] = _STEPS["v"]  # a form of "ser" that opens a clause
_AFTER_KIND = {
    "D": "d",
    "P": "p",
    "R": "r",
    "O": "o",
    "N": "n",
    "#": "#",
    "J": "j",
    "Q": "q",
    "T": "t",
} | dict.fromkeys("IFSXG", "v")
_OPEN = frozenset("depjkqt")
"""Where no clause ends."""
_NONE, _HAS_FINITE, _COMMAND, _INNER, _AWAITED, _WISHED, _RELATIVE = range(7)
"""What verb a clause has had; ``_AWAITED``: a clause with "que", "se" or "quando" that must have one; ``_WISHED``: that may have a
subjunctive; ``_RELATIVE``: that belongs to the subject of a clause, whose own verb follows; ``_INNER``: when it has its own."""


_State = tuple[str, int, bool, bool]
"""(place, the clause's verb, whether any clause had a verb, whether one had a noun that no preposition governs)."""


def parsed(sentence: Sentence) -> tuple[float, bool]:
    """(how much of a sentence fits no clause: 0 for none, about 1 for each place where it breaks; whether its best reading has a
    finite verb or a command)."""
    paths: dict[_State, float] = {("s", _NONE, False, False): 0.0}
    before = ""
    for token in sentence.tokens[:_MOST]:
        following: dict[_State, float] = {}
        for (place, verb, acts, heads), cost in paths.items():
            for kind in kinds_of(token):
                to, had, more = _step(place, verb, before, kind, token)
                now_acts = acts or (kind in "IF" and _is_listed_verb(token))
                key = (to, had, now_acts, heads or (kind in "NO#" and place in "scrd"))
                following[key] = min(following.get(key, float("inf")), cost + more)
        paths, before = following, token
    ends = []
    for (place, verb, acts, heads), cost in paths.items():
        about_nothing = not acts and not heads and not sentence.raw.endswith(("!", "?"))
        ends.append((cost + float(place in _OPEN or verb >= _AWAITED) + 0.6 * about_nothing, not acts))
    faults, verbless = min(ends)
    dangling = sentence.tokens[-1] in _SIDE and sentence.tokens[-2:-1] not in (("para",), ("pra",))
    return faults + 0.5 * dangling, not verbless


def _step(place: str, verb: int, before: str, kind: str, token: str) -> tuple[str, int, float]:
    """(the place after a word, the clause's verb so far, the cost)."""
    if kind in ",:":
        return _SIGNS[kind][0], _NONE, float(place in _OPEN or verb >= _AWAITED)
    if kind not in _AFTER_KIND:
        return place, verb, 0.0
    to, cost = _STEPS[place].get(kind, (_AFTER_KIND[kind], 1.0))
    if kind in "IFS":
        return _verb_step(place, verb, kind, token, cost)
    if kind == "Q":
        had = _RELATIVE if place == "n" and verb == _NONE else _AWAITED
        had = _WISHED if before in _WISHES or token in _WISHES else had
        lost = (verb >= _AWAITED and place in "qp") or (
            token in _THAT and before in _TELLS_NOTHING
        )  # "que antes que", "ganhe que"
        return to, had, 0.8 if lost or (place in "de" and before != "o") else cost
    if kind == "D" and place in "de" and token in _OWN:
        return "n", verb, 0.0
    if kind == "P" and place == "q" and token == "tal":
        return to, _NONE, 0.0
    return to, verb, _cost_beside_verbs(place, verb, before, kind, token, cost)


def _verb_step(place: str, verb: int, kind: str, token: str, cost: float) -> tuple[str, int, float]:
    """A verb's place, and what it costs: a clause has one; "e" joins a command to a command; a subjunctive wants its "que"."""
    wanted = _COMMAND if kind == "I" else _INNER if verb == _RELATIVE else _HAS_FINITE
    if kind == "F" and verb == _INNER:
        cost = 0.0
    elif kind == "S":
        cost = 0.0 if verb == _WISHED else 0.8
    elif kind == "I" and (place == "n" or (place not in "sck" and token not in _COMMANDS_AND_VERBS)):
        cost = 1.0
    elif kind == "I" and verb >= _AWAITED:
        cost = max(cost, 0.6)
    elif place in "jk":
        cost = max(cost, 0.0 if verb == wanted else 0.5 if verb == _HAS_FINITE else 1.0)
    elif verb in (_HAS_FINITE, _COMMAND):
        cost = max(cost, 1.0)
    opens = place in "sr" and token in _BE
    return "b" if opens else "w" if token in _NO_OBJECT else "v", wanted, cost


def _cost_beside_verbs(place: str, verb: int, before: str, kind: str, token: str, cost: float) -> float:
    """What a word that is no finite verb costs where it stands."""
    if kind == "N":
        bare = (
            place == "q" and before == "que"
        )  # "frete que semana": after "que" stands a verb, a pronoun or an article
        called = place == "b" and token in lexicon.NOUNS and token not in _TIMELY  # "é semana"
        return cost + _misjoined_noun(place, before, token) + 0.8 * bare + called
    if kind == "P" and token in _LEADS and token not in _SIDE:
        return 0.0
    if kind == "P" and place in "sbrp":
        lost = (
            place == "b"
            or (place == "s" and before == ":")
            or (place in "sr" and before in ("so", "") and token in _OF)
        )
        may = place == "p" and ((before, token) in MAY or before in _LEADS)
        return 0.6 if lost else 0.0 if may else cost
    if kind == "R" and ((place == "n" and token in _SIDE) or (place in "depjk" and token in _AFTER_NOUN)):
        return 0.7
    if kind == "J":
        return 0.6 if (place == "r" and before not in _TIMES) or before in _AFTER_NOUN else cost
    if kind == "X" and place in "vwb":
        return float(before not in _HELP)
    if kind == "X" and place == "d" and before == "a":  # voltar a cuidar
        return 0.0
    if kind == "G" and place != "t":
        return 0.0 if (place in "vwb" and before in _LINKING) or (place in "nrc#" and verb == _HAS_FINITE) else 0.8
    return cost


def _misjoined_noun(place: str, before: str, token: str) -> float:
    """What is wrong with a noun or adjective after another that is not of its number, an adjective that no noun goes before, and a
    bare noun after an adverb such as "so"."""
    if place == "n" and before not in forms.PLURAL_WITHOUT_S and token not in _EITHER and before not in _EITHER:
        several, of_several = before.endswith("s"), token.endswith("s")
        described = _ADJECTIVE.search(token) is not None and token not in lexicon.NOUNS
        return 0.6 * (several != of_several and (of_several or described))
    if place in "de" and before in _ONE and token.endswith("s") and token not in forms.SINGULAR_IN_S and len(token) > 3:
        return 0.7
    if token in _AFTER_NOUN and place in "depjk":
        return 0.8
    return 0.5 * (place == "r" and token in lexicon.NOUNS and before in _LIMITS)


_ADJECTIVE = re.compile(
    r"(?:[aeiou]d|nov|barat|especi|querid|favorit|gratuit|complet|clar)[oa]s?$|[aei](?:l|is)$|[aei]vel$"
)
_EITHER = frozenset("gratis mais-vendidos mais pet shop tenis black friday off simples app".split())
_ONE = frozenset("o a um uma".split())
_AFTER_NOUN = frozenset("gratis off".split())
_TIMES = frozenset("hoje amanha agora aqui la mais sempre bem".split())
_LIMITS = frozenset("so ja ainda quase apenas somente".split())
_WISHES = frozenset("antes para ate sem desde se quando caso onde enquanto quem embora importante".split())
_BE = frozenset("eh sao foi foram era eram".split())
_THAT = frozenset(["que"])
_TELLS_NOTHING = forms.COMMANDS - frozenset("veja confira descubra conte lembre".split())
"""Commands that no "que" follows."""
_TIMELY = frozenset("hora tempo dia dias presente promocao oferta novidade".split())
_OF = frozenset("de do da dos das".split())
_OWN = frozenset("seu sua seus suas nosso nossa nossos nossas".split())
_LEADS = frozenset("ate antes depois perto".split())
_SIDE = frozenset("antes depois perto".split())


@lru_cache(maxsize=4096)
def is_known(word: str) -> bool:
    """Whether a folded word is in one of the word lists, or is a regular form of one that is."""
    return word in _KINDS or word in forms.SMALL or _LISTED.has(word) or _root(word) in _ROOTS


_REGULAR = re.compile(r"(?:s|[aeo]s?|[aeiou]|[aei]r|[aei]m|[aei]ndo|[aei]d[ao]s?|[aei]mos|[aei]ram|ou|eu|iu)$")


def _root(word: str) -> str:
    """A word without the ending of a regular verb, adjective or noun; the whole of a short one."""
    root = _REGULAR.sub("", word)
    return root if len(root) > 2 else word


def _vocabulary() -> frozenset[str]:
    lists = [value for name, value in vars(lexicon).items() if name.isupper()]
    found: set[str] = set(forms.VERBS | forms.COMMANDS | lexicon.NOUNS | forms.KNOWN_FOREIGN | forms.FINITE)
    while lists:
        entry = lists.pop()
        if isinstance(entry, str):
            found |= set(entry.split())
        elif isinstance(entry, dict):
            lists += [*entry.keys(), *entry.values()]
        else:
            lists += list(entry)
    return frozenset(found)


_VOCABULARY = _vocabulary()
_LISTED = Words(w for w in _VOCABULARY if len(w) > 3 or not w.endswith("*"))
_ROOTS = frozenset(_root(w.rstrip("*")) for w in _VOCABULARY if len(w) > 3)
