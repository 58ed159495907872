"""Find the JSON object in a completion, also with Portuguese decimals and the usual errors of small models.

The seeds' largest single gain was a parser fix (final report, V4: 3.25x on extraction), so check this code first when
a score looks wrong. The order is: strict JSON, then Portuguese numbers rewritten as JSON numbers, then missing closing
brackets added, then json-repair as the last resort. Valid JSON is returned unchanged. Every step takes time linear in
the length of the text, or works on a prefix of bounded size.
"""

import json
import math
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import json_repair

from rewards.types import Parsed

JsonObject = dict[str, Any]


def extract_json(text: str) -> JsonObject | None:
    """The first JSON object in ``text``, or None. Never raises.

    Thinking blocks are removed; code fences and prose around the object are ignored. NaN and Infinity become null.

    >>> extract_json('Segue: {"nota": 4,5, "itens": [1,2]}')
    {'nota': 4.5, 'itens': [1, 2]}
    """
    return parse_json(text).value


def parse_json(text: str, repair: bool = True) -> Parsed:
    """Like ``extract_json``; also reports whether strict JSON parsing was enough.

    Args:
        text: a completion; any string.
        repair: False stops after strict JSON (profile v4.0).
    """
    if "<think>" in text:
        text = _without_thinking(text)
    first = text.find("{")
    if first < 0:
        return Parsed(None)
    if (value := _strict(text, first)) is not None:
        return Parsed(value, strict=True)
    for start, end in islice(_candidates(text, first), _MOST_CANDIDATES):
        if start != first and (value := _strict(text, start)) is not None:
            return Parsed(value, strict=True)
        if repair and (value := _repaired(text[start:end])):
            return Parsed(value)
    return Parsed(_json_repair(text[first:]) if repair else None)


def parse_json_fully(text: str) -> Parsed:
    """Like ``parse_json``; of a broken object, the reading with more keys (edition v5).

    Where a quote is missing in the middle, or a string holds a code fence, closing the brackets alone loses fields that
    json-repair keeps.
    """
    found = parse_json(text)
    if found.strict or found.value is None:
        return found
    text = _without_thinking(text) if "<think>" in text else text
    other = _json_repair(_portuguese_numbers(text[text.find("{") :][:_REPAIR_LENGTH]))
    return Parsed(other) if other is not None and len(other) > len(found.value) else found


# None of these patterns backtracks: each matches completely, or the search moves on by one character.
_THINK = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
_STRUCTURE = re.compile(_STRING + r"|[{}]|\n```", re.DOTALL)
_MOST_CANDIDATES = 8


def _without_thinking(text: str) -> str:
    """Drop ``<think>`` blocks, closed or not; one inside the JSON answer (after its first brace) is content."""
    kept, at = [], 0
    for block in _THINK.finditer(text):
        if "{" in text[at : block.start()]:
            break
        kept.append(text[at : block.start()])
        at = block.end()
    return "".join(kept) + text[at:]


without_thinking = _without_thinking
"""For other modules; the older profiles' fingerprints hold the name above."""


def _candidates(text: str, first: int) -> Iterator[tuple[int, int]]:
    """(start, end) of each part of the text that may be the object: every balanced ``{…}`` outside strings, in order.

    An object that is never closed ends at the next code fence, or at the end of the text. A fence also ends an open
    string, because a JSON string contains no raw line break.
    """
    opened: list[int] = []
    for token in _STRUCTURE.finditer(text, first):
        kind = token.group()
        if kind == "{":
            opened.append(token.start())
        elif kind == "}" and opened:
            start = opened.pop()
            if not opened:
                yield start, token.end()
        elif opened and (fence := kind.find("\n```")) >= 0:
            yield opened[0], token.start() + fence
            opened = []
    if opened:
        yield opened[0], len(text)


def _finite(number: str) -> float | None:
    value = float(number)
    return value if math.isfinite(value) else None


# NaN and Infinity are not JSON: the strict decoder rejects them. A number too large for a float becomes null.
def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse)


def _strict(text: str, start: int = 0) -> JsonObject | None:
    try:
        value, _ = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):  # not JSON, an integer of thousands of digits, or nested too deep
        return None
    return value if isinstance(value, dict) else None


def _repaired(candidate: str) -> JsonObject | None:
    if ":" not in candidate:  # "{campo}" in prose is not an object
        return None
    candidate = _portuguese_numbers(candidate)
    return _strict(candidate) or _closed(candidate) or _json_repair(candidate)


_BRACKET_OR_COMMA = re.compile(_STRING + r"|[{}\[\],]", re.DOTALL)


