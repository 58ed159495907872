"""Every command of ``workbench`` has ``--json``, and prints what docs/schemas/commands.json says."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer.main
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from backend.cli import Commands, answer
from backend.commands.workbench import app
from backend.settings import ROOT
from tests.backend.test_audit_command import Call, call, data, rewards  # noqa: F401  fixtures
from tests.recorded import RUN_FOLDER

FOLDER = ROOT / "docs" / "schemas"
SCHEMAS = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")}
COMMANDS = SCHEMAS["commands.json"]["commands"]
REGISTRY: Any = Registry().with_resources((name, Resource.from_contents(one)) for name, one in SCHEMAS.items())


def leaves(command: Any, *name: str) -> dict[str, Any]:
    """The name of every command that does something -> the command."""
    if not hasattr(command, "list_commands"):
        return {" ".join(name): command}
    found: dict[str, Any] = {}
    for one in command.list_commands(None):
        found |= leaves(command.get_command(None, one), *name, one)
    return found


def check(command: str, out: str) -> Any:
    """The JSON that a command printed, held against its schema."""
    found = json.loads(out, parse_constant=pytest.fail)
    schema = {"$ref": f"commands.json#/commands/{command}"}
    assert [error.message for error in Draft202012Validator(schema, registry=REGISTRY).iter_errors(found)] == []
    return found


def test_every_command_has_json_and_a_schema() -> None:
    known = leaves(typer.main.get_command(app))
    by_words = known.pop("rewards")  # it hands its words on, as `python -m rewards` takes them
    assert "--json" not in [option for parameter in by_words.params for option in parameter.opts]
    assert [name for name, one in known.items() if "--json" not in [o for p in one.params for o in p.opts]] == []
    assert set(COMMANDS) == {*known, "rewards probes", "rewards score", "rewards fingerprint"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.slow
@pytest.mark.parametrize(
    "command, given",
    [
        ("init", "{tmp}/first.py"),
        ("data import", "{tmp}/prompts.jsonl"),
        ("data report", "{tmp}/prompts.jsonl"),
        ("data synthetic", "--orders 60"),
        ("ratings gates", "--decide Ana"),
        ("ratings export", "{tmp}/ratings.csv"),
        ("ratings import", "{tmp}/answers.jsonl"),
        ("rewards probes", ""),
        ("rewards score", "--task push {tmp}/answers.jsonl"),
        ("rewards fingerprint", ""),
        ("runs list", ""),
        ("runs diff", "example example"),
        ("runs import", "{tmp}/steps.jsonl"),
        ("runs sync", "{tmp}/taken"),
        ("runs places", ""),
        ("evaluations list", ""),
        ("evaluations compare", "example"),
        ("serve accept", "push"),
        ("store backup", "{tmp}/backup.db"),
        ("example load", ""),
    ],
)
def test_what_a_command_prints(call: Call, example_workbench: Path, command: str, given: str, tmp_path: Path) -> None:  # noqa: F811
    asked, wrote = (
        {"task": "push", "prompt": "Crie um push para o app"},
        {"completion": "Volte! 10% hoje", "rater": "Ana", "score": 4},
    )
    (tmp_path / "prompts.jsonl").write_text(json.dumps(asked) + "\n", encoding="utf-8")
    (tmp_path / "answers.jsonl").write_text(json.dumps({**asked, **wrote}) + "\n", encoding="utf-8")
    (tmp_path / "steps.jsonl").write_text('{"step": 1, "reward": 0.5}\n{"step": 2, "reward": 0.6}\n', encoding="utf-8")
    if command == "runs sync":
        shutil.copytree(RUN_FOLDER, tmp_path / "taken")
    done = call(*command.split(), *given.format(tmp=tmp_path).split(), "--json")
    assert done.code in (0, 1), done.err
    assert check(command, done.out) or command == "runs diff"


def test_an_attack(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:  # noqa: F811
    done = call("attack", rewards(tmp_path), tmp_path / "completions.jsonl", "--calls", "50", "--json")
    assert check("attack", done.out)["tasks"][0]["calls"] <= 50


def test_an_error_leaves_standard_output_empty(call: Call) -> None:  # noqa: F811
    done = call("runs", "diff", "none", "none", "--json")
    assert done.code == 2
    assert done.out == ""
    assert "there is no run none" in done.err


def test_words_go_to_standard_error_and_come_without_json(capsys: pytest.CaptureFixture[str]) -> None:
    small = Commands()

    @small.command()
    def count(to: int) -> None:
        typer.echo(f"counted to {to}")
        answer({"to": to, "mean": float("nan"), "at": Path("x"), "each": (i for i in range(to))})

    small(["2"], standalone_mode=False)
    assert capsys.readouterr().out == "counted to 2\n"
    small(["2", "--json"], standalone_mode=False)
    said = capsys.readouterr()
    assert json.loads(said.out) == {"to": 2, "mean": None, "at": "x", "each": [0, 1]}
    assert said.err == "counted to 2\n"
    count(1)  # called as a function it prints its words alone
    assert capsys.readouterr().out == "counted to 1\n"


def test_the_guide_names_every_command() -> None:
    text = (ROOT / "docs" / "scripts.md").read_text(encoding="utf-8")
    assert {name.split()[0] for name in COMMANDS} <= set(re.findall(r"`(\w+)[` ]", text))
