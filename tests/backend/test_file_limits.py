"""Files whose numbers, lines or cells are larger than anything that is kept: refused with file and line, and nothing is left."""

import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backend.audit.exchange import read_ratings
from backend.data.completions import import_completions
from backend.data.jsonl import read_prompts
from backend.errors import UserError
from backend.files import LONGEST_CELL, LONGEST_LINE
from backend.runs.imported import import_run
from backend.settings import get_settings
from backend.store.engine import reading
from backend.store.runs import load_metrics
from backend.store.tables import Completion, Run

HUGE = "1" + "0" * 400


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        f'{{"step": 1, "loss": 0.5}}\n{{"step": 2, "loss": {HUGE}}}\n',
        '{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 1e999}\n',
        f'{{"step": 1, "loss": 0.5}}\n{{"step": {HUGE}, "loss": 1}}\n',
        f'{{"step": 1, "loss": 0.5}}\n{{"step": 2, "{"m" * 121}": 1}}\n',
        '{"step": 1, "loss": 0.5}\n{"step": 2, "eval_' + "m" * 120 + '": 1}\n',
    ],
)
def test_a_run_with_a_number_or_a_name_too_large_is_refused_whole(any_workbench: Path, content: str) -> None:
    path = written(any_workbench, "log.jsonl", content)
    with pytest.raises(UserError, match=r"log\.jsonl:2: "):
        import_run(path)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Run)) == 0
    assert not list(get_settings().runs_dir.glob("*"))


def test_a_run_that_cannot_be_stored_leaves_nothing(any_workbench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(any_workbench, "log.jsonl", '{"step": 1, "loss": 0.5}\n')

    def fail(*_: object) -> None:
        raise UserError("no")

    with monkeypatch.context() as patch:
        patch.setattr("backend.runs.imported.sync_metrics", fail)
        with pytest.raises(UserError, match="no"):
            import_run(path)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Run)) == 0
    assert not list(get_settings().runs_dir.glob("*"))
    run_id = import_run(path)
    with reading() as session:
        assert load_metrics(session, [run_id])["value"].tolist() == [0.5]


@pytest.mark.parametrize("number", [HUGE, "1e999", "-1e999", str(2**63)])
def test_a_prompt_with_such_a_fact_is_named(tmp_path: Path, number: str) -> None:
    good = '{"task": "push", "prompt": "Crie", "facts": {"n": 9223372036854775807, "x": 1e300}}\n'
    path = written(tmp_path, "prompts.jsonl", good + good.replace("1e300", number))
    with pytest.raises(UserError, match=r"prompts\.jsonl:2: "):
        read_prompts(path)


def test_a_long_source_is_named_and_a_long_file_name_is_cut(tmp_path: Path) -> None:
    name = "n" * 230 + ".jsonl"
    path = written(tmp_path, name, '{"task": "push", "prompt": "Crie"}\n')
    assert read_prompts(path)[0].source == "n" * 200
    path = written(tmp_path, "prompts.jsonl", '{"task": "push", "prompt": "Crie", "source": "' + "s" * 201 + '"}\n')
    with pytest.raises(UserError, match=r"prompts\.jsonl:1: .*200"):
        read_prompts(path)


HEADER = "task,prompt,completion,score,rater,comment\n"


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (f"push,Crie,{'a' * (LONGEST_CELL + 1)},3,Ana,\n", 3),
        ('push,Crie,"Oferta,3,Ana,\npush,Crie,Oferta,3,Ana,\n', 3),
    ],
)
def test_a_cell_too_long_or_a_quote_left_open_is_named(tmp_path: Path, row: str, line: int) -> None:
    path = written(tmp_path, "ratings.csv", HEADER + "push,Crie,Oferta,3,Ana,\n" + row)
    with pytest.raises(UserError, match=rf"ratings\.csv:{line}: not CSV"):
        read_ratings(path)


def test_a_long_cell_that_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path, "ratings.csv", HEADER + f"push,Crie,{'a' * 200_000},3,Ana,\n")
    assert len(read_ratings(path)[0].completion) == 200_000


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_a_line_too_long_is_named_soon(workbench: Path, name: str) -> None:
    head = "prompt,completion\n" if name.endswith("csv") else '{"prompt": "a", "completion": "b"}\n'
    path = written(workbench, name, head + "x" * (3 * LONGEST_LINE) + "\n")
    began = time.monotonic()
    with pytest.raises(UserError, match=rf"{name}:2: the line has"):
        import_completions(path)
    assert time.monotonic() - began < 5
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Completion)) == 0


def test_a_quote_left_open_in_completions_is_named(workbench: Path) -> None:
    path = written(workbench, "rows.csv", 'prompt,completion\na,b\nc,"d\ne,f\n')
    with pytest.raises(UserError, match=r"rows\.csv:3: not CSV.*quote"):
        import_completions(path)
