"""Profiles, fingerprint and probes."""

import ast
import inspect
import sys
import types

import pytest

from rewards import BUILT_IN_TASKS, PROFILES, TASKS, fingerprint, get_profile, score
from rewards.fingerprint import reachable_code
from rewards.scoring import ProbeResult, run_probes
from rewards.types import Probe, Task

SOURCE = '''
"""Doc."""
from rewards.types import Components

LIST = ("a", "b")  # words


def rule(text: str) -> float:
    """What it does."""
    return helper(text) * 0.5  # half


def helper(text):
    return float(text in LIST)


def unrelated():
    return 7
'''


def module_of(source: str, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    from rewards.fingerprint import _definitions

    module = types.ModuleType("made_up")
    monkeypatch.setitem(sys.modules, "made_up", module)
    monkeypatch.setattr(inspect, "getsource", lambda _: source)
    _definitions.cache_clear()
    reachable_code.cache_clear()
    return module


def code(source: str, monkeypatch: pytest.MonkeyPatch) -> str:
    return reachable_code(module_of(source, monkeypatch), ("rule",))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# words", "# the words, as data"),
        ('"""What it does."""', '"""Something else."""'),
        ("text: str) -> float:", "text):"),
        ('LIST = ("a", "b")', 'LIST = (\n    "a",\n    "b",\n)'),
        ("return 7", "return 8"),
    ],
)
def test_what_cannot_change_behaviour_does_not_change_the_code_hashed(old: str, new: str, monkeypatch) -> None:
    assert code(SOURCE, monkeypatch) == code(SOURCE.replace(old, new), monkeypatch)


@pytest.mark.parametrize(("old", "new"), [('"b")', '"c")'), ("* 0.5", "* 0.6"), ("text in LIST", "text not in LIST")])
def test_a_word_list_or_a_rule_edit_changes_it(old: str, new: str, monkeypatch) -> None:
    assert code(SOURCE, monkeypatch) != code(SOURCE.replace(old, new), monkeypatch)


def test_the_real_word_lists_are_part_of_their_tasks_code_only(monkeypatch: pytest.MonkeyPatch) -> None:
    import rewards.commerce.push
    import rewards.commerce.sql_qa

    assert "faturamento" in reachable_code(rewards.commerce.sql_qa)
    assert "faturamento" not in reachable_code(rewards.commerce.push)
    assert "prezad" in reachable_code(rewards.commerce.push)


def test_every_profile_has_a_fingerprint_of_its_own() -> None:
    assert len({fingerprint(p) for p in PROFILES}) == len(PROFILES)
    assert len({fingerprint("v4.2.1", task) for task in TASKS}) == 4
    assert fingerprint("v4.2.1") == fingerprint(get_profile("v4.2.1"))


def test_the_hashed_code_is_python_and_holds_no_docstring() -> None:
    import rewards.commerce.extraction

    text = reachable_code(rewards.commerce.extraction)
    ast.parse(text)
    assert '"""' not in text


def test_the_history_is_the_seeds() -> None:
    assert list(PROFILES) == ["v4.0", "v4.1", "v4.2", "v4.2.1", "v4.3", "v5-exec"]
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
    ]
    assert [name for name, p in PROFILES.items() if p.measured_by] == ["v5-exec"]


def test_an_unknown_profile_lists_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"v4\.0, v4\.1"):
        score("push", "oi", profile="v9")
    with pytest.raises(ValueError, match="choose one of extraction"):
        score("poetry", "oi")


PROBES = [(task, probe) for task in BUILT_IN_TASKS.values() for probe in task.probes]


@pytest.mark.parametrize(("task", "probe"), PROBES, ids=lambda x: x.name)
def test_no_probe_passes_v43(task: Task, probe: Probe) -> None:
    assert score(task.name, probe.completion, probe.prompt, "v4.3").total <= probe.limit


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
