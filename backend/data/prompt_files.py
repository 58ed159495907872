"""A team's file of prompts, of any kind that ``backend.data.sources`` reads: our own lines, TRL's chats, a table with columns.

Whatever else stands in a row is kept beside the prompt, where rewards find it by name. A file that names no split gets one: one
prompt in five is for evaluation, at most ``MOST_EVAL``, chosen by the prompt's id, so that the same file is split the same way. As
many again are for the test, if every task then has at least ``FEWEST_TEST``; a smaller file has no test prompts.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.data.jsonl import prompt_of_line
from backend.data.sources import raw_rows
from backend.data.sources.layout import Layout, UnknownLayout
from backend.errors import UserError, bad_rows, reason
from backend.records import Message, PromptRecord, Split
from backend.suites import classify, get_task, unlabelled_task

MOST_EVAL = 200
"""In all tasks together; and as many test prompts."""
FEWEST_TEST = 15
"""With fewer test prompts of a task a file has none: the verdict of a few would say less than that of the eval prompts."""
_OWN = {*PromptRecord.model_fields, "prompt"}
_SHOWN = 1_000


def read_prompt_file(path: Path, layout: Layout | None = None) -> list[PromptRecord]:
    """Read a file of prompts.

    Args:
        path: JSONL, CSV, Parquet, …
        layout: which columns are what, where their names do not say it.

    Raises:
        UserError: the file cannot be read, is empty, or has bad rows (named with their place).
    """
    prompts: dict[str, PromptRecord] = {}
    places: dict[str, str] = {}
    bad: list[str] = []
    rows, named = 0, dict[str, Split]()
    for place, row in raw_rows(path):
        rows += 1
        try:
            if isinstance(row, ValueError):
                raise row
            record = _record(row, layout or Layout(), path.name)
            if record.id in prompts:
                raise ValueError(f"the same prompt as row {places[record.id]}")
        except UnknownLayout as error:
            raise UserError(f"{path}:{place}: {error}") from error
        except (ValueError, TypeError) as error:
            bad.append(f"{path}:{place}: {reason(error)}")
            if len(bad) >= _SHOWN:
                break
            continue
        if "split" in row:
            named[record.id] = record.split
        prompts[record.id], places[record.id] = record, place
    if bad:
        raise bad_rows(f"of {rows} rows", bad)
    if not prompts:
        raise UserError(f"{path} has no prompts: one object per row, with prompt or messages")
    splits = splits_of({p.id: p.task for p in prompts.values()}, named)
    return [p.model_copy(update={"split": splits[p.id]}) for p in prompts.values()]


def _record(row: dict[str, Any], layout: Layout, source: str) -> PromptRecord:
    if set(row) <= _OWN and isinstance(row.get("task"), str) and not isinstance(row.get("prompt"), list):
        return prompt_of_line(row, source)
    beside = {name: value for name, value in row.items() if name not in ("facts", "split", "form", "source")}
    mapped = layout.mapped(beside, needs_completion=False)
    messages = [Message.model_validate(m) for m in mapped.messages]
    user_text = "\n".join(m.content for m in messages if m.role == "user")
    task = get_task(mapped.task or unlabelled_task() or classify(user_text))
    if task.system_prompt and messages[0].role != "system":
        messages.insert(0, Message(role="system", content=task.system_prompt))
    facts = row.get("facts") or {}
    if not isinstance(facts, dict):
        raise ValueError(f"facts is {type(facts).__name__}; give an object")
    given = {"split": row["split"]} if "split" in row else {}
    return PromptRecord.model_validate(
        {
            "task": task.name,
            "messages": messages,
            "facts": {**facts, **mapped.columns},
            "source": source,
            "form": mapped.form,
            **given,
        }
    )


def splits_of(tasks: Mapping[str, str], named: Mapping[str, Split]) -> dict[str, Split]:
    """The split of every prompt of a file: what the file names, and then ``train`` where it names none; if it names no split at
    all, of every task one prompt in five for evaluation, as many for the test; see the module.

    Args:
        tasks: prompt id -> its task.
        named: prompt id -> the split in its row.
    """
    splits: dict[str, Split] = dict.fromkeys(tasks, "train")
    if named:
        return splits | dict(named)
    by_task: dict[str, list[str]] = {}
    for prompt_id in sorted(tasks):
        by_task.setdefault(tasks[prompt_id], []).append(prompt_id)
    most = max(1, MOST_EVAL // len(by_task))
    fifths = {task: len(of_task) // 5 for task, of_task in by_task.items()}
    tested = min(fifths.values()) >= FEWEST_TEST
    for task, of_task in by_task.items():
        evaluated = min(most, fifths[task])
        end = evaluated + min(max(most, FEWEST_TEST), fifths[task]) * tested
        splits.update(dict.fromkeys(of_task[:evaluated], "eval"))
        splits.update(dict.fromkeys(of_task[evaluated:end], "test"))
    return splits
