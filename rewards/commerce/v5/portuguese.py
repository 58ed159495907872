"""How much a text reads like Portuguese sentences, by rules that a word list or shuffled words break.

What is checked is how small words join (an article wants its noun, a preposition its object), whether articles agree with what
follows, whether there are verbs, and whether a text repeats itself; what one word is, ``forms`` tells. All of it takes time
linear in the length of the text.
"""

# ruff: noqa: S105, PLR0911

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from rewards.commerce.v5.forms import (
    AFTER_ARTICLE,
    ARTICLES,
    COMMANDS,
    CONTRACTED,
    FINITE,
    FINITE_ONLY,
    JOINING,
    NOUN_TOO,
    PLURAL_WITHOUT_S,
    PREPOSITIONS,
    SMALL,
    VERBS,
    agrees,
    ending,
    is_command,
    is_content,
    is_finite,
    is_foreign,
    is_gerund,
    is_infinitive,
    is_number,
    is_verb,
    is_word,
)
from rewards.commerce.v5.lexicon import NOUNS, STATES
from rewards.commerce.v5.small_words import MAY, PAIRS
from rewards.text import fold

# The patterns below read folded text: lower case, no accents.
_TOKEN = re.compile(
    r"r\$ ?\d++(?:[.,]\d++)*+|\d++(?:[.,]\d++)*+(?: ?%|[a-z]++)?|[^\W\d_]++(?:['-][^\W\d_]++)*+\d*+|[,()/|\u2013\u2014\"]|:(?=\s)"
)
_BREAK = re.compile(r"(?<=[.!?;])[\s*_\"')]++|\n++")
_MARK = re.compile(r"^[\s>]*+(?:#{1,6}\s|[-*\u2022\u2013]\s|\d{1,3}[.)]\s|\|)*+")

_RUN_FAULTS = (0.0, 0.0, 0.0, 0.1, 0.7, 1.0)
"""By how many words of content stand side by side, with nothing between them."""


