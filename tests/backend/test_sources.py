"""Completions and prompts from every kind of file, as real files on a disk."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from sqlalchemy import select

from backend.data.completions import import_completions, preview, stratified
from backend.data.prompt_files import MOST_EVAL, read_prompt_file
from backend.data.sources import columns_of, raw_rows
from backend.data.sources.layout import Layout
from backend.errors import UserError
from backend.settings import get_settings
from backend.store.engine import reading
from backend.store.tables import Completion, Prompt
from backend.suites import registry

REWARDS = """
def good(completion):
    return float(len(completion))


TASKS = {"chat": {"good": 1.0}, "mail": {"good": 1.0}}
"""
ROWS: list[dict[str, Any]] = [
    {"id": "a", "task": "chat", "prompt": "one", "completion": "first", "answer": "1"},
    {"id": "b", "task": "mail", "prompt": "two", "completion": "second", "answer": "2"},
    {"id": "c", "task": "chat", "prompt": "one", "completion": "third", "answer": "1"},
]
CHAT = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "one"}]


@pytest.fixture(scope="module")
def reward_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A reward file of two tasks, loaded once for all tests here."""
    path = tmp_path_factory.mktemp("rewards") / "two_tasks.py"
    path.write_text(REWARDS, encoding="utf-8")
    yield path
    registry._file(str(path))._worker.close()


