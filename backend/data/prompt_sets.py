"""Load prompts by the name in a configuration, and save new sets in the store."""

import re
from dataclasses import dataclass
from pathlib import Path

from backend.data.jsonl import write_prompts
from backend.data.prompt_files import read_prompt_file
from backend.errors import UserError
from backend.records import PromptRecord
from backend.store.engine import reading, writing
from backend.store.prompts import load_prompt_set, save_prompt_set
from backend.suites import prompt_sources


def default_prompts() -> str:
    """The prompt source of a configuration by default: the first suite's first source; "" if no suite has one."""
    return next(iter(prompt_sources()), "")


def named_prompts(name: str) -> list[PromptRecord]:
    """Load prompts by name: a suite's prompt source, the id of a stored set, or the path of a file of prompts.

    Raises:
        UserError: they cannot be read, or the name is empty.
    """
    if name in (sources := prompt_sources()):
        return sources[name].build()
    if re.fullmatch(r"[0-9a-f]{12}", name):
        with reading() as session:
            found = load_prompt_set(session, name)
        if found:
            return found
        raise UserError(f"there is no prompt set {name}; the Data page lists those there are")
    if not name:
        raise UserError("no prompts are named: give the path of a file, or the id of a set on the Data page")
    return read_prompt_file(Path(name))


@dataclass(frozen=True)
class Kept:
    """A set that was saved: its id in the store, how many prompts it has and how many were new, and the file beside it."""

    set: str
    prompts: int
    new: int
    file: Path | None

    def __str__(self) -> str:
        wrote = f"wrote {self.file}; " if self.file is not None else ""
        how = f"{self.prompts} prompts, {self.new} of them new; train with --set prompts={self.set}"
        return f"{wrote}prompt set {self.set}: {how}"


def keep_set(records: list[PromptRecord], name: str, out: Path | None = None) -> Kept:
    """Save prompts in the store as a set, and in the JSONL file ``out`` if given."""
    if out is not None:
        write_prompts(out, records)
    with writing() as session:
        set_id, new = save_prompt_set(session, records, name)
    return Kept(set_id, len(records), new, out)
