"""``python -m backend.audit`` is ``workbench ratings``."""

from backend.cli import run_command

run_command("ratings")
