"""``workbench``: one command for everything that can be done without the pages.

A sub-command's module is imported when it is called, so that ``workbench --help`` answers at once.
"""

from importlib import import_module
from typing import Any

import typer
import typer.core
import typer.main

from backend.cli import command_line

COMMANDS = {
    "init": ("backend.commands.init", "write a small reward file to begin with"),
    "audit": ("backend.commands.audit", "your reward functions against people, on your completions"),
    "attack": ("backend.commands.attack", "cheap texts that your reward scores high, before training finds them"),
    "open": ("app.__main__", "open the app, on the example or on your own functions and completions"),
    "train": ("backend.commands.train", "train with GRPO, or only look for known failures"),
    "data": ("backend.commands.data", "prompt sets: import, make, sample completions for raters"),
    "ratings": ("backend.commands.ratings", "import and export ratings, decide the gates"),
    "rewards": ("backend.commands.rewards", "probes, scores of a file, fingerprints"),
    "runs": ("backend.commands.runs", "list runs, compare configurations, start them elsewhere, take folders in"),
    "evaluations": ("backend.commands.evaluations", "compare evaluations, measure general ability"),
    "export": ("backend.commands.export", "a run's model as files to serve"),
    "serve": ("backend.commands.serve", "the gateway, a small engine, and a look for alarms"),
    "store": ("backend.commands.store", "copy the store, or back it up"),
    "nano": ("backend.commands.nano", "build the embedded model"),
    "model": ("backend.commands.model", "fetch a small pretrained model, without a hub"),
    "example": ("backend.commands.example", "load the recorded example, or record it anew"),
}
"""Sub-command -> (the module that has it, what it does)."""


class _SubCommands(typer.core.TyperGroup):
    """The sub-commands by name; none is imported for the help."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        return typer.main.get_command(import_module(COMMANDS[cmd_name][0]).app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, what) for name, (_, what) in COMMANDS.items()])


app = typer.Typer(cls=_SubCommands, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def workbench() -> None:
    """Audit rewards against people, train on those that pass, read what came of it."""


def main() -> None:
    """Run ``workbench``."""
    command_line(app)


if __name__ == "__main__":
    main()
