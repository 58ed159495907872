"""Models from a terminal.

workbench export RUN exports/RUN               # the best adapter, and merged into 16-bit weights
workbench export RUN exports/RUN --kinds gguf --quantization q4_k_m
"""

from pathlib import Path
from typing import Annotated

import typer

from backend.cli import Commands, answer
from backend.release.export import KINDS, export_run
from backend.settings import listed

app = Commands(no_args_is_help=True)


@app.command()
def export(
    run: str,
    to: Path,
    kinds: Annotated[str, typer.Option(help=f"Of {', '.join(KINDS)}; comma-separated.")] = "adapter,merged",
    quantization: Annotated[str, typer.Option(help="Of the GGUF file.")] = "q8_0",
) -> None:
    """Write a run's best adapter to a new folder, with a model card beside it."""
    done = export_run(run, to, listed(kinds), quantization)
    files = sorted(p.name for p in done.iterdir())
    typer.echo(f"wrote {done}: " + ", ".join(files))
    answer({"folder": done, "files": files})
