"""A file of completions into the store: read, checked, and taken whole or not at all; the same file again adds nothing."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, get_args

from backend.access import needs
from backend.data.prompt_files import splits_of
from backend.data.sources import raw_rows
from backend.data.sources.layout import Layout, Mapped, UnknownLayout
from backend.errors import UserError, bad_rows, reason
from backend.records import Message, PromptRecord, Split
from backend.store.engine import in_turn, writing
from backend.store.events import record
from backend.store.imported import NewCompletion, add_imported
from backend.store.prompts import save_members
from backend.suites import classify, find_task, task_names, unlabelled_task
from rewards.calling import RewardFault, check_name

_BATCH = 5_000
_MOST_BAD = 1_000
_MOST_PROMPTS = 50_000
"""Of a file with more, no prompt set is made."""
_KEPT_AS_THEY_ARE = (str, int, bool, type(None))
PREVIEW = 20


@dataclass
class Taken:
    """What an import took.

    Attributes:
        rows: completions in the file.
        prompts: prompt id -> its task; the file's prompts are a set to train on, split like a file of prompts.
        splits: prompt id -> its split, of the prompts whose rows name one.
        new: those that were not in the store.
        tasks: task -> completions.
        keys: of all the file's completions, in order.
        by_id: a row's own id -> its key, for a file of ratings beside it.
        ratings: (key, rater, score, comment) of those that stood in the file.
    """

    rows: int = 0
    prompts: dict[str, str] = field(default_factory=dict)
    splits: dict[str, Split] = field(default_factory=dict)
    new: int = 0
    tasks: Counter[str] = field(default_factory=Counter)
    keys: list[str] = field(default_factory=list)
    by_id: dict[str, str] = field(default_factory=dict)
    ratings: list[tuple[str, str, float, str]] = field(default_factory=list)


def preview(path: Path, layout: Layout | None = None) -> list[Mapped]:
    """The first rows of a file as completions.

    Raises:
        UserError: it cannot be read; the message says what its columns are and how to name them.
    """
    found = []
    for place, row in islice(raw_rows(path), PREVIEW):
        try:
            if isinstance(row, ValueError):
                raise row
            found.append((layout or Layout()).mapped(row))
        except ValueError as error:
            raise UserError(f"{path}:{place}: {reason(error)}") from error
    if not found:
        raise UserError(f"{path} holds no rows")
    return found


@needs("engineer")
def import_completions(
    path: Path,
    layout: Layout | None = None,
    default_task: str = "",
    on_progress: Callable[[int], None] = lambda rows: None,
) -> Taken:
    """Take a file's completions into the store.

    Args:
        path: of any kind that ``backend.data.sources`` reads.
        layout: which columns are what.
        default_task: of rows that name none; found out where it is left out (the only task, or the classifier).
        on_progress: called with how many rows have been read.

    Raises:
        UserError: the file cannot be read, has no rows, or has bad ones (named by place); nothing was stored then.
    """
    taken, bad = Taken(), list[str]()
    default_task = default_task or unlabelled_task()
    with writing() as session:
        in_turn(session, "prompts")
        rows = _checked(path, layout or Layout(), default_task, taken, bad)
        while batch := list(islice(rows, _BATCH)):
            if not bad:
                taken.new += add_imported(session, batch)
            on_progress(taken.rows)
        if bad:
            raise bad_rows(f"of {taken.rows + len(bad)} rows of {path}", bad)
        if not taken.rows:
            raise UserError(f"{path} holds no completions")
        if len(taken.prompts) <= _MOST_PROMPTS:
            save_members(session, splits_of(taken.prompts, taken.splits), path.name)
        if taken.new:
            record(session, "imported", "completions", file=path.name, count=taken.new)
    return taken


def _checked(path: Path, layout: Layout, default_task: str, taken: Taken, bad: list[str]) -> Iterator[NewCompletion]:
    """The file's completions; bad rows are written down with their place."""
    seen: Counter[bytes] = Counter()
    for place, row in raw_rows(path):
        try:
            if isinstance(row, ValueError):
                raise row
            mapped = layout.mapped(row)
            if mapped.id and mapped.id in taken.by_id:
                raise ValueError(f"the id {mapped.id} stands in an earlier row")
            new = _new(mapped, default_task, path.name, taken.tasks, seen)
        except UnknownLayout as error:
            raise UserError(f"{path}:{place}: {error}") from error
        except ValueError as error:
            bad.append(f"{path}:{place}: {reason(error)}")
            if len(bad) >= _MOST_BAD:
                raise bad_rows(f"of the first {taken.rows + len(bad)} rows of {path}", bad) from None
            continue
        taken.rows += 1
        taken.tasks[new.prompt.task] += 1
        taken.prompts[new.prompt.id] = new.prompt.task
        split: Any = mapped.columns.get("split")
        if split in get_args(Split):
            taken.splits[new.prompt.id] = split
        taken.keys.append(new.key)
        if mapped.id:
            taken.by_id[mapped.id] = new.key
        taken.ratings += [(new.key, *rating) for rating in mapped.ratings]
        yield new


def _new(mapped: Mapped, default_task: str, source: str, known: Collection[str], seen: Counter[bytes]) -> NewCompletion:
    user_text = "\n".join(m["content"] for m in mapped.messages if m["role"] == "user")
    task = mapped.task or default_task or classify(user_text)
    if task not in known:
        _check_task(task)
    prompt = _prompt(task, source, mapped.form, tuple((m["role"], m["content"]) for m in mapped.messages))
    content = json.dumps(
        [prompt.id, mapped.completion, mapped.policy, mapped.step, mapped.id, mapped.columns],
        ensure_ascii=False, sort_keys=True, default=str,
    )  # fmt: skip
    digest = hashlib.sha256(content.encode("utf-8", "surrogatepass"))
    seen[digest.digest()[:16]] += 1  # the same completion twice in a file is two samples
    digest.update(str(seen[digest.digest()[:16]]).encode())
    columns = {**mapped.columns, **({"id": mapped.id} if mapped.id else {})}
    return NewCompletion(digest.hexdigest(), prompt, mapped.completion, mapped.policy, _plain(columns), mapped.step)


@lru_cache(maxsize=64)
def _prompt(task: str, source: str, form: Any, turns: tuple[tuple[Any, str], ...]) -> PromptRecord:
    """A row's prompt; the completions of one mostly stand together."""
    messages = tuple(Message(role=role, content=content) for role, content in turns)
    return PromptRecord(task=task, messages=messages, split="eval", source=source[:200], form=form)


def _check_task(task: str) -> None:
    if find_task(task) is None:
        raise ValueError(f"unknown task {task!r}; choose one of {', '.join(task_names())}")
    if task not in task_names():
        try:
            check_name(task)
        except RewardFault as fault:
            raise ValueError(f"task {task!r}: {fault.what}") from fault


def _plain(columns: dict[str, Any]) -> dict[str, Any]:
    """Columns as JSON keeps them: dates and the like as text, and nothing for a number that is none."""
    if all(type(value) in _KEPT_AS_THEY_ARE for value in columns.values()):
        return dict(columns)
    return dict(json.loads(json.dumps(columns, default=str), parse_constant=lambda _: None))


def stratified(taken: Taken, most: int) -> Sequence[str]:
    """Up to ``most`` of a file's completions for the raters: spread evenly over the file, which keeps its mix."""
    step = max(1.0, len(taken.keys) / most)
    return [taken.keys[int(i * step)] for i in range(min(most, len(taken.keys)))]
