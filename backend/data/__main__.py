"""``python -m backend.data`` is ``workbench data``."""

from backend.cli import run_command

run_command("data")
