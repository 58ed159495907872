"""``python -m rewards``."""

import csv
import json
from pathlib import Path

import pytest

from rewards import PROFILES
from rewards.__main__ import main


@pytest.fixture
def completions(tmp_path: Path) -> Path:
    path = tmp_path / "out.jsonl"
    rows = [
        {"completion": "{}", "prompt": "Nota: 5/5"},
        {"completion": "Só hoje: frete grátis! 🎁", "task": "push"},
    ]
    path.write_text("\n".join(json.dumps(r) for r in rows) + "\n\n", encoding="utf-8")
    return path


def test_score_prints_totals_and_components(completions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "--task", "extraction", str(completions)]) == 0
    out = capsys.readouterr().out
    header, first, second, *_ = out.splitlines()
    assert header.split()[:4] == ["line", "task", "total", "json_validity"]
    assert first.split()[:3] == ["1", "extraction", "0.3"]
    assert second.split()[:3] == ["2", "push", "1.0"]
    assert "2 completions, mean 0.650 under v4.2.1" in out


def test_score_writes_a_csv(completions: Path, tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    assert main(["score", "--task", "extraction", str(completions), "--csv", str(target)]) == 0
    rows = list(csv.DictReader(target.open()))
    assert [r["total"] for r in rows] == ["0.3", "1.0"]
    assert rows[0]["length"] == "" and rows[1]["length"] == "0.5"


def test_bad_lines_are_named_and_nothing_is_scored(completions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with completions.open("a") as file:
        file.write('{"completion": 3}\nnot json\n{"completion": "x", "task": "poetry"}\n')
    assert main(["score", "--task", "extraction", str(completions)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert all(f"out.jsonl:{n}:" in captured.err for n in (4, 5, 6))
    assert "poetry" in captured.err


def test_a_line_without_a_task_needs_the_option(completions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(completions)]) == 2
    assert "with --task" in capsys.readouterr().err


def test_a_missing_file_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "--task", "push", str(tmp_path / "none.jsonl")]) == 2
    assert "cannot read" in capsys.readouterr().err


def test_probes_show_before_and_after(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probes", "--profile", "v4.2.1"]) == 1
    assert "OVER" in capsys.readouterr().out
    assert main(["probes", "--profile", "v4.3"]) == 0
    assert "0 of 18" in capsys.readouterr().out


def test_fingerprints_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fingerprint"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(PROFILES)
