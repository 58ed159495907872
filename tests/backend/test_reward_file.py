"""A team's reward file as a suite: how it is loaded, what its worker process may do, and that an edit is noticed."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import func, select

from backend.audit.gates import decide_gates, standing_gates
from backend.audit.own import bring_in, take_scores
from backend.data.completions import import_completions
from backend.errors import UserError
from backend.records import Split
from backend.runs.create import run_prompts
from backend.settings import get_settings
from backend.store.completions import ensure_scores, totals
from backend.store.engine import reading, writing
from backend.store.imported import ids_of_keys
from backend.store.prompts import load_prompt_set, prompt_sets
from backend.store.tables import QueueItem, Rating, Score
from backend.suites import (
    ToScore,
    find_task,
    fingerprint,
    get_task,
    load_reward_functions,
    registry,
    runner,
    score_completions,
    suite_of,
    suites,
    task_names,
)
from backend.suites.choice import is_chosen, use_installed, use_suite
from backend.suites.reward_file import TEMPLATE, RewardFile, load_reward_file, may_hold_rewards
from backend.training.config import get_preset, override

SMALL = "def good(completion):\n    return float(len(completion))\n"


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Writes files to a folder; the modules that they become here are forgotten afterwards."""
    names, paths = set(sys.modules), list(sys.path)

    def write(text: str, name: str = "mine.py", **beside: str) -> Path:
        for stem, other in beside.items():
            (tmp_path / f"{stem}.py").write_text(other, encoding="utf-8")
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    yield write
    sys.path[:] = paths
    for name in set(sys.modules) - names:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def installed(
    workbench: Path, mine: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Path]]:
    """Writes a reward file and makes it the only suite; its workers are ended afterwards."""
    monkeypatch.setattr(runner, "_CHECK_SECONDS", 0)
    registry._file.cache_clear()

    def install(text: str, name: str = "mine.py", **beside: str) -> Path:
        path = mine(text, name, **beside)
        set_up(monkeypatch, WORKBENCH_SUITES=str(path))
        return path

    yield install
    if get_settings().suites != ("commerce",):
        for spec in get_settings().suites:
            registry._file(spec)._worker.close()
    registry._file.cache_clear()


