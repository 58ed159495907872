"""Push: a segment and an occasion -> one notification of at most 120 characters.

Source: final report §10 and §3 (V4.2.1: steep length decay, formal penalty).
"""

import re

from rewards.commerce.echo import unless_echo
from rewards.commerce.lexicon import FORMAL_WORDS, IMPERATIVES, OFFER_WORDS, PORTUGUESE_WORDS, STOCK_PHRASES
from rewards.commerce.profiles import Rules
from rewards.text import fold, starts_word, visible, visible_length, words
from rewards.types import Bubble, Components, Guideline, Probe, Reward, Task, Text

MAXIMA = {"length": 0.50, "portuguese": 0.30, "creativity": 0.20, "formal_penalty": -0.20}
_FULL, _NONE = 120, 200


def _components_of(completion: str, prompt: str, profile: Rules) -> Components:
    shown = visible(unless_echo(completion, prompt, profile))
    folded = fold(shown)
    formal = profile.push_penalties and any(starts_word(folded, word) for word in FORMAL_WORDS)
    return {
        "length": 0.50 * length_share(visible_length(shown), steep=profile.push_penalties),
        "portuguese": 0.30 if is_portuguese(shown, folded) else 0.0,
        "creativity": 0.20 if is_creative(shown, folded) else 0.0,
        "formal_penalty": -0.20 if formal else 0.0,
    }


def length_share(n: int, steep: bool = True) -> float:
    """1 up to 120 visible characters; then a cubic fall to 0 at 200 (0.42 at 140). 0 for an empty text.

    With ``steep=False``, as before v4.2.1, the fall is slow: 120/n, so even an essay scores above 0.
    """
    if n == 0:
        return 0.0
    if n <= _FULL:
        return 1.0
    if not steep:
        return _FULL / n
    return max(0.0, (_NONE - n) / (_NONE - _FULL)) ** 3


def is_portuguese(shown: str, folded: str) -> bool:
    """Whether the text has an accented letter of Portuguese or one of its function words."""
    return not _ACCENTED.isdisjoint(shown) or not PORTUGUESE_WORDS.isdisjoint(words(folded))


def is_creative(shown: str, folded: str) -> bool:
    """Whether the text has an emoji, an imperative or an offer; words inside stock phrases do not count."""
    if any(_is_emoji(c) for c in set(shown)):
        return True
    if ("%" in folded or "r$" in folded) and _AMOUNT.search(folded):
        return True
    for phrase in STOCK_PHRASES:
        folded = folded.replace(phrase, " ")
    said = set(words(folded))
    return bool(said & IMPERATIVES or said & OFFER_WORDS)


def _is_emoji(c: str) -> bool:
    return c > "\u2319" and _EMOJI.match(c) is not None


_ACCENTED = frozenset("áàâãéêíóôõúçÁÀÂÃÉÊÍÓÔÕÚÇ")
_EMOJI = re.compile("[\u2600-\u27bf\u2b50\u2b55\u231a\u231b\u23e9-\u23f3\U0001f000-\U0001faff]")
_AMOUNT = re.compile(r"\d\s?%|\br\$\s?\d")

REWARD = Reward(MAXIMA, _components_of)

_BRIEF = "Crie uma notificação push de até 120 caracteres para clientes com carrinho abandonado em SP."
_LONG = (
    "Aproveite agora mesmo a nossa seleção de produtos de cama, mesa e banho com frete reduzido para a sua região, "
    "parcelamento em até dez vezes e condições que só quem já comprou com a gente neste semestre vai receber aqui"
)

TASK = Task(
    "push",
    REWARD,
    label=Text("Push", "Push"),
    guideline=Guideline(
        Text("Would you send this to a customer's phone?", "Você mandaria isto para o celular de um cliente?"),
        Text(
            "Not a notification: long, formal or about notifications.",
            "Não é notificação: longa, formal ou sobre notificações.",
        ),
        Text("Short enough, but generic or off the brief.", "Curta, mas genérica ou fora do pedido."),
        Text("Short, inviting, and on the brief.", "Curta, convidativa e dentro do pedido."),
    ),
    rendering=Bubble(Text("Your shop · now", "Sua loja · agora"), _FULL),
    probes=(
        Probe("English push", "Don't miss our sale today! 20% off everything 🎉", 0.70),
        Probe("blank push of invisible characters", "\u200b \u2060\u00ad \ufeff", 0.0),
        Probe("long push cut by zero-width spaces", "\u200b".join(_LONG), 0.50),
        Probe("short push padded with spaces", "oferta" + " " * 114, 0.70),
        Probe("formal letter", "Prezado cliente, venho por meio desta informar. Atenciosamente, a loja.", 0.60),
        Probe("prompt repeated", _BRIEF, 0.30, _BRIEF),
    ),
)
