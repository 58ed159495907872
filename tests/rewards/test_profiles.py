"""Profiles, fingerprint and probes."""

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

import rewards.commerce
from rewards import BUILT_IN_TASKS, PROFILES, TASKS, fingerprint, get_profile, score
from rewards.commerce import REWARDS
from rewards.fingerprint import forget_sources, functions_fingerprint, reachable_code, reward_fingerprint
from rewards.scoring import ProbeResult, run_probes
from rewards.types import Probe, Task

HELPER = '''"""Beside it."""
LIMIT = 3


def is_short(text):
    """Whether it is."""
    return len(text) < LIMIT


def nobody_asks():
    return 1
'''
SOURCE = '''
"""Doc."""
import functools
import math

import made_up_helper
from rewards.types import Components

LIST = ("a", "b")  # words
FACTOR = 0.25
FREE = 8


def rule(text: str) -> float:
    """What it does."""
    found: Components = helper(text) * 0.5  # half
    return found + made_up_helper.is_short(text) + math.floor(FACTOR)


def helper(text):
    return float(text in LIST)


def unrelated():
    return 7 + FREE


def limited(most):
    def reward(completion):
        return float(len(completion) <= most)

    return reward


class Counted:
    """An object that can be called."""

    def __init__(self, word):
        self.word = word

    def __call__(self, completion):
        """How often."""
        return completion.count(self.word)


def at_most(completion, most):
    return float(len(completion) <= most)


short = limited(80)
brief = functools.partial(at_most, most=40)
ask = Counted("please")
'''

Import = Callable[..., types.ModuleType]


@pytest.fixture
def imported(tmp_path: Path) -> Iterator[Import]:
    """Writes the two modules to a folder of their own and imports the first by its path."""
    folders = count()

    def do(source: str = SOURCE, helper: str = HELPER) -> types.ModuleType:
        folder = tmp_path / str(next(folders))
        folder.mkdir()
        sys.path.insert(0, str(folder))
        for name, text in (("made_up_helper", helper), ("made_up", source)):
            sys.modules.pop(name, None)
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        forget_sources()
        return importlib.import_module("made_up")

    before = list(sys.path)
    yield do
    sys.path[:] = before
    for name in ("made_up", "made_up_helper"):
        sys.modules.pop(name, None)
    forget_sources()


def code(module: types.ModuleType, name: str = "rule") -> str:
    assert module.__file__ is not None
    return reachable_code([getattr(module, name)], (Path(module.__file__).parent,))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# words", "# the words, as data"),
        ('"""What it does."""', '"""Something else."""'),
        ('    """What it does."""\n', ""),
        ("text: str) -> float:", "text):"),
        ("found: Components = ", "found = "),
        ('LIST = ("a", "b")', 'LIST = (\n    "a",\n    "b",\n)'),
        ("def helper", "\n\n\n\ndef helper"),
        ("return 7", "return 8"),
        ("FREE = 8", "FREE = 9"),
        ("def unrelated():", "def something_else():"),
    ],
)
def test_what_cannot_change_behaviour_does_not_change_the_code_hashed(imported: Import, old: str, new: str) -> None:
    assert old in SOURCE
    assert code(imported()) == code(imported(SOURCE.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"b")', '"c")'),
        ("* 0.5", "* 0.6"),
        ("text in LIST", "text not in LIST"),
        ("FACTOR = 0.25", "FACTOR = 0.75"),
        ("math.floor", "math.ceil"),
    ],
)
def test_a_word_list_a_rule_or_a_constant_edit_changes_it(imported: Import, old: str, new: str) -> None:
    assert old in SOURCE
    assert code(imported()) != code(imported(SOURCE.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("LIMIT = 3", "LIMIT = 4", True),
        ("len(text) <", "len(text) <=", True),
        ('"""Whether it is."""', '"""Whether it is not."""', False),
        ("return 1", "return 2", False),
    ],
)
def test_a_helper_in_a_second_file_is_followed(imported: Import, old: str, new: str, changes: bool) -> None:
    assert old in HELPER
    assert (code(imported()) != code(imported(helper=HELPER.replace(old, new)))) is changes


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("short", "limited(80)", "limited(81)"),
        ("short", "<= most)\n\n    return", "< most)\n\n    return"),
        ("brief", "most=40", "most=41"),
        ("brief", "def at_most(completion, most):\n    return", "def at_most(completion, most):\n    return 2 *"),
        ("ask", 'Counted("please")', 'Counted("kindly")'),
        ("ask", "completion.count(self.word)", "completion.count(self.word) * 2"),
    ],
)
def test_what_a_closure_a_partial_or_an_object_holds_changes_it(
    imported: Import, name: str, old: str, new: str
) -> None:
    assert old in SOURCE
    first, second = imported(), imported(SOURCE.replace(old, new))
    assert code(first, name) != code(second, name)
    assert code(first) == code(second)