def set_up(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()


def loaded(path: Path | str) -> RewardFile:
    found = load_reward_file(str(path))
    assert isinstance(found, RewardFile)
    return found


def asked(*texts: str, **columns: object) -> list[ToScore]:
    return [ToScore([{"role": "user", "content": "q"}], text, columns) for text in texts]


def scored(*texts: str, task: str = "mine") -> list[float]:
    return [score.total for score in score_completions(task, asked(*texts), "current")]


# --- loading ------------------------------------------------------------------------------------------------------------


def test_without_weights_the_files_own_public_functions_count_alike(mine: Callable[..., Path]) -> None:
    path = mine(
        "import functools\nfrom other import imported\n\n"
        "def good(completions, **kwargs):\n    return [1.0] * len(completions)\n\n"
        "async def later(completion):\n    return 0.5\n\n"
        "def _private(completion):\n    return 0.0\n\n"
        "def helper(text):\n    return text\n\n"
        "class Judge:\n    def __call__(self, completion):\n        return 1.0\n\n"
        "judge = Judge()\nhalf = functools.partial(good, tag=1)\n",
        other="def imported(completion):\n    return 0.0\n",
    )
    found = loaded(path)
    assert found.name == "mine" and found.is_open
    assert found.tasks == {"mine": {"good": 1.0, "later": 1.0, "judge": 1.0, "half": 1.0}}
    assert (found.scale, found.bounds, found.guideline) == ((1, 5), None, "")


def test_weights_choose_functions_imported_ones_and_other_modules(mine: Callable[..., Path]) -> None:
    path = mine(
        "from other import imported\n\n"
        "def good(completion):\n    return 1.0\n\ndef left_out(completion):\n    return 1.0\n\n"
        'WEIGHTS = {"good": 1, "imported": -0.5, "other:named": 2.0}\n',
        other="def imported(completion):\n    return 0.0\n\ndef named(completions):\n    return [3.0]\n",
    )
    found = loaded(path)
    assert found.weights("mine") == found.weights("any other") == {"good": 1.0, "imported": -0.5, "named": 2.0}
    assert {path.name for path in found.own_files()} == {"mine.py", "other.py"}


def test_tasks_have_functions_of_their_own(mine: Callable[..., Path]) -> None:
    found = loaded(
        mine(
            SMALL
            + "\ndef kind(completion):\n    return 1.0\n\nTASKS = {'a': {'good': 1.0}, 'b': {'good': 2, 'kind': 1}}\n"
        )
    )
    assert not found.is_open
    assert found.tasks == {"a": {"good": 1.0}, "b": {"good": 2.0, "kind": 1.0}}


@pytest.mark.parametrize(
    ("said", "beside", "guideline"),
    [
        ('GUIDELINE = "1 bad, 5 good"\n', "", "1 bad, 5 good"),
        ("", "# How to rate\n\n5 is best.\n", "# How to rate\n\n5 is best."),
        ('GUIDELINE = "in the file"\n', "beside it", "in the file"),
        ("", "", ""),
    ],
)
def test_the_guideline_is_in_the_file_or_beside_it(
    mine: Callable[..., Path], said: str, beside: str, guideline: str
) -> None:
    path = mine(SMALL + said)
    if beside:
        path.with_suffix(".md").write_text(beside, encoding="utf-8")
    assert loaded(path).guideline == guideline


def test_scale_and_bounds_are_read(mine: Callable[..., Path]) -> None:
    found = loaded(mine(SMALL + "SCALE = (0, 10)\nBOUNDS = [-1, 2]\n"))
    assert (found.scale, found.bounds) == ((0.0, 10.0), (-1.0, 2.0))


def test_one_function_of_a_module_or_a_file_is_a_suite(
    mine: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = mine(SMALL + "\ndef other(completion):\n    return 0.0\n", "a_module_of_mine.py")
    monkeypatch.syspath_prepend(str(path.parent))
    for spec in ("a_module_of_mine:good", f"{path}:good"):
        found = loaded(spec)
        assert (found.name, found.tasks) == ("good", {"good": {"good": 1.0}})
    assert loaded("a_module_of_mine").tasks == {"a_module_of_mine": {"good": 1.0, "other": 1.0}}


def test_what_workbench_init_writes_loads(mine: Callable[..., Path]) -> None:
    found = loaded(mine(TEMPLATE))
    assert found.weights("mine") == {"correct": 1.0, "short": 0.2}
    assert found.guideline.startswith("Would you send")


BAD = [
    ("x = 1\n", "has no reward function: none of its own public functions names `completions` or `completion`"),
    ("def f(text):\n    return 1\n", r"One looks like this:\n\ndef correct\(completions, answer, \*\*kwargs\)"),
    ("import no_such_thing\n", r"ModuleNotFoundError: .*no_such_thing.* \(line 1 of mine.py: import no_such_thing\)"),
    ("x = 1\n\ny = 1 / 0\n", r"ZeroDivisionError: division by zero \(line 3 of mine.py: y = 1 / 0\)"),
    ("def f(:\n", r"SyntaxError: .*\(mine.py, line 1\)"),
    ("raise SystemExit(2)\n", "SystemExit: 2"),
    (SMALL + 'WEIGHTS = {"goood": 1}\n', "WEIGHTS names 'goood', which is no function of the file"),
    (SMALL + 'WEIGHTS = {"good": "much"}\n', r"WEIGHTS\['good'\] is 'much'; a weight is a number"),
    (SMALL + 'WEIGHTS = {"good": float("nan")}\n', r"WEIGHTS\['good'\] is nan; a weight is a number"),
    (SMALL + 'WEIGHTS = {"good": True}\n', "a weight is a number"),
    (SMALL + "TASKS = {'a': {'bad': 1}}\n", "names 'bad', which is no function"),
    (SMALL + "TASKS = {'mean': {'good': 1}}\n", "task 'mean': this name is taken"),
    (SMALL + "TASKS = {'a': 1}\n", r"TASKS\['a'\] is a dictionary of function -> weight"),
    (SMALL + "TASKS = {'a': {}}\n", r"TASKS\['a'\] is a dictionary of function -> weight"),
    (SMALL + "SCALE = (5, 1)\n", r"SCALE is \(lowest, highest\), two numbers, not \(5, 1\)"),
    (SMALL + "SCALE = 5\n", "SCALE is "),
    (SMALL + "BOUNDS = ('a', 'b')\n", r"BOUNDS is \(lowest, highest\)"),
    ("def overall(completion):\n    return 1.0\n", "reward function overall: this name is taken"),
    ("def " + "n" * 60 + "(completion):\n    return 1.0\n", "60 characters; at most 59 fit"),
    (
        'WEIGHTS = {"one:score": 1, "two:score": 1}\n',
        "two reward functions are called 'score'; give one another name",
    ),
]


@pytest.mark.parametrize(("text", "said"), BAD, ids=[said[:40] for _, said in BAD])
def test_a_file_that_does_not_fit_says_where(mine: Callable[..., Path], text: str, said: str) -> None:
    score = "def score(completion):\n    return 1.0\n"
    with pytest.raises(UserError, match=said):
        load_reward_file(str(mine(text, one=score, two=score)))


@pytest.mark.parametrize("said", ["TASKS = ['good']", "WEIGHTS = 3"])
def test_weights_of_another_kind_are_a_users_error(mine: Callable[..., Path], said: str) -> None:
    with pytest.raises(UserError, match="is a dictionary of"):
        load_reward_file(str(mine(f"{SMALL}{said}\n")))


def test_a_built_in_that_a_file_imports_does_not_matter(mine: Callable[..., Path]) -> None:
    assert list(loaded(mine("from math import log\n" + SMALL)).functions) == ["good"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere.py", "there is no file"),
        ("no_such_module", "cannot import no_such_module"),
        ("json:dump_it", "has no function"),
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_reward_file(str(tmp_path / name) if name.endswith(".py") else name)


def test_a_file_that_may_hold_rewards_is_recognised_without_running_it(mine: Callable[..., Path]) -> None:
    assert may_hold_rewards(mine("raise SystemExit\n" + SMALL, "a.py"))
    assert not may_hold_rewards(mine("def f(text):\n    return 1\n", "b.py"))
    assert not may_hold_rewards(mine("def f(:\n", "c.py"))


# --- in a worker --------------------------------------------------------------------------------------------------------

TRICKY = """
import os
import sys
import time


class Wordless(Exception):
    def __str__(self):
        raise RuntimeError


def good(completion):
    return float(len(completion))


def tricky(completion):
    print("a word on standard output")
    os.write(1, b"and another")
    if completion == "loop":
        while True:
            pass
    if completion == "eat":
        eaten = bytearray(900_000_000)
        while eaten:
            time.sleep(0.01)
    if completion == "die":
        os._exit(7)
    if completion == "kill":
        os.kill(os.getpid(), 9)
    if completion == "exit":
        sys.exit(4)
    if completion == "long":
        raise ValueError("z" * 3_000_000)
    if completion == "wordless":
        raise Wordless
    return {"nan": float("nan"), "text": "much", "raise": None}.get(completion, 1.0) if completion != "raise" else 1 / 0


WEIGHTS = {"good": 1.0, "tricky": 0.5}
"""
FAULTS = [
    ("loop", r"was not done after 1 s \(WORKBENCH_REWARD_SECONDS\)", {"WORKBENCH_REWARD_SECONDS": "1"}),
    ("eat", r"used .* GB of memory; 0.6 are allowed \(WORKBENCH_REWARD_GIGABYTES\)", {"WORKBENCH_REWARD_GIGABYTES": "0.6"}),
    ("die", "ended its process with exit code 7", {}),
    ("kill", "was ended by signal 9", {}),
    ("exit", r"called sys.exit\(4\); it must return a value", {}),
    ("nan", "gave nan; a reward is a finite number, or None", {}),
    ("text", "gave 'much'; a reward is a number", {}),
    ("raise", "ZeroDivisionError: division by zero", {}),
    ("long", r"ValueError: z{500}… \(3,000,000 characters\)", {}),
    ("wordless", r"Wordless: \(its message cannot be read\)", {}),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("what", "said", "limits"), FAULTS, ids=[what for what, *_ in FAULTS])
def test_a_function_that_goes_wrong_is_named_and_costs_its_worker_alone(
    installed: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, what: str, said: str, limits: dict[str, str]
) -> None:
    installed(TRICKY)
    assert scored("ok", "fine") == [2.5, 4.5]
    set_up(monkeypatch, **limits)
    with pytest.raises(UserError, match=f"^reward function tricky, row 3: {said}"):
        scored("ok", "fine", what, "good")
    for name in limits:
        monkeypatch.delenv(name)
    get_settings.cache_clear()
    assert scored("ok", "fine") == [2.5, 4.5]


def rows_file(folder: Path, texts: list[str], **columns: list[object]) -> Path:
    """A file of completions, each with an id, and whatever else is given."""
    path = folder / "completions.jsonl"
    rows = [
        {"id": str(i), "prompt": f"question {i // 2}", "completion": text, **{k: v[i] for k, v in columns.items()}}
        for i, text in enumerate(texts)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_failure_stores_no_score_no_rating_and_no_queue(installed: Callable[..., Path], tmp_path: Path) -> None:
    installed(TRICKY)
    with pytest.raises(UserError, match=r"reward function tricky, row \d: gave nan"):
        bring_in(rows_file(tmp_path, ["a", "bb", "nan", "c"], rating=[1, 2, 3, 4]))
    with reading() as session:
        for table in (Score, Rating, QueueItem):
            assert session.scalar(select(func.count()).select_from(table)) == 0
    bring_in(rows_file(tmp_path, ["a", "bb", "c"], rating=[1, 2, 4]))
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Rating)) == 3


@pytest.mark.parametrize(("prompts", "splits"), [(100, (60, 20, 20)), (10, (8, 2, 0))])
def test_the_prompts_of_a_file_of_completions_are_a_set_to_train_on(
    installed: Callable[..., Path], tmp_path: Path, prompts: int, splits: tuple[int, ...]
) -> None:
    installed("def good(completion):\n    return float(len(completion))\n")
    file = rows_file(tmp_path, ["a", "bb"] * prompts, answer=[str(i // 2) for i in range(2 * prompts)])
    bring_in(file)
    with reading() as session:
        (one,) = prompt_sets(session).itertuples()
    assert (one.name, one.train, one.eval, one.test) == ("completions.jsonl", *splits)
    found = run_prompts(override(get_preset("nano"), {"prompts": one.id}))
    assert Counter(p.split for p in found) == {k: n for k, n in zip(get_args(Split), splits, strict=True) if n}
    assert all(f"question {p.facts['answer']}" == p.user_text for p in found)
    (tmp_path / "later").mkdir()
    bring_in(rows_file(tmp_path / "later", ["a", "bb"] * 30))
    bring_in(file)  # the same file again is the same set, and the newest
    with reading() as session:
        assert [row.id == one.id for row in prompt_sets(session).itertuples()] == [True, False]


def test_a_split_that_a_file_of_completions_names_stays(installed: Callable[..., Path], tmp_path: Path) -> None:
    installed("def good(completion):\n    return float(len(completion))\n")
    split = [("train", "eval", "test")[i // 2 % 3] for i in range(60)]
    bring_in(rows_file(tmp_path, ["a", "bb"] * 30, split=split))
    with reading() as session:
        (one,) = prompt_sets(session).itertuples()
        kept = {p.user_text: p.split for p in load_prompt_set(session, one.id) or []}
    assert (one.train, one.eval, one.test) == (10, 10, 10)
    assert [kept[f"question {i}"] for i in range(3)] == ["train", "eval", "test"]


def test_a_fault_in_a_file_names_the_files_row(installed: Callable[..., Path], tmp_path: Path) -> None:
    installed("def good(completion):\n    return float(completion)\n")
    texts = ["1"] * 20
    texts[12] = "x"
    with pytest.raises(UserError, match="reward function good, row 13: "):
        bring_in(rows_file(tmp_path, texts))


def test_rows_are_handed_over_in_batches_and_keep_their_order(installed: Callable[..., Path]) -> None:
    installed(
        "def good(completions):\n    assert len(completions) <= 512\n    return [float(c) for c in completions]\n"
    )
    assert scored(*map(str, range(1200))) == [float(i) for i in range(1200)]


def test_a_fault_in_a_later_batch_names_the_row_among_all(installed: Callable[..., Path]) -> None:
    installed("def good(completion):\n    return float(completion)\n")
    with pytest.raises(
        UserError,
        match=r"good, row 701: .* \(rows 513 to 1024 of task mine; the completion is .x.\). No score was stored",
    ):
        scored(*("x" if i == 700 else "1" for i in range(1100)))


def test_a_process_that_dies_in_a_later_batch_names_the_row_among_all(installed: Callable[..., Path]) -> None:
    installed("import os\n\ndef good(completion):\n    return os._exit(3) if completion == 'die' else 1.0\n")
    with pytest.raises(UserError, match=r"good, row 701: .*exit code 3 \(rows 513 to 1024 of task mine"):
        scored(*("die" if i == 700 else "1" for i in range(1100)))


def test_values_below_nothing_and_above_one_keep_their_order_in_the_store(
    installed: Callable[..., Path], tmp_path: Path
) -> None:
    installed("def good(completions, value, **kwargs):\n    return value\n\nWEIGHTS = {'good': 1.0}\n")
    wanted = [-1.0, 2.0, 0.0, 1.5, -0.25, 1.0]
    assert [s.total for v in wanted for s in score_completions("mine", asked("x", value=v), "current")] == wanted
    taken = import_completions(rows_file(tmp_path, [f"text {i}" for i in range(6)], value=list(wanted)))
    with writing() as session:
        ids = ids_of_keys(session, taken.keys)
        assert ensure_scores(session, "current", list(ids.values())) == 6
        assert ensure_scores(session, "current", list(ids.values())) == 0
        stored = totals(session, list(ids.values()), "current")
    assert [stored[ids[key]] for key in taken.keys] == wanted


def test_bounds_clip_the_total_alone(installed: Callable[..., Path]) -> None:
    installed(SMALL + "BOUNDS = (0, 3)\n")
    (score,) = score_completions("mine", asked("12345"), "current")
    assert (score.total, score.components) == (3.0, {"good": 5.0})
    assert get_task("mine").bounds == (0.0, 3.0)


def test_a_function_that_does_not_apply_is_no_component(installed: Callable[..., Path]) -> None:
    installed(SMALL + "\ndef seldom(completion):\n    return 1.0 if completion == 'x' else None\n")
    assert [s.components for s in score_completions("mine", asked("x", "yy"), "current")] == [
        {"good": 1.0, "seldom": 1.0},
        {"good": 2.0},
    ]


def test_a_suite_of_two_hundred_tasks(installed: Callable[..., Path]) -> None:
    installed(SMALL + "\nTASKS = {f'task {i}': {'good': i / 2} for i in range(200)}\n")
    assert task_names() == tuple(f"task {i}" for i in range(200))
    assert scored("four", task="task 0") == [0.0]
    assert scored("four", task="task 199") == [398.0]
    assert len({fingerprint(f"task {i}", "current") for i in range(200)}) == 200
    assert find_task("task 200") is None


def test_any_task_that_the_data_name_is_scored_by_a_file_that_names_none(installed: Callable[..., Path]) -> None:
    installed(SMALL)
    assert get_task("support").label.en == "support"
    assert scored("abc", task="support") == [3.0]
    assert fingerprint("support", "current") == fingerprint("mine", "current")
    assert suite_of("support").name == "mine"


def test_a_trainers_process_loads_the_same_functions(installed: Callable[..., Path]) -> None:
    installed(SMALL + "WEIGHTS = {'good': 2.0}\n")
    functions = load_reward_functions("mine")
    assert functions is not None and list(functions) == ["good"]


def test_a_file_that_cannot_be_loaded_is_said_by_its_worker_too(installed: Callable[..., Path]) -> None:
    path = installed("import no_such_thing\n")
    with pytest.raises(UserError, match=r"line 1 of mine.py: import no_such_thing"):
        suites()
    path.write_text(SMALL, encoding="utf-8")
    assert scored("ok") == [2.0]


# --- edits --------------------------------------------------------------------------------------------------------------


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_an_edited_file_is_noticed(installed: Callable[..., Path]) -> None:
    path = installed(SMALL)
    before = fingerprint("mine", "current")
    assert scored("four") == [4.0]
    edit(path, "float(len(completion))", "2.0 * len(completion)")
    assert scored("four") == [8.0]
    assert fingerprint("mine", "current") != before
    edit(path, "2.0 * len(completion)", "float(len(completion))  # as it was")
    assert fingerprint("mine", "current") == before


@pytest.mark.slow
def test_an_edited_helper_a_new_weight_and_a_new_guideline_are_noticed(installed: Callable[..., Path]) -> None:
    path = installed(
        "import helper_of_mine\n\ndef good(completion):\n    return helper_of_mine.value(completion)\n\nWEIGHTS = {'good': 1.0}\n",
        helper_of_mine="def value(text):\n    return 1.0\n",
    )
    seen = [fingerprint("mine", "current")]
    edit(path.parent / "helper_of_mine.py", "1.0", "12.0")
    assert scored("x") == [12.0]
    seen.append(fingerprint("mine", "current"))
    edit(path, "{'good': 1.0}", "{'good': 0.25}")
    assert scored("x") == [3.0]
    seen.append(fingerprint("mine", "current"))
    assert len(set(seen)) == 3
    edit(path, "WEIGHTS", "GUIDELINE = 'new words'\nWEIGHTS")
    guideline = get_task("mine").guideline
    assert guideline is not None and guideline.question.en == "new words"
    assert fingerprint("mine", "current") == seen[-1]


def test_an_edit_in_the_same_second_that_keeps_the_size_is_noticed(
    installed: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    path = installed("def good(completion):\n    return 1.0\n")
    second = 1_800_000_000 * 10**9
    os.utime(path, ns=(second, second))
    assert scored("x") == [1.0]
    edit(path, "1.0", "2.0")
    os.utime(path, ns=(second, second + 1000))
    assert scored("x") == [2.0]


@pytest.mark.slow
def test_a_gate_that_passed_is_stale_once_the_file_has_changed(installed: Callable[..., Path], tmp_path: Path) -> None:
    path = installed("def good(completion):\n    return float(len(completion))\n")
    texts = ["x" * (1 + i % 20) for i in range(60)]
    taken = import_completions(rows_file(tmp_path, texts, rating=[1 + 4 * (i % 20) / 19 for i in range(60)]))
    with writing() as session:
        assert take_scores(session, taken, []) == 60
        (decision,) = decide_gates(session, "current", "me")
        assert decision.verdict == "pass"
        assert standing_gates(session, "current")["mine"].verdict == "pass"
    edit(path, "float(len", "3.0 + float(len")
    with reading() as session:
        gate = standing_gates(session, "current")["mine"]
    assert gate.verdict == "stale"
    assert "the reward has changed since the decision" in gate.reason.en


# --- for a while --------------------------------------------------------------------------------------------------------


def test_a_file_is_the_only_suite_for_a_while_with_a_store_of_its_own(
    workbench: Path, mine: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workbench)
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("WORKBENCH_LOAD_EXAMPLE", "true")
    monkeypatch.setenv("WORKBENCH_SUITES", "commerce")
    get_settings.cache_clear()
    bad = mine("import no_such_thing\n", "bad.py")
    with pytest.raises(UserError, match="no_such_thing"):
        use_suite(str(bad))
    assert not is_chosen() and get_settings().suites == ("commerce",)
    suite = use_suite(str(mine(SMALL)))
    try:
        assert (suite.name, is_chosen(), task_names()) == ("mine", True, ("mine",))
        assert get_settings().database_url == f"sqlite:///{workbench / 'annotations-mine.db'}"
        assert not get_settings().load_example
    finally:
        use_installed()
    assert not is_chosen()
    assert get_settings().suites == ("commerce",)
    assert get_settings().database_url == f"sqlite:///{workbench / 'annotations.db'}"
