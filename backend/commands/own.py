"""What `audit`, `open` and `train` share: one's own reward file becomes the installation's suite for this process."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from backend.settings import get_settings
from backend.suites import Suite, suites

PromptColumn = Annotated[str, typer.Option(help="The column with the prompt, where it has another name than usual.")]
CompletionColumn = Annotated[str, typer.Option(help="The column with the completion.")]
TaskColumn = Annotated[str, typer.Option(help="The column with the task.")]


def use_suite(spec: str) -> Suite:
    """Let a reward file (or a built-in suite, a module, ``module:function``) be this process's only suite, and its children's.

    Raises:
        UserError: it cannot be loaded.
    """
    is_file = spec.endswith(".py")
    os.environ["WORKBENCH_SUITES"] = str(Path(spec).resolve()) if is_file else spec
    os.environ["WORKBENCH_LOAD_EXAMPLE"] = "false"
    get_settings.cache_clear()
    return suites()[0]


@contextmanager
def progress(what: str) -> Iterator[Console]:
    """Words on standard error while something long is done; standard output is kept for results."""
    console = Console(file=sys.stderr)
    with console.status(what):
        yield console