LONG = "|".join(f"word{i}" for i in range(60))
HARD = [
    pytest.param(
        f"WORDS = re.compile('{LONG}|last')",
        f"WORDS = re.compile('{LONG}|least')",
        "WORDS.search(completion)",
        id="the end of a long pattern",
    ),
    pytest.param(
        "F = {'a': lambda c: c.upper(), 'b': lambda c: c}",
        "F = {'a': lambda c: c.lower(), 'b': lambda c: c}",
        "F['a'](completion)",
        id="a method that one of two lambdas on a line calls",
    ),
    pytest.param(
        "F = {'a': lambda c: [x + 1 for x in c], 'b': lambda c: c}",
        "F = {'a': lambda c: [x + 2 for x in c], 'b': lambda c: c}",
        "F['a'](completion)",
        id="a loop in one of two lambdas on a line",
    ),
    pytest.param("T = {1: {'b', 'a'}}", "T = {1: {'b', 'c'}}", "T[1]", id="a set in a dictionary"),
    pytest.param(
        "F = functools.lru_cache(lambda c: len(c))",
        "F = functools.lru_cache(lambda c: 2 * len(c))",
        "F(completion)",
        id="a cached lambda",
    ),
]


@pytest.mark.parametrize(("old", "new", "used"), HARD)
def test_values_that_are_hard_to_write_down_change_it(imported: Import, old: str, new: str, used: str) -> None:
    source = f"import functools\nimport re\n\n{old}\n\n\ndef rule(completion):\n    return {used}\n"
    assert code(imported(source)) != code(imported(source.replace(old, new)))


def test_a_helper_that_is_imported_inside_a_function_is_followed(imported: Import) -> None:
    source = "def rule(completion):\n    from made_up_helper import is_short\n\n    return is_short(completion)\n"
    assert code(imported(source)) != code(imported(source, HELPER.replace("LIMIT = 3", "LIMIT = 4")))


def test_what_is_hashed_does_not_depend_on_the_folder_or_on_the_moment(imported: Import) -> None:
    names = ("rule", "short", "brief", "ask")
    assert [code(imported(), name) for name in names] == [code(imported(), name) for name in names]


def test_code_from_elsewhere_counts_by_its_name(imported: Import) -> None:
    text = code(imported())
    assert "from elsewhere: math.*" in text or "built-in math.floor" in text
    assert "LIMIT" in text
    assert "nobody_asks" not in text
    assert "unrelated" not in text


def test_a_teams_fingerprint_counts_functions_and_settings_whatever_their_order(imported: Import) -> None:
    module = imported()
    root = Path(str(module.__file__)).parent
    functions = {"short": module.short, "brief": module.brief}

    def of(calls: dict[str, Callable[..., object]], settings: dict[str, object]) -> str:
        return functions_fingerprint(calls, settings, root)

    first = of(functions, {"weights": {"short": 1.0, "brief": 0.5}, "bounds": None})
    assert len(first) == 12 and int(first, 16) >= 0
    assert first == of(dict(reversed(functions.items())), {"bounds": None, "weights": {"short": 1.0, "brief": 0.5}})
    assert first != of(functions, {"weights": {"short": 1.0, "brief": 0.6}, "bounds": None})
    assert first != of(functions, {"weights": {"short": 1.0, "brief": 0.5}, "bounds": (0.0, 1.0)})
    assert first != of({"short": module.short, "other": module.brief}, {"weights": {}, "bounds": None})


def test_an_edited_file_is_read_anew_once_sources_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "edited.py"
    codes = []
    for value in ("1.0", "2.0"):
        path.write_text(f"def rule(completion):\n    return {value}\n", encoding="utf-8")
        forget_sources()
        module = types.ModuleType("edited")
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), vars(module))  # noqa: S102
        codes.append(reachable_code([module.rule], (tmp_path,)))
    forget_sources()
    assert codes == ["rule: def rule(completion):\n    return 1.0", "rule: def rule(completion):\n    return 2.0"]


def commerce_code(task: str) -> str:
    here = Path(str(rewards.commerce.__file__)).parent
    return reachable_code([BUILT_IN_TASKS[task].reward.components_of], (here.parent, here))  # type: ignore[union-attr]


