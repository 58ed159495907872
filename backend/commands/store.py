"""The store from the terminal: move it, and keep copies of it.

workbench store copy sqlite:///annotations.db postgresql://workbench@db/workbench
workbench store backup backups/2026-11-22.db          # while people rate; from any database
workbench store copy sqlite:///backups/2026-11-22.db "$DATABASE_URL"   # restore into an empty database
"""

from dataclasses import asdict
from pathlib import Path

import typer

from backend.cli import Commands, answer
from backend.settings import get_settings
from backend.store.copy import Copied, back_up, copy_store

app = Commands(help=__doc__, no_args_is_help=True)


@app.command()
def copy(source: str, target: str) -> None:
    """Copy everything from one database into another, empty one, and check it by counts and checksums."""
    copied = copy_store(source, target)
    _print(copied)
    answer({"tables": [asdict(table) for table in copied]})


@app.command()
def backup(file: Path) -> None:
    """Keep the store (DATABASE_URL) as one SQLite file, one consistent state of it."""
    copied = back_up(get_settings().database_url, file)
    _print(copied)
    typer.echo(f"wrote {file}; runs/ is beside it and is not part of it")
    answer({"file": file, "tables": [asdict(table) for table in copied]})


def _print(copied: list[Copied]) -> None:
    for table in copied:
        typer.echo(f"{table.table:16} {table.rows:>9} rows  {table.checksum}")
