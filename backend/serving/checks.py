"""Check whether an answer can be used at all (for JSON tasks: whether it contains JSON)."""

import json

from rewards.types import JsonAnswer, Task


def problem_of(task: Task, text: str) -> str | None:
    """Why a task cannot use this answer, in words for a retry prompt to the model; None when it can."""
    return json_problem(task.json, text) if task.json is not None else None


def json_problem(answer: JsonAnswer, text: str) -> str | None:
    """Why the text has no non-empty JSON object (after repair); None when it has one."""
    if answer.parse(text).value:
        return None
    if "{" not in text:
        return answer.nothing
    try:
        json.loads(text[text.index("{") :])
    except ValueError as error:
        return str(error)
    return answer.empty
