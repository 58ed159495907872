"""A check of preflight, and the table of all of them."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from backend.records import PromptRecord

Status = Literal["pass", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """One line of the table.

    Attributes:
        name: short and stable.
        status: pass, warn or fail.
        found: the numbers, in words.
        story: the failure of a seed run that this check would have found, in one line.
    """

    name: str
    status: Status
    found: str
    story: str


def failures(checks: Iterable[Check]) -> list[Check]:
    """The checks that failed."""
    return [c for c in checks if c.status == "fail"]


def by_task(prompts: Iterable[PromptRecord]) -> dict[str, list[PromptRecord]]:
    """The prompts of each task, in order."""
    tasks: dict[str, list[PromptRecord]] = {}
    for p in prompts:
        tasks.setdefault(p.task, []).append(p)
    return tasks


def as_table(checks: Iterable[Check]) -> str:
    """The checks as a table for a terminal or a log."""
    table = Table(title="Preflight", title_justify="left", expand=False)
    for column in ("check", "", "found", "would have caught"):
        table.add_column(column, overflow="fold")
    colours = {"pass": "green", "warn": "yellow", "fail": "bold red"}
    for c in checks:
        table.add_row(c.name, f"[{colours[c.status]}]{c.status}[/]", c.found, c.story)
    console = Console(width=120)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def as_dicts(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """The checks as plain values, for JSON."""
    return [asdict(c) for c in checks]
