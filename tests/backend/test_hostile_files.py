"""Files that are broken, hostile or too large: refused with a message, and nothing is left behind."""

import json
from pathlib import Path

import pytest

from backend import files
from backend.audit.exchange import read_ratings
from backend.data.jsonl import read_prompts, write_prompts
from backend.errors import UserError
from backend.runs.imported import import_run
from tests.fuzz import run_cases


@pytest.mark.slow
def test_broken_files_leave_nothing_behind(workbench: Path) -> None:
    """``python -m tests.fuzz`` tries ten thousand."""
    told = run_cases(workbench, 80, seed=1)
    assert sum(told.values()) == 80
    assert {name.partition(" ")[2] for name in told} == {"taken", "refused"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"task": "push", "prompt": "a\\u0000b"}', "NUL"),
        ('{"task": "push", "prompt": "a\\ud800b"}', "half a character"),
        ('{"task": "push", "prompt": "a", "facts": {"x": NaN}}', "NaN is not a number"),
        ('{"task": "push", "prompt": "a", "facts": {"\\u0000": 1}}', "NUL"),
    ],
)
def test_what_no_database_can_keep_is_named(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(line, encoding="utf-8")
    for read in (read_prompts, read_ratings, import_run):
        with pytest.raises(UserError, match=why if read is read_prompts else r"bad\.jsonl"):
            read(path)


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    text = "linha\u2028outra\x85mais\x0bfim"
    path.write_text(json.dumps({"task": "push", "prompt": text}, ensure_ascii=False) + "\n", encoding="utf-8")
    (prompt,) = read_prompts(path)
    assert prompt.user_text == text
    write_prompts(path, [prompt])
    assert read_prompts(path) == [prompt]


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_BYTES", 10)
    path = tmp_path / "large.jsonl"
    path.write_text("x" * 11)
    for read in (read_prompts, read_ratings, import_run):
        with pytest.raises(UserError, match="split it"):
            read(path)


@pytest.mark.parametrize("tool", ["Argilla", "Label Studio"])
def test_an_export_that_is_none_says_of_which_tool(tmp_path: Path, tool: str) -> None:
    broken = {
        "Argilla": {"responses": {"rating": [7]}},
        "Label Studio": {"annotations": [{"result": [{"type": "rating", "value": 4}]}]},
    }
    path = tmp_path / "export.json"
    path.write_text(json.dumps([broken[tool]]))
    with pytest.raises(UserError, match=f"not as {tool} exports it"):
        read_ratings(path)