@dataclass(frozen=True)
class Sentence:
    """A sentence, a bullet or a row of a table.

    Attributes:
        raw: as it stands, without its list mark.
        tokens: folded words, numbers (with their unit) and commas.
        sense: from 0 to 1, how much it reads like Portuguese.
    """

    raw: str
    tokens: tuple[str, ...]
    sense: float

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The tokens that are words."""
        return tuple(filter(is_word, self.tokens))


def sentences(text: str) -> list[Sentence]:
    """The sentences of ``text``, in order; bullets and lines (rows of a table) count as sentences of their own."""
    found = []
    for piece in _BREAK.split(text):
        raw = piece[_MARK.match(piece).end() :].strip(" \t*_|")  # type: ignore[union-attr]
        tokens = tuple(_TOKEN.findall(_folded(raw)))
        if tokens:
            found.append(Sentence(raw, tokens, sense_of(tokens, _strange_capitals(raw))))
    return found


_CAPITAL = re.compile(
    r"([a-z\u00e0-\u00fa0-9%,]+|\b(?:\u00c9|[OA]s?|S\u00f3|Em|N[oa]s?|Seus?|Suas?|Que|Para|De)) ([A-Z\u00c0-\u00da][a-z\u00e0-\u00fa]*+)(?![\w$])"
)
_NAMES = re.compile(
    r"WhatsApp|iPhone|YouTube|E-mail|\bPix\b|Black Friday|Cyber Monday|Ano Novo|Volta às Aulas"
    r"|(?:\b[Dd]ia|\b[Ss]emana|\b[Mm]\u00eas) d[aeo]s? [A-Z\u00c0-\u00da][a-z\u00e0-\u00fa]+"
)
"""Names that are no places, and named days: Dia das Mães, Semana do Consumidor."""
_NO_NAMES = NOUNS | SMALL
_BEFORE_NAME = frozenset("para de em do da no na com por pelo pela ao entre".split())


def _strange_capitals(raw: str) -> int:
    """Words with a capital in the middle of a sentence that name no place, and signs that sentences do not hold."""
    raw = _NAMES.sub("nome", raw)
    capitals = (m for m in _CAPITAL.finditer(raw) if fold(m[2]) not in _PLACES or m[2] == "Para")
    lost = sum(not (m[1] in _BEFORE_NAME and _may_be_name(m[2])) for m in capitals)
    return lost + sum(1 for _ in _ODD.finditer(raw))


def _may_be_name(word: str) -> bool:
    plain = fold(word)
    return len(word) > 3 and plain not in _NO_NAMES and not is_infinitive(plain)


_LEVELS = frozenset("acima abaixo".split())
_AFTER_LEVEL = frozenset("de do da dos das e ou em no na nos nas com para mas que".split())
_ONE = frozenset("o a um uma seu sua esse essa este esta".split())
_OF_MANY = frozenset(
    "sao estao foram eram podem devem vao precisam ficam indicam mostram pesam levam geram causam atrasam".split()
)
_SEVERAL = frozenset(
    "poucos poucas muitos muitas alguns algumas varios varias estes estas esses essas nossos nossas outros outras".split()
)


def _folded(text: str) -> str:
    """Folded text in which words that only an accent tells apart stay apart (``é``, ``está``, ``à``), and São Paulo is one word."""
    return fold(_SAINT.sub("Sao-", _TOLD_APART.sub(lambda m: _APART[m.group().lower()], text)))


_APART = {
    "é": "eh",
    "está": "estah",
    "tá": "estah",
    "dá": "dah",
    "dê": "deh",
    "à": "na",
    "às": "nas",
    "entre": "entreh",
}
_TOLD_APART = re.compile(r"\b(?:é|est[á]|tá|dá|dê|às?|entre(?= em\b))\b", re.I)
"""Verbs that without their accent are small words; "entre em contato", which is no preposition."""
_SAINT = re.compile(r"\bSão (?=[A-ZÀ-Ú])")


_PLACES = frozenset(
    {part for name in STATES.values() for part in name.split()}
    | set(
        "brasil luis nordeste sul sudeste norte black friday whatsapp sac swot google instagram correios natal pix sedex".split()
    )
)
_STATE_WORDS = frozenset(name for name in STATES.values() if " " not in name) - {"para"}


def sense_of(tokens: tuple[str, ...], strange: int = 0) -> float:
    """How much a sentence's tokens read like Portuguese, from 0 to 1.

    Args:
        tokens: folded.
        strange: faults that are seen only in the text as it was written (capitals in the middle).
    """
    faults, run, known, finite = float(strange), 0, 0, 0
    before, acted, subordinate = "", False, False
    for i, token in enumerate(tokens):
        following = tokens[i + 1] if i + 1 < len(tokens) else ""
        faults += _fault(token, following)
        if not (subordinate and is_infinitive(token)):
            faults += _misplaced(token, before, following)
        faults += _misjoined(before, token, following, acted)
        acted = acted or is_verb(token) or token in FINITE or (i == 0 and _MAYBE_VERB.search(token) is not None)
        subordinate = subordinate or token in _SUBORDINATES
        if token in _LINKS or not token[0].isalnum():
            finite = 0
        elif token in _VERBS_ALONE and before not in _DETERMINES:
            faults += 0.7 * (finite > 0)
            finite += 1
        before = token
        if token in SMALL or token in VERBS or not token[0].isalnum():
            known += token[0].isalnum()
            run = 0
        else:
            run = 1 if is_command(token) else run + 1
            faults += _RUN_FAULTS[min(run, len(_RUN_FAULTS) - 1)]
    if (
        len(tokens) > 2
        and tokens[0] in _ONE
        and is_content(tokens[1])
        and tokens[1][-1] != "s"
        and tokens[2] in _OF_MANY
    ):
        faults += 0.8  # "a nota estão"
    words = sum(map(is_word, tokens))
    if words >= 7 and known < 0.2 * words:
        faults += words / 6
    if words < 3 and len(tokens) > words + 3:
        faults += 2
    faults += 0.7 * max(0, tokens.count(":") - 1) + _lost_clauses(tokens)
    faults += 0.6 * (len(tokens) > 3 and tokens[-2] == ":" and tokens[-1][0].isalpha())
    faults += tokens[-1].isdigit() and len(tokens) > 2 and not _MEASURED.match(tokens[-2])
    return max(0.0, 1.0 - 4.0 * faults / (len(tokens) + 3))


_ODD = re.compile(
    r"(?<=\S) [-*#]+ (?=\S)|[^\W\d_]:[^\W\d_]|[:;,] ?[.:;,!?]|[.!?] ?[:;,]|(?<=[a-z\u00e0-\u00fa] )(?!SAC|SWOT|SMS|PIX|KPI|ROI|UF|SP|RJ|MG)[A-Z]{3,}|[a-z\u00e0-\u00fa][.!?;,][A-Z\u00c0-\u00da]|[\[\]{}\\^<>=~\ufffd]|[a-z][A-Z]|[^\W\d_][%$;][^\W\d_]"
)
"""What sentences do not hold; names such as iPhone and WhatsApp cost a little."""


_MEASURED = re.compile(r"nota|media|top|ate|de|para|[:,(]|e|score|mais|menos|abaixo|acima|so|pedido|foi|foram|eh|sao")


def _lost_clauses(tokens: tuple[str, ...]) -> float:
    """Clauses with "que" in which no verb follows."""
    lost, waiting, before = 0.0, False, ""
    for token in tokens:
        if waiting and (
            is_verb(token)
            or token in FINITE
            or (token not in NOUNS and token not in SMALL and _MAYBE_VERB.search(token))
        ):
            waiting = False
        elif waiting and not token[0].isalnum() and token not in ('"', "("):
            lost, waiting = lost + 0.8, False
        waiting = waiting or (token == "que" and before not in _COMPARES)
        before = token
    return lost + 0.8 * waiting


_COMPARES = frozenset("menor maior mais menos melhor pior".split())
_MAYBE_VERB = re.compile(r"^(?!.*(?:dade|coes|ncia)$)\w{3,}(?:[aeo]|[ae]m|i|se)$")


def _misjoined(before: str, token: str, following: str, acted: bool) -> float:
    """What is wrong with an "e" or "ou": it joins a noun to a verb, or follows a colon; ``acted``: a verb stands before."""
    if token not in ("e", "ou") or not following:
        return 0.0
    if before == ":":
        return 0.6
    if is_command(following) or (is_verb(following) and following not in NOUNS and following not in NOUN_TOO):
        return 0.0 if acted or not before else 0.8
    is_noun = is_content(following) and not is_verb(following) and following not in FINITE
    return 0.7 if is_noun and (before in _COMMANDS_ALONE or before in _STRICT_AUX or before in PREPOSITIONS) else 0.0


def _misplaced(token: str, before: str, following: str) -> float:
    """What is wrong with a word where it stands: an infinitive that nothing governs, a command in the middle of a clause, an
    amount that runs into the next word."""
    if (
        token.endswith("%")
        and before
        and before not in _BEFORE_SHARE
        and following not in _AFTER_SHARE
        and not _is_aux(before)
    ):
        return 0.6
    if (
        (token.endswith("%") or token.startswith("r$"))
        and following
        and is_content(following)
        and not is_verb(following)
    ):
        return float(following not in _AFTER_AMOUNT and (following in NOUNS or not _MAYBE_VERB.search(following)))
    at_end = not following or not following[0].isalnum()
    if token in _SECOND_OF and before != _SECOND_OF[token]:
        return 0.8
    if token in _UP_TO and before == _IN and not is_number(following or "."):
        return 1.0
    if token[0].isalpha() and token not in FINITE and is_foreign(token):
        return 0.6
    if token in _DANGLING and before not in ARTICLES and (at_end or (token in _OWNERS and following in AFTER_ARTICLE)):
        return 1.0
    if len(token) == 1 and token.isalpha() and token not in "aoe":
        return 1.0
    if not before or not before[0].isalnum():
        return 0.0
    if token[0].isdigit() and following == ":" and before not in _NUMBERED:
        return 0.6
    if (
        token.startswith("r$")
        and is_content(before)
        and not is_verb(before)
        and not before.endswith(("io", "ia", "al"))
    ):
        return 0.6
    if token in _COMMANDS_ALONE:
        return 0.0 if before in _BEFORE_COMMAND else 0.8
    if is_infinitive(token):
        governed = (
            before in PREPOSITIONS or before in _GOVERNS or before in SMALL or is_verb(before) or before in JOINING
        )
        return 0.0 if governed else 0.8
    return 0.0


_SECOND_OF = {"shop": "pet", "friday": "black", "monday": "cyber"}
"""Words of foreign names that do not stand without the first."""
_UP_TO, _IN = frozenset(["ate"]), "em"
"""Of "em até 10 vezes"; without a number it is no pair."""
_VERBS_ALONE = VERBS - FINITE - NOUN_TOO
_COMMANDS_ALONE = COMMANDS - NOUN_TOO
_SUBORDINATES = frozenset("quando se ate que assim caso onde quem".split())
_LINKS = frozenset(
    "que e ou mas porque pois se quando como onde quem quanto quantos enquanto embora porem qual quais cujo para".split()
)
_DETERMINES = frozenset(
    "seu sua seus suas nosso nossa este esta esse essa cada toda todo mais menos alguma nenhuma".split()
) | (ARTICLES | PREPOSITIONS | CONTRACTED)
_AFTER_AMOUNT = frozenset(
    "atuais atual mil milhoes milhao reais negativas negativos negativa positivas atrasadas atrasados insatisfeitos acima abaixo mensais off "
    "maior maiores menor menores cashback mensal atraso anual melhor".split()
)
_GOVERNS = frozenset(
    "importante preciso necessario possivel essencial melhor facil dificil vale hora tal prioridade objetivo".split()
)
_BEFORE_COMMAND = frozenset("e ou mas que nao ja agora entao hoje so voce depois antes tambem sempre aqui".split())
_BEFORE_SHARE = frozenset(
    "de com ate por em os as nos nas dos das a e ou ganhe leve tem mais menos so apenas pelos cerca para nota".split()
)
_AFTER_SHARE = frozenset("de do da dos das off no na nos nas em a e ) ,".split())


def _is_aux(token: str) -> bool:
    return token in FINITE or is_verb(token) or not token[0].isalnum()


def _fault(token: str, following: str) -> float:
    """What is wrong with a word and the one after it; ``following`` is empty at the end."""
    if token == following and token[0].isalnum():
        return 1.5
    if token in PAIRS and following in PAIRS and following not in PAIRS[token] and (token, following) not in MAY:
        return 0.9
    if following in _ARTICLE_OF and (token in ARTICLES or token in CONTRACTED) and not token.startswith("de"):
        return float(ending(token) != ending(_ARTICLE_OF[following]))
    if token in _SINGULAR and _MANY.match(following):
        return 1.0
    if cost := _beside_level_or_several(token, following):
        return cost
    at_end = not following or not following[0].isalnum()
    if token in ARTICLES or token in CONTRACTED:
        return _after_article(token, following, at_end)
    if token in PREPOSITIONS:
        return _after_preposition(token, following, at_end)
    if token in JOINING:
        return 1.0 if not following or following in JOINING else 0.0
    if is_number(token):
        return float(bool(following) and is_number(following))
    if token in FINITE and following in FINITE_ONLY:
        return 1.0
    if token in ("antes", "depois") and is_content(following or ".") and not at_end:
        return 0.8
    if token in _STRICT_AUX and (at_end or following in JOINING):
        return 1.0
    return _beside_noun(token, following, at_end)


def _beside_level_or_several(token: str, following: str) -> float:
    """What is wrong beside "acima" and "abaixo" ("tempo de acima", "acima recebeu"), and with one thing after "poucos" and the like."""
    if following in _LEVELS and (token in PREPOSITIONS or token in ARTICLES or token in CONTRACTED):
        return 0.9
    if token in _LEVELS and following and following not in _AFTER_LEVEL and following[0].isalpha():
        return 0.8
    one = is_content(following or ".") and not following.endswith("s") and following not in PLURAL_WITHOUT_S
    return 0.9 * (token in _SEVERAL and one)


def _after_article(token: str, following: str, at_end: bool) -> float:
    """What is wrong with the word after an article, or after a contraction with one."""
    if at_end or (following in AFTER_ARTICLE and (token, following) not in MAY):
        return float(token not in ("um", "uma"))
    if is_finite(following) and token != "a":
        return 1.0
    if is_gerund(following):
        return 1.0
    if token in CONTRACTED and (
        following in _NOT_AFTER_CONTRACTED or (token not in ("ao", "no") and is_infinitive(following))
    ):
        return 1.0
    return 0.0 if token in ("nos", "neste", "nesse") else 1.0 - agrees(token, following)


def _after_preposition(token: str, following: str, at_end: bool) -> float:
    """What is wrong with the word after a preposition."""
    if at_end:
        return 1.0
    if following in _AFTER_NO_PREPOSITION:
        return 0.0 if (token, following) in MAY else 1.0
    if is_finite(following) or is_gerund(following) or (token not in _BEFORE_ADVERB and following in _ADVERBS):
        return 1.0
    return float((token in ("de", "em", "por") and following in ("o", "a", "os", "as")) or (token, following) in _NEVER)


def _beside_noun(token: str, following: str, at_end: bool) -> float:
    """What is wrong with a noun and the word beside it, and with two commands in a row."""
    if token in _OWNERS and not at_end:
        return (
            1.0 - agrees(_ARTICLE_OF.get(token, ""), following)
            if following not in SMALL and not is_finite(following)
            else float(following not in PAIRS["seu"])
        )
    if token in ("estah", "estao") and following in NOUNS:
        return 0.8
    if (
        following in NOUNS
        and token[-1] in "osl"
        and is_content(token)
        and token not in _BEFORE_NOUN
        and not is_verb(token)
    ):
        return 0.8 if token in NOUNS else 0.5
    if token in NOUNS and not at_end:
        if following in _OWNERS:
            return 0.6
        return float(
            following in NOUNS
            or following in _NOT_AFTER_NOUN
            or following in _STATE_WORDS
            or (following[0].isdigit() and token not in _NUMBERED)
        )
    return float(is_command(token) and is_command(following) and token not in _OPENING)


_OWNERS = frozenset("seu sua seus suas nosso nossa nossos nossas meu minha este esse".split())
_DANGLING = _OWNERS | frozenset("que se como quando onde so".split())
_SINGULAR = frozenset("o do da no na ao pelo pela".split())
_MANY = re.compile(r"(?!1(?:\D|$))\d[\d.,]*%?$")
_NUMBERED = frozenset(
    "nota notas item itens vendedor dia dias semana mes lista plano top parcela parcelas categoria".split()
)
_STRICT_AUX = frozenset("eh foi sao era foram deve devem pode podem vai vao ha tem estah estao".split())
_ARTICLE_OF = {
    **dict.fromkeys(("seu", "nosso", "meu"), "do"),
    **dict.fromkeys(("sua", "nossa", "minha"), "da"),
    **dict.fromkeys(("seus", "nossos", "meus"), "dos"),
    **dict.fromkeys(("suas", "nossas", "minhas"), "das"),
}
_AFTER_NO_PREPOSITION = AFTER_ARTICLE - ARTICLES
_ADVERBS = frozenset("hoje ja so agora antes depois tambem ainda nao aqui sempre".split())
_BEFORE_ADVERB = frozenset("de para pra ate desde por entre".split())
_BEFORE_NOUN = frozenset(
    "novo novos bom bons otimo otimos ultimo ultimos primeiro primeiros proximo proximos pequeno pequenos alto altos baixo baixos "
    "boa boas nova novas otima otimas ultima ultimas primeira primeiras proxima proximas altas baixas varias muitas poucas outras mesmas todas "
    "algumas duas quatro cinco sete oito nove dez principal atual atuais real super minhas suas nossas varios muitos poucos outro outros certo certos mesmo mesmos todos alguns segundo terceiro mil dois tres seis menos mais seus "
    "nossos meus tantos quantos total excelentes melhores maiores menores grandes principais demais mais-vendidos possivel".split()
)
_NEVER = frozenset({("em", "antes"), ("em", "domingo"), ("em", "sabado"), ("em", "semana"), ("em", "fim")})
_NOT_AFTER_NOUN = frozenset("o os um uma uns umas voce voces ele ela eles elas eu gente".split())
_NOT_AFTER_CONTRACTED = frozenset(
    "hoje ja nao voce voces ele ela aqui la agora depois se como quando tambem ainda assim entao porem enquanto sempre nunca talvez "
    "apenas somente quase lhe me te eu cada porque".split()
)
_OPENING = frozenset("vem venha volte corre corra quer olha veja vamos".split())


def sense(found: Iterable[Sentence]) -> float:
    """How much sentences read like Portuguese together, each weighted by its tokens; 0 for none."""
    found = list(found)
    total = sum(len(s.tokens) for s in found)
    return sum(s.sense * len(s.tokens) for s in found) / total if total else 0.0


def novelty(found: Iterable[Sentence]) -> list[float]:
    """For each sentence, the share of its three-token sequences that no sentence before it has; numbers count as one token."""
    seen: set[tuple[str, ...]] = set()
    shares = []
    for sentence in found:
        tokens = ["#" if is_number(t) else t for t in sentence.tokens]
        runs: list[tuple[str, ...]] = [*zip(tokens, tokens[1:], tokens[2:], strict=False)] or [tuple(tokens)]
        shares.append(len({r for r in runs if r not in seen}) / len(runs))
        seen.update(runs)
    return shares


def variety(text: str) -> float:
    """1 for text that compresses as prose does, falling to 0 for text that is repetition; short texts are always 1."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) < 200:
        return 1.0
    ratio = len(zlib.compress(data, 6)) / len(data) * min(1.0, (len(data) / 4_000) ** 0.15 + 0.25)
    return min(1.0, max(0.0, (ratio - 0.16) / 0.14))
