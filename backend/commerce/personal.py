"""Find and mask personal data in free text (LGPD, Lei 13.709/2018). By default an import does this to reviews.

It finds documents (CPF, CNPJ, RG, CNH), number plates, card and bank account numbers, phones, e-mails, PIX keys, postal codes, street
addresses, birth dates, profiles in social networks, and people's names; ``personal_forms`` has the forms, and
``personal_people`` the names. Order numbers, part numbers, prices, dates and 0800 numbers are not personal. A first name
alone in a sentence is not found, so masking lowers the risk but does not remove it.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from backend.commerce.personal_forms import FORMS, NOT_PERSONAL, is_cnpj, is_cpf
from backend.commerce.personal_people import people
from rewards.text import fold

__all__ = ["Found", "find", "is_cnpj", "is_cpf", "mask"]

_SAME_LENGTH = {"\u00a0": " ", "\u202f": " ", "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-"}


def _plain_table() -> dict[int, str]:
    """Each Latin letter without its accent in lower case; every entry is one character, so that positions stay."""
    table = {ord(c): plain for c, plain in _SAME_LENGTH.items()}
    for code in range(ord("A"), 0x250):
        plain = fold(chr(code))
        if len(plain) == 1 and plain.isalpha() and plain.isascii():
            table[code] = plain
    return table


_PLAIN = _plain_table()


@dataclass(frozen=True)
class Found:
    """Personal data at ``text[start:end]``."""

    kind: str
    start: int
    end: int


def find(text: str) -> list[Found]:
    """Where personal data stand in ``text`` (composed characters, NFC), in order and without overlap.

    Kinds: e-mail, perfil, PIX, cartão, CNPJ, CPF, RG, CNH, documento, placa, conta, nascimento, telefone, CEP, endereço, nome.
    Linear in the text's length.
    """
    return sorted(_each(text), key=lambda found: found.start)


def _each(text: str) -> Iterator[Found]:
    plain = text.translate(_PLAIN)
    digits = re.search(r"\d", plain) is not None  # most texts have none, and most forms need one
    left = plain
    if digits:
        left = _blanked(plain, [match.span("n") for pattern in NOT_PERSONAL for match in pattern.finditer(plain)])
    for form in FORMS:
        if form.digits and not digits:
            continue
        spans = [span for match in form.pattern.finditer(left) if form.holds(match) for span in form.spans(match)]
        yield from (Found(form.kind, *span) for span in spans)
        left = _blanked(left, spans)
    yield from (Found("nome", *span) for span in people(text, left))


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with each span overwritten by NUL characters, so that later patterns do not see it."""
    pieces, end = [], 0
    for start, stop in sorted(spans):
        if start >= end:
            pieces += [text[end:start], "\0" * (stop - start)]
            end = stop
    return "".join([*pieces, text[end:]])


def mask(text: str) -> tuple[str, Counter[str]]:
    """The text with personal data replaced by ``[kind]``, and how many of each kind there were (see ``find``)."""
    composed = unicodedata.normalize("NFC", text)
    found = find(composed)
    if not found:
        return text, Counter()
    pieces, end = [], 0
    for item in found:
        pieces += [composed[end : item.start], f"[{item.kind}]"]
        end = item.end
    return "".join([*pieces, composed[end:]]), Counter(item.kind for item in found)
