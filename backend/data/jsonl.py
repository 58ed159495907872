"""Prompt sets as JSONL: the project's own files and a user's.

Each line is an object with ``task``, and ``messages`` (a chat) or ``prompt`` (the user's text alone), and optionally
``facts`` and ``split``. If a file has bad lines, all of them are reported, and nothing is imported.
"""

from pathlib import Path
from typing import Any

from backend.errors import UserError, bad_rows, reason
from backend.files import load_users_line, numbered_lines, read_users_text, write_whole
from backend.records import Message, PromptRecord
from backend.suites import get_task, tasks

_SOURCE = 200
"""Characters of a prompt's source that are kept."""


def read_prompts(path: Path) -> list[PromptRecord]:
    """Read a JSONL file of prompts.

    Args:
        path: the file, UTF-8 (a byte order mark is fine).

    Raises:
        UserError: the file cannot be read, is empty, or has bad lines (named with file, line and reason).
    """
    lines = list(numbered_lines(read_users_text(path)))
    prompts: list[PromptRecord] = []
    bad: list[str] = []
    first_seen: dict[str, int] = {}
    for number, line in lines:
        try:
            prompt = prompt_of_line(load_users_line(line), path.name[:_SOURCE])
        except (ValueError, TypeError) as error:
            bad.append(f"{path}:{number}: {reason(error)}")
            continue
        if prompt.id in first_seen:
            bad.append(f"{path}:{number}: the same prompt as line {first_seen[prompt.id]}")
        first_seen.setdefault(prompt.id, number)
        prompts.append(prompt)
    if bad:
        raise bad_rows(f"of {len(lines)} lines", bad)
    if not prompts:
        raise UserError(f"{path} has no prompts: one JSON object per line, with task and prompt or messages")
    return prompts


def write_prompts(path: Path, prompts: list[PromptRecord]) -> None:
    """Write prompts as JSONL; a reader sees the old file or the complete new one."""
    write_whole(path, "".join(p.model_dump_json() + "\n" for p in prompts))


def prompt_of_line(row: Any, source: str) -> PromptRecord:
    """One line's object as a prompt.

    Raises:
        ValueError: something is missing or of the wrong kind, or no suite has the task.
    """
    if not isinstance(row, dict):
        raise ValueError("the line is not a JSON object")
    row = dict(row)
    if ("prompt" in row) == ("messages" in row):
        raise ValueError("give either prompt (text) or messages (a chat)")
    if "prompt" in row:
        text = row.pop("prompt")
        if not isinstance(text, str):
            raise ValueError("prompt must be text; for a chat use messages")
        row["messages"] = [Message(role="user", content=text)]
        known = tasks().get(row["task"]) if isinstance(row.get("task"), str) else None
        if known is not None and known.system_prompt:
            row["messages"].insert(0, Message(role="system", content=known.system_prompt))
    row.setdefault("source", source)
    record = PromptRecord.model_validate(row)
    if len(record.source) > _SOURCE:
        raise ValueError(f"source has {len(record.source)} characters; at most {_SOURCE} are kept")
    get_task(record.task)  # a line with an unknown task is bad
    return record
