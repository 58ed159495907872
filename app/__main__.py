"""Start the app: ``python -m app`` (what ``make run`` calls).

Brings the store up to date, fills it with the recorded example when it is empty, has nano taught in the background
when it is not cached yet, and opens the pages on http://127.0.0.1:8501.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from backend.cli import command_line
from backend.errors import UserError
from backend.example import first_start
from backend.models.nano_cache import nano_is_ready, progress_path
from backend.settings import ROOT, get_settings

app = typer.Typer(add_completion=False)


@app.command()
def main(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = 8501,
    teach_nano: Annotated[bool, typer.Option(help="Teach nano in the background if it is not cached.")] = True,
) -> None:
    """Open the workbench in the browser's reach."""
    _check_port(port)
    first_start()
    if teach_nano and not nano_is_ready():
        _teach_nano()
    script = str(Path(__file__).with_name("main.py"))
    print(f"The workbench opens on http://127.0.0.1:{port}", flush=True)
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port)])


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UserError(
                f"port {port} is taken, perhaps by a workbench that already runs (open http://127.0.0.1:{port}). "
                f"Stop that program, or choose another port: make run PORT={port + 1}"
            ) from error


def _teach_nano() -> None:
    """Start the two-minute build as a process of its own, at low priority; a run that needs nano waits for it."""
    folder = get_settings().models_dir
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "nano.log").open("wb") as log:
        subprocess.Popen(
            [sys.executable, "-m", "backend.models.nano", "--nice", "10"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    print(f"Teaching nano in the background (two to three minutes); progress: {progress_path()}", flush=True)


if __name__ == "__main__":
    command_line(app)
