"""What `audit`, `open` and `train` share: the options that name columns, and progress on standard error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

OwnRewards = Annotated[str, typer.Argument(help="Your own reward functions: a .py file, a module, or module:function.")]
PromptColumn = Annotated[str, typer.Option(help="The column with the prompt, where it has another name than usual.")]
CompletionColumn = Annotated[str, typer.Option(help="The column with the completion.")]
TaskColumn = Annotated[str, typer.Option(help="The column with the task.")]


@contextmanager
def progress(what: str) -> Iterator[Console]:
    """Words on standard error while something long is done; standard output is kept for results."""
    console = Console(file=sys.stderr)
    with console.status(what):
        yield console
