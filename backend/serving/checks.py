"""Whether an answer can be used at all, before anybody asks how good it is."""

import json

from rewards import extract_json

JSON_TASKS = frozenset({"extraction"})
"""Tasks whose answer must hold a JSON object."""


def problem_of(task: str, text: str) -> str | None:
    """Why a task cannot use this answer, in Portuguese, as the model is told; None when it can."""
    return json_problem(text) if task in JSON_TASKS else None


def json_problem(text: str) -> str | None:
    """Why there is no JSON object with something in it, repaired if need be; None when there is one."""
    if extract_json(text):
        return None
    if "{" not in text:
        return "não há nenhum objeto"
    try:
        json.loads(text[text.index("{") :])
    except ValueError as error:
        return str(error)
    return "o objeto está vazio"
