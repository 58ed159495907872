"""JSON files that hold a table: a list of objects, ``{"columns": […], "data": [[…]]}`` (wandb, Trackio), or an object with one list."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.data.sources.limits import too_wide
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
        table: list[Any] = [_under(names, cells) for cells in value["data"]]
    elif isinstance(value, dict):
        lists = [v for v in value.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
        table = lists[0] if len(lists) == 1 else []
    else:
        table = value if isinstance(value, list) else []
    if not table:
        raise UserError(f"{path} holds no table: give a list of objects, or columns and data")
    for number, row in enumerate(table, start=1):
        yield f"entry {number}", _checked(row)


def _under(names: list[str], cells: Any) -> Any:
    """A row's cells under the columns' names."""
    if not isinstance(cells, list):
        return cells
    if len(cells) != len(names):
        return ValueError(f"it has {len(cells)} cells under {len(names)} columns")
    return dict(zip(names, cells, strict=True))


def _checked(row: Any) -> dict[str, Any] | ValueError:
    if isinstance(row, ValueError):
        return row
    if not isinstance(row, dict):
        return ValueError("the entry is no object")
    wide = too_wide(len(row))
    return ValueError(wide) if wide else row
