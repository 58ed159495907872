"""What the columns of a file mean: which is the prompt, which the completion, and what the rest is.

Columns are recognised by their usual names and can be named. ``answer`` and its like are never the completion: they are what a
reward compares it with.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from backend.files import check_text

PROMPTS = ("prompt", "messages", "question", "input", "instruction", "query", "problem")
COMPLETIONS = ("completion", "completions", "response", "output", "generation", "generated_text", "prediction")
_OWN = ("id", "task", "policy", "step")
POLICIES = ("policy", "model", "model_name")
_RATING = ("rating", "human_score", "human")


class UnknownLayout(ValueError):
    """No column could be taken for the prompt or for the completion."""


@dataclass(frozen=True)
class Mapped:
    """One completion of a file.

    Attributes:
        messages: the prompt as a chat.
        form: how the file had it.
        completion: its text; "" for a row of prompts alone.
        columns: everything else in the row.
        task, id, policy, step: where the row names them.
        ratings: (rater, score, comment) where the row holds them.
    """

    messages: Sequence[Mapping[str, str]]
    form: Literal["text", "chat"]
    completion: str
    columns: Mapping[str, Any]
    task: str = ""
    id: str = ""
    policy: str = ""
    step: int | None = None
    ratings: Sequence[tuple[str, float, str]] = field(default_factory=tuple)


@dataclass(frozen=True)
class Layout:
    """Which columns are what; an empty name is found by its usual ones."""

    prompt: str = ""
    completion: str = ""
    task: str = "task"
    id: str = "id"

    def mapped(self, row: Mapping[str, Any], needs_completion: bool = True) -> Mapped:
        """A row as a completion.

        Raises:
            ValueError: a part of it is missing or of the wrong kind; the message says which.
        """
        prompt = _named(row, self.prompt, PROMPTS, "prompt")
        completion = _named(row, self.completion, COMPLETIONS, "completion") if needs_completion else ""
        messages, form = _chat(row[prompt])
        policy = next((name for name in POLICIES if isinstance(row.get(name), str)), "")
        rating = next((name for name in _RATING if name in row), "")
        taken = {
            prompt,
            completion,
            self.task,
            self.id,
            policy,
            "step",
            "ratings",
            *([rating, "rater"] if rating else []),
        }
        columns = {name: value for name, value in row.items() if name not in taken}
        check_text(columns)
        return Mapped(
            messages=messages,
            form=form,
            completion=_text(row[completion], completion) if needs_completion else "",
            columns=columns,
            task=_short(row.get(self.task, ""), self.task, 40),
            id=_short(row.get(self.id, ""), self.id, 200),
            policy=_short(row.get(policy, "") if policy else "", policy, 200),
            step=_step(row.get("step")),
            ratings=_ratings(row, rating),
        )


def _named(row: Mapping[str, Any], given: str, usual: Sequence[str], what: str) -> str:
    if given:
        if given in row:
            return given
        raise ValueError(f"there is no column {given!r}; there are {_listed(row)}")
    found = [name for name in usual if name in row]
    if not found:
        raise UnknownLayout(
            f"no column is known as the {what}: there are {_listed(row)}. "
            f"Choose it: {what.capitalize()} on the page, --{what}-column in a terminal"
        )
    return found[0]


def _listed(row: Mapping[str, Any]) -> str:
    names = list(row)
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _chat(value: Any) -> tuple[list[dict[str, str]], Literal["text", "chat"]]:
    """A prompt as messages, and how it came."""
    if isinstance(value, str):
        if not value.strip():
            raise ValueError("the prompt is empty")
        if value.lstrip().startswith("[{") and isinstance(parsed := _json(value), list):
            return _chat(parsed)  # messages that a CSV holds as text
        check_text(value)
        return [{"role": "user", "content": value}], "text"
    if not isinstance(value, list) or not value:
        raise ValueError(f"the prompt is {type(value).__name__}; give text, or a list of messages")
    messages = [_message(turn) for turn in value]
    if messages[-1]["role"] == "assistant":
        raise ValueError("the prompt ends with the assistant's turn; that is the completion")
    check_text(messages)
    return messages, "chat"


def _message(turn: Any) -> dict[str, str]:
    if not isinstance(turn, Mapping) or not isinstance(turn.get("role"), str):
        raise ValueError("a message is an object with role and content")
    role = {"developer": "system", "human": "user", "gpt": "assistant"}.get(turn["role"], turn["role"])
    role = role if role in ("system", "user", "assistant") else "user"
    content = _content(turn.get("content"))
    if not content:
        raise ValueError("a message has no text")
    return {"role": role, "content": content}


def _content(value: Any) -> str:
    """A message's text, also where it comes in parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(str(part["text"]) for part in value if isinstance(part, Mapping) and "text" in part)
    return ""


def _text(value: Any, name: str) -> str:
    """A completion's text; of messages, what the assistant said."""
    if isinstance(value, str):
        if value.lstrip().startswith("[{") and '"role"' in value and isinstance(parsed := _json(value), list):
            return _text(parsed, name)
        check_text(value)
        return value
    if isinstance(value, Mapping):
        return _text([value], name)
    if isinstance(value, list) and all(isinstance(turn, Mapping) for turn in value):
        said = [_content(turn.get("content")) for turn in value if turn.get("role", "assistant") == "assistant"]
        text = "\n".join(part for part in said if part)
        check_text(text)
        return text
    raise ValueError(f"{name} is {type(value).__name__}; give text, or a list of messages")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _short(value: Any, name: str, most: int) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError(f"{name} is {type(value).__name__}; give text or a number")
    text = str(value)
    if len(text) > most:
        raise ValueError(f"{name} has {len(text)} characters; at most {most}")
    check_text(text)
    return text


def _step(value: Any) -> int | None:
    if value is None or value == "":
        return None
    try:
        step = int(float(value))
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"step is {value!r}; give a whole number") from None
    if not 0 <= step < 2**31:
        raise ValueError(f"step is {value!r}; it must be 0 or more")
    return step


def _ratings(row: Mapping[str, Any], column: str) -> list[tuple[str, float, str]]:
    """Ratings that stand in the row: a list under ``ratings``, or one number beside its rater."""
    listed = row.get("ratings")
    if isinstance(listed, list):
        return [_rating(entry) for entry in listed]
    if not column or row[column] in (None, ""):
        return []
    return [_rating({"score": row[column], "rater": row.get("rater", "imported"), "comment": ""})]


def _rating(entry: Any) -> tuple[str, float, str]:
    if not isinstance(entry, Mapping) or "score" not in entry:
        raise ValueError("a rating is an object with rater and score")
    try:
        score = float(entry["score"])
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"a score is a number, not {str(entry['score'])[:40]!r}") from None
    if not math.isfinite(score):
        raise ValueError(f"a score is a number, not {score}")
    rater = _short(entry.get("rater"), "rater", 120).strip() or "imported"
    return rater, score, _short(entry.get("comment"), "comment", 10_000)