@pytest.fixture
def folder(workbench: Path, reward_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workbench with these two tasks and an empty store, and where files can be written."""
    monkeypatch.setenv("WORKBENCH_SUITES", str(reward_file))
    get_settings.cache_clear()
    return workbench


def as_jsonl(path: Path, rows: Sequence[Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def as_packed(path: Path, rows: Sequence[Any]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def as_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
        table.writeheader()
        table.writerows(rows)


def as_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), path)


def as_list(path: Path, rows: Sequence[Any]) -> None:
    path.write_text(json.dumps(rows), encoding="utf-8")


def as_table(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    names = list(rows[0])
    table = {"columns": names, "data": [[row[name] for name in names] for row in rows], "ncols": len(names)}
    path.write_text(json.dumps(table), encoding="utf-8")


def as_object(path: Path, rows: Sequence[Any]) -> None:
    path.write_text(json.dumps({"version": 2, "samples": rows, "tags": ["x"]}), encoding="utf-8")


KINDS: dict[str, Callable[[Path, Sequence[Any]], None]] = {
    "rows.jsonl": as_jsonl,
    "rows.ndjson": as_jsonl,
    "rows.jsonl.gz": as_packed,
    "rows.csv": as_csv,
    "rows.tsv": as_csv,
    "rows.csv.gz": as_csv,
    "rows.parquet": as_parquet,
    "rows.json": as_list,
    "table.json": as_table,
    "object.json": as_object,
}
every_kind = pytest.mark.parametrize(("name", "write"), KINDS.items(), ids=list(KINDS))


# --- readers ------------------------------------------------------------------------------------------------------------


@every_kind
def test_every_kind_of_file_holds_the_same_rows(folder: Path, name: str, write: Callable[..., None]) -> None:
    path = folder / name
    write(path, ROWS)
    assert [row for _, row in raw_rows(path)] == ROWS
    assert columns_of(path) == ["id", "task", "prompt", "completion", "answer"]
    taken = import_completions(path)
    assert (taken.rows, taken.new, dict(taken.tasks)) == (3, 3, {"chat": 2, "mail": 1})
    assert list(taken.by_id) == ["a", "b", "c"]
    again = import_completions(path)
    assert (again.rows, again.new, again.keys) == (3, 0, taken.keys)
    with reading() as session:
        stored = session.execute(
            select(Completion.text, Completion.columns, Prompt.task, Prompt.user_text, Prompt.form)
            .join(Prompt, Prompt.id == Completion.prompt_id)
            .order_by(Completion.id)
        ).all()
    assert [tuple(row) for row in stored] == [
        (r["completion"], {"id": r["id"], "answer": r["answer"]}, r["task"], r["prompt"], "text") for r in ROWS
    ]


def test_the_same_rows_in_another_kind_of_file_add_nothing(folder: Path) -> None:
    new = []
    for name, write in KINDS.items():
        write(folder / name, ROWS)
        new.append(import_completions(folder / name).new)
    assert new == [3] + [0] * (len(KINDS) - 1)


def test_a_folder_as_trl_logs_completions(folder: Path) -> None:
    logs = folder / "completions"
    logs.mkdir()
    for step in (10, 5):
        rows = [
            {
                "step": step,
                "prompt": f"question {i}",
                "completion": f"answer {i} of {step}",
                "good": i / 2,
                "advantage": -0.5,
            }
            for i in range(4)
        ]
        as_parquet(logs / f"completions_{step:05d}.parquet", rows)
    assert [place for place, _ in raw_rows(logs)][3:5] == [
        "completions_00005.parquet row 4",
        "completions_00010.parquet row 1",
    ]
    taken = import_completions(logs, default_task="chat")
    assert (taken.rows, taken.new) == (8, 8)
    with reading() as session:
        stored = session.execute(select(Completion.step, Completion.columns).order_by(Completion.id)).all()
        assert len(session.scalars(select(Prompt.id)).all()) == 4
    assert [row.step for row in stored] == [5] * 4 + [10] * 4
    assert stored[3].columns == {"good": 1.5, "advantage": -0.5}
    assert import_completions(logs, default_task="chat").new == 0


def test_chats_texts_and_parts_may_stand_in_one_file(folder: Path) -> None:
    path = folder / "mixed.jsonl"
    parts = [{"role": "human", "content": [{"type": "text", "text": "look"}, {"type": "image", "url": "x"}]}]
    rows: list[dict[str, Any]] = [
        {"prompt": CHAT, "completion": [{"role": "assistant", "content": "said"}]},
        {"prompt": "plain", "completion": "text"},
        {"messages": parts, "response": {"role": "assistant", "content": "seen"}},
        {"question": "asked", "output": "given", "answer": "never the completion"},
        {"prompt": json.dumps(CHAT), "completion": json.dumps([{"role": "assistant", "content": "as text"}])},
    ]
    as_jsonl(path, rows)
    found = preview(path)
    assert [row.form for row in found] == ["chat", "text", "chat", "text", "chat"]
    assert [row.completion for row in found] == ["said", "text", "seen", "given", "as text"]
    assert found[0].messages == found[4].messages == CHAT
    assert found[2].messages == [{"role": "user", "content": "look"}]
    assert found[3].columns == {"answer": "never the completion"}
    assert import_completions(path, default_task="chat").new == 5


def test_a_parquet_file_of_chats(folder: Path) -> None:
    path = folder / "chats.parquet"
    as_parquet(path, [{"prompt": CHAT, "completion": [{"role": "assistant", "content": f"say {i}"}]} for i in range(3)])
    assert [(row.form, row.completion) for row in preview(path)] == [("chat", f"say {i}") for i in range(3)]


def test_an_inspect_log(folder: Path) -> None:
    pytest.importorskip("inspect_ai")
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import match

    output = ModelOutput.from_content("mockllm/model", "4")
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # else it fetches a tokenizer
    model = get_model("mockllm/model", custom_outputs=[output] * 2)
    samples = [Sample(input="2 + 2", target="4"), Sample(input="1 + 1", target="2")]
    (log,) = eval(Task(dataset=samples, scorer=match()), model=model, log_dir=str(folder), display="none")
    found = preview(Path(log.location))
    assert [row.completion for row in found] == ["4", "4"]
    assert found[0].columns["answer"] == "4"


def test_traces_of_verifiers() -> None:
    """A trace that verifiers 0.4.0 wrote: its own classes, filled and dumped."""
    (row,) = preview(Path(__file__).with_name("verifiers_traces.jsonl"))
    assert [dict(m) for m in row.messages] == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "2+2?"},
    ]
    assert (row.completion, row.form, row.policy) == ("4", "chat", "mock/m")
    assert row.columns == {"answer": "4", "reward_exact": 1.0, "turns": 1.0}


def test_a_trace_without_an_answer_is_named(folder: Path) -> None:
    path = folder / "traces.jsonl"
    path.write_text(json.dumps({"nodes": [], "task": {"data": {}}}) + "\n")
    with pytest.raises(UserError, match="the trace has no answer of a model"):
        import_completions(path)


def test_an_inspect_log_without_inspect_says_what_to_install(folder: Path) -> None:
    try:
        import inspect_ai  # noqa: F401
    except ImportError:
        (folder / "run.eval").write_bytes(b"PK")
        with pytest.raises(UserError, match="pip install inspect-ai"):
            preview(folder / "run.eval")


# --- bad files and rows -------------------------------------------------------------------------------------------------

BAD_ROWS = [
    ({"prompt": "", "completion": "x"}, "the prompt is empty"),
    ({"prompt": 3, "completion": "x"}, "the prompt is int; give text, or a list of messages"),
    ({"prompt": [], "completion": "x"}, "the prompt is list"),
    ({"prompt": [{"role": "user"}], "completion": "x"}, "a message has no text"),
    ({"prompt": [{"content": "x"}], "completion": "x"}, "a message is an object with role and content"),
    ({"prompt": [*CHAT, {"role": "assistant", "content": "x"}], "completion": "x"}, "the prompt ends with the assistant's turn"),
    ({"prompt": "p", "completion": None}, "completion is NoneType; give text"),
    ({"prompt": "p", "completion": 5}, "completion is int; give text"),
    ({"prompt": "p", "completion": "x", "task": "poetry"}, "unknown task 'poetry'; choose one of chat, mail"),
    ({"prompt": "p", "completion": "x", "task": ["chat"]}, "task is list; give text or a number"),
    ({"prompt": "p", "completion": "x", "id": "i" * 201}, "id has 201 characters; at most 200"),
    ({"prompt": "p", "completion": "x", "step": -1}, "step is -1; it must be 0 or more"),
    ({"prompt": "p", "completion": "x", "step": "soon"}, "step is 'soon'; give a whole number"),
    ({"prompt": "p", "completion": "x", "ratings": [{"rater": "me"}]}, "a rating is an object with rater and score"),
    ({"prompt": "p", "completion": "x", "rating": "good"}, "a score is a number, not 'good'"),
    pytest.param(
        {"id": "a", "prompt": "p", "completion": "x"},
        "the id a stands in an earlier row",
    ),
    ([1, 2], "the line is no JSON object"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "said"), BAD_ROWS, ids=lambda x: x[:40] if isinstance(x, str) else "")
def test_a_bad_row_is_named_with_its_place_and_nothing_is_stored(folder: Path, bad: Any, said: str) -> None:
    path = folder / "bad.jsonl"
    as_jsonl(path, [ROWS[0], bad, ROWS[1]])
    with pytest.raises(UserError) as raised:
        import_completions(path)
    assert "1 of 3 rows" in str(raised.value)
    assert f"{path}:2: {said}" in str(raised.value)
    with reading() as session:
        assert session.scalars(select(Completion.id)).all() == []


def test_every_bad_row_is_counted_and_the_first_ten_are_shown(folder: Path) -> None:
    path = folder / "bad.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n\n" + "{broken\n" * 25, encoding="utf-8")
    with pytest.raises(UserError) as raised:
        import_completions(path)
    said = str(raised.value)
    assert "25 of 26 rows" in said and "and 15 more" in said
    assert f"{path}:3: " in said and f"{path}:12: " in said and f"{path}:13: " not in said


UNREADABLE = [
    ("empty.jsonl", b"", "holds no completions"),
    ("empty.csv", b"", "holds no completions"),
    ("header.csv", b"prompt,completion\n", "holds no completions"),
    ("latin.jsonl", '{"prompt": "ação"}'.encode("latin-1"), "Give UTF-8 text"),
    ("cut.jsonl.gz", gzip.compress(b'{"prompt": "a", "completion": "b"}\n' * 2000)[:-20], "cannot read"),
    ("none.jsonl.gz", b"no gzip at all", "cannot read"),
    ("none.parquet", b"PAR1 is not enough", "cannot read .* as Parquet"),
    ("none.json", b"{", "is no JSON"),
    ("empty.json", b"[]", "holds no table"),
    ("two.json", b'{"a": [{"x": 1}], "b": [{"y": 1}]}', "holds no table"),
    ("more.csv", b"prompt,completion\na,b,c\n", "more.csv:2: more cells than the header has names"),
    ("other.csv", b"text,label\na,b\n", "no column is known as the prompt: there are text, label. Choose it: Prompt on the page, --prompt-column"),
    ("half.csv", b"prompt,label\na,b\n", "no column is known as the completion: there are prompt, label"),
    ("notes.txt", b"hello", "is of no known kind. These are read: Parquet"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "said"), UNREADABLE, ids=[name for name, *_ in UNREADABLE])
def test_a_file_that_cannot_be_read_is_named(folder: Path, name: str, content: bytes, said: str) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=said) as raised:
        import_completions(folder / name)
    assert name in str(raised.value)


def test_a_file_that_is_not_there_and_a_folder_without_parquet_are_named(folder: Path) -> None:
    with pytest.raises(UserError, match="there is no file"):
        import_completions(folder / "nowhere.jsonl")
    (folder / "empty").mkdir()
    with pytest.raises(UserError, match="is of no known kind"):
        import_completions(folder / "empty")


def test_a_gzip_that_is_damaged_inside_is_named(folder: Path) -> None:
    path = folder / "damaged.jsonl.gz"
    whole = bytearray(gzip.compress("".join(json.dumps({**ROWS[0], "n": i * i}) + "\n" for i in range(3000)).encode()))
    whole[400:440] = bytes(40)
    path.write_bytes(bytes(whole))
    with pytest.raises(UserError, match="damaged"):
        import_completions(path)


WIDE = {"prompt": "p", "completion": "x", **{f"column {i}": i for i in range(10_000)}}


@pytest.mark.parametrize(
    "name",
    [
        "rows.jsonl",
        "rows.csv",
        "rows.tsv",
        "rows.parquet",
        "rows.json",
        "table.json",
    ],
)
def test_ten_thousand_columns_are_refused_in_words(folder: Path, name: str) -> None:
    KINDS[name](folder / name, [WIDE])
    with pytest.raises(UserError, match="10002 columns; at most 2000 are read") as raised:
        import_completions(folder / name)
    assert len(str(raised.value)) < 500


def test_a_row_of_a_table_with_too_few_cells_is_bad(folder: Path) -> None:
    path = folder / "table.json"
    path.write_text(json.dumps({"columns": ["prompt", "completion", "answer"], "data": [["p", "c", "a"], ["p", "c"]]}))
    with pytest.raises(UserError, match=f"{path}:entry 2: "):
        import_completions(path)


# --- what the columns mean ----------------------------------------------------------------------------------------------


def test_columns_can_be_named(folder: Path) -> None:
    path = folder / "named.csv"
    as_csv(
        path, [{"ask": "one", "said": "first", "kind": "mail", "key": "k1", "prompt": "beside", "completion": "too"}]
    )
    layout = Layout(prompt="ask", completion="said", task="kind", id="key")
    (found,) = preview(path, layout)
    assert (found.messages[0]["content"], found.completion, found.task, found.id) == ("one", "first", "mail", "k1")
    assert found.columns == {"prompt": "beside", "completion": "too"}
    assert dict(import_completions(path, layout).tasks) == {"mail": 1}
    with pytest.raises(UserError, match="there is no column 'asked'; there are ask, said, kind"):
        preview(path, Layout(prompt="asked"))


def test_ratings_in_the_rows_are_found(folder: Path) -> None:
    path = folder / "rated.jsonl"
    listed = [{"rater": "ana", "score": 4, "comment": "fine"}, {"rater": "bob", "score": "2.5"}]
    as_jsonl(
        path,
        [
            {"prompt": "p", "completion": "a", "ratings": listed},
            {"prompt": "p", "completion": "b", "rating": 3, "rater": "cy"},
            {"prompt": "p", "completion": "c", "human_score": "1"},
            {"prompt": "p", "completion": "d", "rating": None},
        ],
    )
    taken = import_completions(path, default_task="chat")
    places = {key: i for i, key in enumerate(taken.keys)}
    assert [(places[key], *rest) for key, *rest in taken.ratings] == [
        (0, "ana", 4.0, "fine"),
        (0, "bob", 2.5, ""),
        (1, "cy", 3.0, ""),
        (2, "imported", 1.0, ""),
    ]


def test_policy_and_step_are_kept(folder: Path) -> None:
    path = folder / "steps.jsonl"
    as_jsonl(
        path, [{"prompt": "p", "completion": "c", "model": "mine-7b", "step": 30.0}, {"prompt": "p", "completion": "d"}]
    )
    import_completions(path, default_task="chat")
    with reading() as session:
        stored = session.execute(select(Completion.policy, Completion.step).order_by(Completion.id)).all()
    assert [tuple(row) for row in stored] == [("mine-7b", 30), ("imported", None)]


def test_the_same_completion_twice_in_a_file_is_two_and_a_longer_file_adds_what_is_new(folder: Path) -> None:
    path = folder / "twice.jsonl"
    row = {"prompt": "p", "completion": "same", "task": "chat"}
    as_jsonl(path, [row, row])
    assert import_completions(path).new == 2
    as_jsonl(path, [row, row, row, {**row, "completion": "other"}])
    assert import_completions(path).new == 2


def test_numbers_that_are_none_and_dates_are_kept_as_json_keeps_them(folder: Path) -> None:
    from datetime import UTC, datetime

    path = folder / "odd.parquet"
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    as_parquet(path, [{"prompt": "p", "completion": "c", "at": moment, "missing": None, "value": 0.5}])
    import_completions(path, default_task="chat")
    with reading() as session:
        (columns,) = session.scalars(select(Completion.columns)).all()
    assert columns == {"at": "2026-01-02 00:00:00+00:00", "value": 0.5}


def test_a_number_that_is_no_number_does_not_reach_the_store(folder: Path) -> None:
    path = folder / "nan.parquet"
    as_parquet(path, [{"prompt": "p", "completion": "c", "value": float("nan")}])
    import_completions(path, default_task="chat")
    with reading() as session:
        (columns,) = session.scalars(select(Completion.columns)).all()
    assert columns == {"value": None}
    json.dumps(columns, allow_nan=False)  # PostgreSQL takes no other JSON


def test_a_sample_for_raters_is_spread_over_the_file(folder: Path) -> None:
    path = folder / "many.jsonl"
    as_jsonl(path, [{"prompt": "p", "completion": str(i), "task": "chat"} for i in range(100)])
    taken = import_completions(path)
    assert [taken.keys.index(key) for key in stratified(taken, 5)] == [0, 20, 40, 60, 80]
    assert list(stratified(taken, 1000)) == taken.keys


# --- prompts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.parquet", "rows.json", "table.json"])
def test_trls_chats_become_prompts_and_the_other_columns_facts(folder: Path, name: str) -> None:
    rows = [
        {"prompt": [*CHAT[:1], {"role": "user", "content": f"q{i}"}], "answer": str(i), "level": i} for i in range(10)
    ]
    KINDS[name](folder / name, rows)
    prompts = read_prompt_file(folder / name)
    assert [p.facts for p in prompts] == [{"answer": str(i), "level": i} for i in range(10)]
    assert {(p.task, p.form, len(p.messages)) for p in prompts} == {("chat", "chat", 2)}
    assert sum(p.split == "eval" for p in prompts) == 2


def test_a_split_is_made_by_task_and_stays_the_same(folder: Path) -> None:
    path = folder / "prompts.csv"
    rows = [{"task": ("chat", "mail")[i % 2], "question": f"q{i}", "answer": "x"} for i in range(100)]
    as_csv(path, rows)
    prompts = read_prompt_file(path)
    held = {task: {p.id for p in prompts if p.task == task and p.split == "eval"} for task in ("chat", "mail")}
    assert {task: len(ids) for task, ids in held.items()} == {"chat": 10, "mail": 10}
    as_csv(path, rows[::-1])
    assert {p.id for p in read_prompt_file(path) if p.split == "eval"} == held["chat"] | held["mail"]


def test_a_large_file_keeps_two_hundred_for_evaluation_and_as_many_for_the_test(folder: Path) -> None:
    path = folder / "prompts.jsonl"
    as_jsonl(path, [{"prompt": f"q{i}", "answer": "x"} for i in range(1500)])
    assert Counter(p.split for p in read_prompt_file(path)) == {"train": 1100, "eval": MOST_EVAL, "test": MOST_EVAL}


def test_a_file_has_test_prompts_once_every_task_has_enough(folder: Path) -> None:
    """One in five of 74 prompts are 14, too few for a verdict; of 75 they are 15. The eval prompts stay the same ones."""
    found = {}
    for mail in (74, 75):
        path = folder / f"{mail}.jsonl"
        rows = [{"task": "chat", "prompt": f"c{i}"} for i in range(100)]
        as_jsonl(path, [*rows, *({"task": "mail", "prompt": f"m{i}"} for i in range(mail))])
        found[mail] = read_prompt_file(path)
    assert Counter(p.split for p in found[74]) == {"train": 140, "eval": 34}
    counts = Counter((p.task, p.split) for p in found[75])
    assert [counts["chat", "test"], counts["mail", "test"], counts["mail", "eval"]] == [20, 15, 15]
    evaluated = {prompts: {p.id for p in of if p.split == "eval" and p.task == "chat"} for prompts, of in found.items()}
    assert evaluated[74] == evaluated[75]


def test_a_split_that_is_named_stays(folder: Path) -> None:
    path = folder / "prompts.jsonl"
    as_jsonl(path, [{"prompt": f"q{i}", "answer": "x", "split": "eval" if i == 3 else "train"} for i in range(10)])
    assert [i for i, p in enumerate(read_prompt_file(path)) if p.split == "eval"] == [3]


def test_facts_and_columns_are_one(folder: Path) -> None:
    path = folder / "prompts.jsonl"
    as_jsonl(path, [{"prompt": "q", "facts": {"a": 1, "b": 2}, "b": 3}])
    assert read_prompt_file(path)[0].facts == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"prompt": "q"}, {"prompt": "q"}], ":2: the same prompt as row 1"),
        ([{"prompt": "q", "split": "dev"}], ":1: split: Input should be 'train', 'eval' or 'test'"),
        ([{"prompt": "q", "facts": [1], "x": 1}], ":1: facts is list; give an object"),
        ([{"prompt": "q", "task": "poetry", "x": 1}], ":1: unknown task 'poetry'"),
        ([{"text": "q"}], ":1: no column is known as the prompt"),
        ([], "has no prompts"),
    ],
)
def test_a_bad_prompt_is_named_with_its_place(folder: Path, rows: list[dict[str, Any]], said: str) -> None:
    path = folder / "prompts.jsonl"
    as_jsonl(path, rows)
    with pytest.raises(UserError) as raised:
        read_prompt_file(path)
    assert said in str(raised.value)
