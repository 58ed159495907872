"""What `workbench audit --json` prints is what docs/schemas/audit.json says."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from backend.settings import ROOT
from tests.backend.judge_server import judge_server
from tests.backend.test_audit_command import FAILS, Call, call, data, rewards  # noqa: F401  fixtures

SCHEMA = json.loads((ROOT / "docs" / "schemas" / "audit.json").read_text(encoding="utf-8"))


def check(out: str) -> dict[str, Any]:
    Draft202012Validator.check_schema(SCHEMA)
    found = json.loads(out, parse_constant=pytest.fail)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(found)] == []
    return dict(found)


def test_an_audit_of_rules(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:  # noqa: F811
    files = rewards(tmp_path), tmp_path / "completions.jsonl"
    check(call("audit", *files, "--json").out)
    check(call("audit", *files, "--ratings", tmp_path / "ratings.csv", "--json").out)


@pytest.mark.slow
def test_an_audit_of_a_judge_with_pairs_and_gaps(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "pairs.csv").write_text("first,second,rater,better\nc0,c1,ana,1\nc3,c5,ana,0\n", encoding="utf-8")
    with judge_server() as endpoint:
        (tmp_path / "judged.py").write_text(
            "from backend.suites.judge import Judge\n"
            f"kind = Judge('length', {endpoint.url!r})\nwordy = Judge('prose', {endpoint.url!r})\n"
            "WEIGHTS = {'kind': 1.0, 'wordy': 0.0}\n",
            encoding="utf-8",
        )
        files = tmp_path / "judged.py", tmp_path / "completions.jsonl", "--ratings", tmp_path / "ratings.csv"
        (task,) = check(call("audit", *files, "--pairs", tmp_path / "pairs.csv", "--judge-checks", 3, "--json").out)[
            "tasks"
        ]
    assert [judge["name"] for judge in task["judges"]] == ["kind"]
    assert task["gaps"] == {"wordy": {"prose": 60}}
    assert {v["name"]: v["gate"] for v in task["verdicts"]}["wordy"] == "fail"


def test_the_schema_refuses_something_else() -> None:
    assert not Draft202012Validator(SCHEMA).is_valid({"suite": "x", "finding": "", "tasks": [{"task": "x"}]})
