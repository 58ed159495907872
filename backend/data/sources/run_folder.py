"""The rollouts in a run's folder: ours under ``rollouts/``, TRL's under ``completions/``; the run's folder, that folder or a file
of it. Our prompts stand in the run's ``prompts.jsonl``, as messages and with the columns that reward functions read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.data.sources import parquet
from backend.errors import UserError
from backend.files import numbered_lines, storable
from backend.records import PromptRecord

_FOLDERS = ("rollouts", "completions")
_NO_COLUMNS = ("rating", "ratings", "human_score", "human", "id")
"""A file of completions says these of a completion; of a prompt they mean something else."""


def reads(path: Path) -> bool:
    """Whether it is a run's folder with rollouts, or rollouts that lie in a run's folder."""
    found, prompts = _located(path)
    return found != path or prompts is not None


def rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | ValueError]]:
    """Rows in the order of the steps, each with its prompt as the data had it.

    Raises:
        UserError: a file cannot be read.
    """
    found, beside = _located(path)
    prompts = _prompts(beside) if beside is not None else {}
    for place, row in parquet.rows(found):
        known = prompts.get(str(row.get("prompt_id"))) if isinstance(row, dict) else None
        yield place, row if known is None or isinstance(row, ValueError) else _with_prompt(row, known)


def _located(path: Path) -> tuple[Path, Path | None]:
    """(the rollouts, a folder or a file; the run's prompts where they lie beside them)."""
    inside = [path / name for name in _FOLDERS if any((path / name).glob("*.parquet"))] if path.is_dir() else []
    found = inside[0] if inside else path
    home = found if found.is_dir() else found.parent
    prompts = home.parent / "prompts.jsonl"
    ours = home.name == _FOLDERS[0] and parquet.reads(found) and prompts.is_file()
    return found, prompts if ours else None


def _prompts(path: Path) -> dict[str, PromptRecord]:
    try:
        lines = numbered_lines(path.read_text(encoding="utf-8"))
        records = [PromptRecord.model_validate_json(line) for _, line in lines]
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read the run's prompts in {path}: {str(error).splitlines()[0]}") from error
    return {record.id: record for record in records}


def _with_prompt(row: dict[str, Any], prompt: PromptRecord) -> dict[str, Any]:
    alone = prompt.form == "text" and len(prompt.messages) == 1
    columns = {name: value for name, value in prompt.facts.items() if name not in _NO_COLUMNS}
    completion = row.get("completion")
    told = {"completion": storable(completion)} if isinstance(completion, str) else {}
    return {**columns, **row, **told, "prompt": prompt.user_text if alone else prompt.chat}
