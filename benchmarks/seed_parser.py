"""The parser of the seed project, rewritten from its description (handoff, Change 1), as a baseline.

Its faults are kept on purpose: it re-slices the text for every character, and reads ``[1,2]`` as ``[1.2]``.
"""

import json
import re
from typing import Any


def seed_extract_json(text: str) -> dict[str, Any] | None:
    """Remove fences, try strict JSON, then with decimals normalised; each time also the longest ``{…}``."""
    body = re.sub(r"^```(?:json)?\s*|\s*```$", "", text.strip(), flags=re.MULTILINE).strip()
    for candidate in (body, _normalise_decimals(body)):
        widest = re.search(r"\{[\s\S]*\}", candidate)
        for piece in (candidate, widest.group() if widest else None):
            if piece is None:
                continue
            try:
                value = json.loads(piece)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                return value
    return None


def _normalise_decimals(text: str) -> str:
    out: list[str] = []
    at, in_string, escaped = 0, False, False
    while at < len(text):
        char = text[at]
        if escaped:
            escaped = False
        elif in_string and char == "\\":
            escaped = True
        elif char == '"':
            in_string = not in_string
        elif not in_string and (number := re.match(r"(\d+),(\d+)", text[at:])):
            out.append(f"{number[1]}.{number[2]}")
            at += len(number[0])
            continue
        out.append(char)
        at += 1
    return "".join(out)
