"""``python -m backend.models export`` is ``workbench export``."""

import sys

from backend.cli import run_command

if sys.argv[1:2] == ["export"]:
    del sys.argv[1]
run_command("export")
