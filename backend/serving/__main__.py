"""``python -m backend.serving`` is ``workbench serve``."""

from backend.cli import run_command

run_command("serve")
