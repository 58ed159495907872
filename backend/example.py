"""``python -m backend.example`` is ``workbench example``."""

from backend.cli import run_command

if __name__ == "__main__":
    run_command("example")
