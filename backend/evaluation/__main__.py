"""``python -m backend.evaluation`` is ``workbench evaluations``."""

from backend.cli import run_command

run_command("evaluations")
