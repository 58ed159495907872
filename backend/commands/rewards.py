"""The rewards of the installation's suites from the terminal.

workbench rewards probes --profile v4.3              # what cheats, and what it gets
workbench rewards score --task TASK out.jsonl        # every line's total and components
workbench rewards fingerprint                        # of every task under every profile; --json for each
"""

import sys
from typing import Annotated

import typer

from backend.suites import default_profile, profiles, suite_of, tasks
from rewards.__main__ import run

app = typer.Typer(add_completion=False)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def rewards(arguments: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Probes, the scores of a file, fingerprints: what ``python -m rewards`` does, for every suite's tasks."""
    rules = {name: [suite_of(task).profile(name) for task in tasks()] for name in profiles()}
    sys.exit(run(arguments or ["--help"], tasks(), rules, default_profile(), "workbench rewards"))
