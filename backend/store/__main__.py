"""``python -m backend.store`` is ``workbench store``."""

from backend.cli import run_command

run_command("store")
