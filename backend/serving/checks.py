"""Whether an answer can be used at all, before anybody asks how good it is."""

import json

from rewards.types import JsonAnswer, Task


def problem_of(task: Task, text: str) -> str | None:
    """Why a task cannot use this answer, as the model is told; None when it can."""
    return json_problem(task.json, text) if task.json is not None else None


def json_problem(answer: JsonAnswer, text: str) -> str | None:
    """Why there is no JSON object with something in it, repaired if need be; None when there is one."""
    if answer.parse(text).value:
        return None
    if "{" not in text:
        return answer.nothing
    try:
        json.loads(text[text.index("{") :])
    except ValueError as error:
        return str(error)
    return answer.empty