def _closed(candidate: str) -> JsonObject | None:
    """The object of a text that was cut off before its closing brackets; None if adding them does not give JSON.

    A string that was cut is closed and kept. Any other incomplete member at the end is left out.
    """
    open_brackets: list[str] = []
    piece, comma, depth_at_comma = "", -1, 0
    for match in _BRACKET_OR_COMMA.finditer(candidate):
        piece = match.group()
        if piece in "{[":
            open_brackets.append("}" if piece == "{" else "]")
        elif piece in "}]":
            if open_brackets:
                open_brackets.pop()
        elif piece == ",":
            comma, depth_at_comma = match.start(), len(open_brackets)
    if not open_brackets or len(open_brackets) > _REPAIR_DEPTH:
        return None
    closing = "".join(reversed(open_brackets))
    candidate = candidate.rstrip()
    in_string = piece.startswith('"') and candidate.endswith(piece.rstrip()) and _strict(f'{{"":{piece}}}') is None
    whole = candidate.removesuffix("\\") + '"' if in_string else candidate.rstrip(", \n\t\r")
    value = _strict(whole + closing)
    if value is None and comma >= 0:  # the last member is incomplete: drop everything after the last comma
        value = _strict(candidate[:comma] + closing[len(open_brackets) - depth_at_comma :])
    return value


# A number in value position, as Brazilians write it (4,5 · 1.234,56 · 1.234.567 · R$ 12,90), and the text after it up
# to the end of the value. Strings are matched first, so that nothing inside a string is changed.
_VALUE = re.compile(
    _STRING + r"|:\s*+(?P<money>R\$\s*+)?"
    r"(?P<number>-?(?:\d{1,3}(?:\.\d{3})++(?!\d)(?:,\d++)?|\d++,\d++|\d++(?:\.\d++)?))"
    r'(?P<rest>[^,}\]\n"\']{0,40}+)(?=[,}\]\n]|\Z|(?<=\s)")',
    re.DOTALL,
)


def _portuguese_numbers(text: str) -> str:
    """``text`` with Portuguese numbers in value position rewritten as JSON numbers.

    Arrays are not changed, because ``1,5`` in an array may be two numbers. A number with a unit (``4,5 dias``,
    ``12,5%``) becomes a string, so that the unit is not lost.
    """
    return _VALUE.sub(_json_number, text)


def _json_number(match: re.Match[str]) -> str:
    number = match["number"]
    if number is None:
        return match.group()
    unit = match["rest"].strip()
    if unit:
        if unit.startswith(("//", "/*", "#", ".", "e", "E", ":")):  # a comment, or the number continues
            return match.group()
        return f": {json.dumps((match['money'] or '') + number + match['rest'].rstrip(), ensure_ascii=False)}"
    dots = number.count(".")
    if "," in number or dots > 1 or (dots and match["money"] and len(number.rsplit(".")[-1]) == 3):
        number = number.replace(".", "").replace(",", ".")
    return f": {_json_digits(number)}{match['rest']}"


def _json_digits(number: str) -> str:
    """Without the leading zeros that JSON forbids (``007`` -> ``7``)."""
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    whole, dot, fraction = digits.partition(".")
    return sign + (whole.lstrip("0") or "0") + dot + fraction


# json-repair has had endless loops and recursion errors on odd input, and takes quadratic time on some. So it gets only
# a prefix of bounded size; real answers are smaller than these bounds.
_REPAIR_LENGTH = 6_000
_REPAIR_DEPTH = 48
_REPAIR_OPENINGS = 192
_OPENING = re.compile(_STRING + r"|[{}\[\]]", re.DOTALL)


def _json_repair(candidate: str) -> JsonObject | None:
    try:
        value = json_repair.loads(_bounded(candidate))
    except Exception:  # a third-party parser may raise anything on odd text; then nothing was recovered
        return None
    if isinstance(value, list):  # several values in a row: the first object counts
        value = next((item for item in value if isinstance(item, dict)), None)
    return _finite_values(value) if isinstance(value, dict) else None


def _bounded(text: str) -> str:
    text = text[:_REPAIR_LENGTH]
    depth = openings = 0
    for token in _OPENING.finditer(text):
        if token.group() in "{[":
            depth, openings = depth + 1, openings + 1
            if depth > _REPAIR_DEPTH or openings > _REPAIR_OPENINGS:
                return text[: token.start()]
        elif token.group() in "}]":
            depth -= 1
    return text


def _finite_values(value: Any) -> Any:
    """``value`` with NaN and infinities replaced by None. Depth is bounded by ``_bounded``."""
    if isinstance(value, dict):
        return {k: _finite_values(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite_values(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
