"""Start the app: ``workbench open``, or ``python -m app`` (what ``make run`` calls).

workbench open                                       # the recorded example
workbench open my_rewards.py completions.jsonl       # your own functions, and completions for your raters

Brings the store's schema up to date, loads the recorded example into an empty store, builds nano in the background if it
is not cached yet, and opens the pages on http://127.0.0.1:8501.
"""

import errno
import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.sign_in import refused_address, sign_in_state
from backend.audit.own import bring_in
from backend.cli import Commands, answer, command_line
from backend.commands.own import CompletionColumn, OwnRewards, PromptColumn, TaskColumn, progress
from backend.data.sources.layout import Layout
from backend.errors import UserError
from backend.models.nano_cache import nano_is_ready, progress_path
from backend.release.start import READ_THROUGH, first_start
from backend.runs.processes import child_environment, start_detached
from backend.settings import get_settings
from backend.suites.choice import is_chosen, use_suite

app = Commands(add_completion=False)


@app.command()
def main(
    rewards: OwnRewards = "",
    completions: Annotated[
        Path | None, typer.Argument(help="Completions to rate: JSONL, CSV, Parquet, …; see docs/your-own.md.")
    ] = None,
    ratings: Annotated[
        Path | None, typer.Option(help="Ratings there are already: rows of id, rater and score.")
    ] = None,
    prompt_column: PromptColumn = "",
    completion_column: CompletionColumn = "",
    task_column: TaskColumn = "task",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    address: Annotated[str, typer.Option(help="To listen on; others than this machine's need sign-in.")] = "127.0.0.1",
    teach_nano: Annotated[bool, typer.Option(help="Teach nano in the background if it is not cached.")] = True,
) -> None:
    """Start the workbench's pages, to be opened in a browser."""
    check_address(address)
    url = f"http://{f'[{address}]' if ':' in address else address}:{port}"
    _check_port(address, port, url)
    if rewards:
        use_suite(rewards)
    first_start()
    if completions is not None:
        _bring_in(completions, Layout(prompt_column, completion_column, task_column), ratings)
    if teach_nano and not is_chosen() and not nano_is_ready():
        _teach_nano()
    script = str(Path(__file__).with_name("server.py"))
    print(f"The workbench opens on {url}", flush=True)
    answer({"url": url})
    options = ["--server.port", str(port), "--server.address", address]
    command = [sys.executable, "-m", "streamlit", "run", script, *options]
    os.dup2(sys.stdout.fileno(), 1)  # with --json, what the server prints is words too
    os.execve(sys.executable, command, child_environment() | {READ_THROUGH: get_settings().database_url})


def _bring_in(completions: Path, layout: Layout, ratings: Path | None) -> None:
    with progress(f"reading {completions}") as console:
        taken = bring_in(completions, layout, ratings)
        console.print(f"{taken.rows} completions of {completions}, {taken.new} of them new", highlight=False)


def check_address(address: str) -> None:
    """Check that other machines can reach the workbench only if people have to sign in, and that they can.

    Raises:
        UserError: the address is not this machine's own and nobody signs in, or the sign-in is configured wrongly.
    """
    found = sign_in_state()
    if problem := refused_address(address, found):
        raise UserError(problem)
    if found.problem:
        raise UserError(f"{found.problem}. Correct it; see docs/deployment.md")


def _check_port(address: str, port: int, url: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise UserError(f"this machine cannot listen on {url}: {error.strerror}") from error
            raise UserError(
                f"port {port} is taken, perhaps by a workbench that already runs (open {url}). "
                f"Stop that program, or choose another port: make run PORT={port + 1}"
            ) from error


def _teach_nano() -> None:
    """Start the build of nano (about two minutes) as a process of its own, at low priority; runs that need it wait."""
    folder = get_settings().models_dir
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "nano.log").open("wb") as log:
        start_detached(["-m", "backend.commands.workbench", "nano", "--nice", "10"], log)
    print(f"Teaching nano in the background (two to three minutes); progress: {progress_path()}", flush=True)


if __name__ == "__main__":
    command_line(app)
