"""``python -m backend.runs`` is ``workbench runs``."""

from backend.cli import run_command

run_command("runs")
