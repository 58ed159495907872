"""What a judge answered, read strictly: a number on its scale, a choice between two, or a ``Gap`` with a name."""

import json
import re
import sys
from dataclasses import dataclass
from typing import Any

from rewards.calling import Gap

_REFUSALS = re.compile(
    r"\b(?:i\s*(?:'|’)?\s*(?:m|am)\s+(?:sorry|unable|not able)|i\s+(?:can\s*not|can\s*(?:'|’)\s*t|cannot|won't|will not|must decline)|"
    r"as an ai\b|unable to (?:assist|comply|judge|rate|evaluate)|(?:não|nao) posso|desculpe|sinto muito)",
    re.I,
)


@dataclass(frozen=True)
class Reply:
    """An answer as the endpoint gave it.

    Attributes:
        text: its text.
        finish: why it ended, in the endpoint's words.
        refusal: what the endpoint says where it refused by a field of its own; "" otherwise.
        prompt_tokens, completion_tokens: as the endpoint counted them; 0 where it does not.
    """

    text: str
    finish: str = "stop"
    refusal: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0


def score_in(reply: Reply, scale: tuple[float, float]) -> float | Gap:
    """The number under ``score``, in [low, high] of the scale; a gap in place of anything else."""
    found = _number_under(reply, "score")
    if isinstance(found, Gap):
        return found
    low, high = scale
    if not low <= found <= high:
        return Gap("out of scale", f"{found:g} is not from {low:g} to {high:g}")
    return found


def choice_in(reply: Reply) -> int | Gap:
    """The number under ``better``: 1, 2, or 0 for neither; a gap in place of anything else."""
    found = _number_under(reply, "better")
    if isinstance(found, Gap):
        return found
    return int(found) if found in (0, 1, 2) else Gap("out of scale", f"{found:g} is none of 1, 2 and 0")


def _number_under(reply: Reply, name: str) -> float | Gap:
    """The one number that the answer's JSON has under this name."""
    text = re.sub(r"<think>.*?</think>", "", reply.text, flags=re.S).strip()
    if reply.refusal or reply.finish == "content_filter":
        return Gap("refused", reply.refusal[:120] or "the endpoint's filter")
    try:
        values = [found[name] for found in _objects(text) if name in found]
    except ValueError as error:
        return Gap("two answers", str(error))
    if not values:
        return _without_number(text, reply.finish)
    if len({json.dumps(value, sort_keys=True) for value in values}) > 1:
        return Gap("two answers", f"{len(values)} objects that differ")
    if (
        isinstance(values[0], bool)
        or not isinstance(values[0], int | float)
        or not abs(values[0]) <= sys.float_info.max
    ):  # NaN, infinity, or too large for a float
        return Gap("no number", f'"{name}" is {json.dumps(values[0])[:40]}')
    return float(values[0])


def _without_number(text: str, finish: str) -> Gap:
    """What an answer is that holds no number where one was asked for."""
    if finish == "length":
        return Gap("cut off", "the answer reached max_tokens before its number")
    if not text:
        return Gap("empty answer")
    return Gap("refused" if _REFUSALS.search(text[:300]) else "prose", _short(text))


def _objects(text: str) -> list[dict[str, Any]]:
    """Every JSON object of a text that is not inside another one.

    Raises:
        ValueError: one has the same name twice with two values.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_once)
    found: list[dict[str, Any]] = []
    place = 0
    while (place := text.find("{", place)) >= 0 and len(found) < 20:
        try:
            value, place = decoder.raw_decode(text, place)
        except (json.JSONDecodeError, RecursionError):
            place += 1
            continue
        found.append(value)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made and made[key] != value:
            raise ValueError(f'"{key}" stands twice in one object')
        made[key] = value
    return made


def _short(text: str) -> str:
    said = " ".join(text.split())
    return said if len(said) <= 80 else said[:79] + "…"
