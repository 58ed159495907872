"""The store from the terminal: move it, and keep copies of it.

workbench store copy sqlite:///annotations.db postgresql://workbench@db/workbench
workbench store backup backups/2026-11-22.db          # while people rate; from any database
workbench store copy sqlite:///backups/2026-11-22.db "$DATABASE_URL"   # restore into an empty database
"""

from pathlib import Path

import typer

from backend.settings import get_settings
from backend.store.copy import Copied, back_up, copy_store

app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.command()
def copy(source: str, target: str) -> None:
    """Copy everything from one database into another, empty one, and check it by counts and checksums."""
    _print(copy_store(source, target))


@app.command()
def backup(file: Path) -> None:
    """Keep the store (DATABASE_URL) as one SQLite file, one consistent state of it."""
    _print(back_up(get_settings().database_url, file))
    typer.echo(f"wrote {file}; runs/ is beside it and is not part of it")


def _print(copied: list[Copied]) -> None:
    for table in copied:
        typer.echo(f"{table.table:16} {table.rows:>9} rows  {table.checksum}")
