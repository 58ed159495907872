"""Ratings in and out: the project's files, Argilla's and Label Studio's, and cells no spreadsheet runs."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from backend.audit.exchange import import_ratings, neutralised, rating_rows, read_ratings, unneutralised, write_ratings
from backend.errors import UserError
from backend.store.engine import reading, writing
from backend.store.tables import Completion, Prompt, Rater, Rating

ROW = {
    "task": "push",
    "prompt": "Crie um push",
    "completion": "=Corra! 🎁",
    "score": 4,
    "rater": "Ana",
    "comment": "ok",
}


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def counts() -> list[int | None]:
    with reading() as session:
        return [session.scalar(select(func.count()).select_from(t)) for t in (Prompt, Completion, Rater, Rating)]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_what_goes_out_comes_in_again(workbench: Path, suffix: str) -> None:
    rows = [
        {**ROW, "rater": r, "score": s, "completion": c}
        for r, s, c in (
            ("Ana", 4, "=Corra!"),
            ("Bia", 2, "=Corra!"),
            ("Bia", 5, "-10% só hoje"),
            ("Caio", 1, 'a "b"\nc, d'),
        )
    ]
    source = write(workbench / "in.jsonl", "".join(json.dumps(r) + "\n" for r in rows))
    for _ in range(2):  # importing twice changes nothing
        with writing() as session:
            assert import_ratings(session, read_ratings(source)) == 4
        assert counts() == [1, 3, 3, 4]
    out = workbench / f"out{suffix}"
    with reading() as session:
        assert write_ratings(session, out) == 4
    text = out.read_text(encoding="utf-8")
    assert "Ana" not in text and "rater-1" in text
    again = read_ratings(out)
    assert [(r.completion, r.score) for r in again] == [(r["completion"], r["score"]) for r in rows]
    assert len({r.rater for r in again}) == 3
    if suffix == ".csv":
        assert "\n=" not in text and ",=" not in text and "'=Corra!" in text


@pytest.mark.slow
@given(st.text(max_size=30))
def test_a_neutralised_cell_is_no_formula_and_comes_back(cell: str) -> None:
    out = neutralised(cell)
    assert not out.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unneutralised(out) == cell


def test_argillas_export(tmp_path: Path) -> None:
    records = [
        {
            "id": "1",
            "fields": {"prompt": "Crie um push", "completion": "Corra!"},
            "metadata": {"task": "push"},
            "responses": {
                "rating": [
                    {"value": 4, "user_id": "3a1f", "status": "submitted"},
                    {"value": 1, "user_id": "77b0", "status": "draft"},
                ],
                "comment": [{"value": "bom", "user_id": "3a1f", "status": "submitted"}],
            },
        }
    ]
    (found,) = read_ratings(write(tmp_path / "argilla.json", json.dumps(records)))
    assert (found.task, found.completion, found.score, found.rater, found.comment) == (
        "push",
        "Corra!",
        4,
        "3a1f",
        "bom",
    )


def test_label_studios_export(tmp_path: Path) -> None:
    tasks = [
        {
            "id": 7,
            "data": {"task": "push", "prompt": "Crie um push", "completion": "Corra!"},
            "annotations": [
                {
                    "id": 11,
                    "completed_by": {"id": 2, "email": "ana@loja.br"},
                    "result": [
                        {"type": "rating", "from_name": "score", "to_name": "text", "value": {"rating": 5}},
                        {"type": "textarea", "from_name": "why", "to_name": "text", "value": {"text": ["ótimo"]}},
                    ],
                },
                {"id": 12, "completed_by": 3, "was_cancelled": True, "result": []},
                {"id": 13, "completed_by": 3, "result": [{"type": "rating", "value": {"rating": 2}}]},
            ],
        }
    ]
    found = read_ratings(write(tmp_path / "ls.json", json.dumps(tasks)))
    assert [(r.score, r.rater, r.comment) for r in found] == [(5, "ana@loja.br", "ótimo"), (2, "3", "")]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", json.dumps({**ROW, "score": 6}), "a.jsonl:1: score: "),
        ("a.jsonl", json.dumps(ROW) + "\n{broken", "a.jsonl:2: "),
        ("a.jsonl", json.dumps({**ROW, "task": "poetry"}), "unknown task 'poetry'"),
        ("a.jsonl", json.dumps({**ROW, "score": 4.5}), "score"),
        ("a.jsonl", "", "holds no rating"),
        ("a.csv", "task,prompt\npush,x\n", "lacks the columns completion, rater, score"),
        ("a.json", json.dumps([{"data": {"task": "push"}, "annotations": [{"id": 1, "result": [{"type": "rating", "value": {}}]}]}]), "entry 1, annotation 1"),
        ("a.json", "[1, 2]", "entry 1"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_whole_and_named(workbench: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        read_ratings(write(workbench / name, text))
    assert message in str(error.value)


def test_an_export_to_another_kind_of_file_is_refused(workbench: Path) -> None:
    with reading() as session, pytest.raises(UserError, match=r"\.csv or \.jsonl"):
        write_ratings(session, workbench / "ratings.xlsx")
    with reading() as session:
        assert rating_rows(session).empty