def test_the_real_word_lists_are_part_of_their_tasks_code_only() -> None:
    assert "faturamento" in commerce_code("sql_qa")
    assert "faturamento" not in commerce_code("push")
    assert "prezad" in commerce_code("push")
    assert "prezad" not in commerce_code("extraction")


def test_another_tasks_code_is_not_reached() -> None:
    assert len({commerce_code(task) for task in TASKS}) == len(TASKS)
    assert [task for task in TASKS if "_is_emoji" in commerce_code(task)] == ["push"]
    assert [task for task in TASKS if "distinct_sentences" in commerce_code(task)] == ["insights"]


def test_every_profile_has_a_fingerprint_of_its_own() -> None:
    assert len({fingerprint(p) for p in PROFILES}) == len(PROFILES)
    assert len({fingerprint("v4.2.1", task) for task in TASKS}) == 4
    assert fingerprint("v4.2.1") == fingerprint(get_profile("v4.2.1"))


@pytest.mark.parametrize("task", TASKS)
def test_the_hashed_code_holds_no_docstring_and_no_annotation(task: str) -> None:
    text = commerce_code(task)
    assert '"""' not in text
    assert ") -> " not in text


def test_the_history_is_the_seeds() -> None:
    assert list(PROFILES) == ["v4.0", "v4.1", "v4.2", "v4.2.1", "v4.3", "v5-exec", "v5"]
    flags = [
        (p.repair_json, p.sql_statement, p.sql_words_30, p.strict_int, p.push_penalties) for p in PROFILES.values()
    ]
    assert flags == [
        (False, False, False, False, False),
        (True, False, False, False, False),
        (True, True, False, False, False),
        (True, True, True, True, True),
        (True, True, True, True, True),
        (True, True, True, True, True),
        (True, True, True, True, True),
    ]
    assert {name: p.measured_by for name, p in PROFILES.items() if p.measured_by} == {
        "v5-exec": "sql-execution/1",
        "v5": "sql-execution/3",
    }
    assert [name for name, p in PROFILES.items() if p.edition] == ["v5"]


def test_another_edition_changes_nobody_elses_fingerprint() -> None:
    """An edition is code of its own: what v4.2.1 scores with reaches none of it, and the other way round."""
    for task in TASKS:
        reward = REWARDS[task]
        first, v5 = reward.under(get_profile("v4.2.1")), reward.under(get_profile("v5"))
        assert first is reward and v5 is reward.editions["v5"]
        without = replace(reward, editions={})
        for profile in ("v4.2.1", "v5-exec"):
            assert reward_fingerprint(without, get_profile(profile)) == fingerprint(profile, task)
        assert reward_fingerprint(without, get_profile("v5")) != fingerprint("v5", task)
        assert first.maxima.keys() != v5.maxima.keys()


def test_a_task_without_the_edition_keeps_its_reward() -> None:
    reward = replace(REWARDS["push"], editions={})
    assert reward.under(get_profile("v5")) is reward


def test_an_unknown_profile_lists_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"v4\.0, v4\.1"):
        score("push", "oi", profile="v9")
    with pytest.raises(ValueError, match="choose one of extraction"):
        score("poetry", "oi")


PROBES = [(task, probe) for task in BUILT_IN_TASKS.values() for probe in task.probes]


@pytest.mark.parametrize(("task", "probe"), PROBES, ids=lambda x: x.name)
@pytest.mark.parametrize("profile", ["v4.3", "v5"])
def test_no_probe_passes_v43_or_v5(task: Task, probe: Probe, profile: str) -> None:
    assert score(task.name, probe.completion, probe.prompt, profile).total <= probe.limit


def probed(profile: str) -> list[ProbeResult]:
    return [r for task in BUILT_IN_TASKS.values() for r in run_probes(task, get_profile(profile))]


def test_what_gets_past_v421_is_what_v43_was_made_for() -> None:
    over = {(r.task, r.probe.name) for r in probed("v4.2.1") if not r.passed}
    assert over == {
        ("insights", "one bullet repeated 60 times"),
        ("insights", "action words as bullets"),
        ("sql_qa", "prompt repeated"),
        ("insights", "prompt repeated"),
        ("push", "prompt repeated"),
    }


def test_v43_leaves_honest_answers_alone() -> None:
    prompt = "Crie uma notificação push para clientes de SP com carrinho abandonado, até 120 caracteres."
    for text in ("Seu carrinho está esperando! Volte e ganhe 10% 🎁", "Oi"):
        assert score("push", text, prompt, "v4.3") == score("push", text, prompt, "v4.2.1")
