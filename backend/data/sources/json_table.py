"""JSON files that hold a table: a list of objects, ``{"columns": […], "data": [[…]]}`` (wandb, Trackio), or an object with one list."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.errors import UserError
from backend.files import load_users_json, read_users_text


def reads(path: Path) -> bool:
    """Whether the name says JSON."""
    return path.is_file() and path.suffix.lower() == ".json"


def rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | ValueError]]:
    """The table's rows.

    Raises:
        UserError: it is no JSON, or holds no table.
    """
    try:
        value = load_users_json(read_users_text(path))
    except ValueError as error:
        raise UserError(f"{path} is no JSON: {error}") from error
    if isinstance(value, dict) and isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
        names = [str(name) for name in value["columns"]]
        table: list[Any] = [
            dict(zip(names, cells, strict=False)) if isinstance(cells, list) else cells for cells in value["data"]
        ]
    elif isinstance(value, dict):
        lists = [v for v in value.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
        table = lists[0] if len(lists) == 1 else []
    else:
        table = value if isinstance(value, list) else []
    if not table:
        raise UserError(f"{path} holds no table: give a list of objects, or columns and data")
    for number, row in enumerate(table, start=1):
        yield f"entry {number}", row if isinstance(row, dict) else ValueError("the entry is no object")
