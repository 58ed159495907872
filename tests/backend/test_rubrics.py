"""Criteria beside the overall score, and weights refitted on the visible half and judged on the other."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from backend.access import Person, acting_as
from backend.audit.rubrics import as_dict, criterion_correlations, refit, refit_words
from backend.errors import UserError
from backend.rating.criteria import criteria_of, save_criterion
from backend.rating.queue import claim, save_for_raters
from backend.rating.ratings import leave_out
from backend.records import Completion, Message, PromptRecord, Sampling
from backend.settings import ROOT
from backend.store.criteria import criterion_scores
from backend.store.engine import reading, writing
from backend.store.prompts import save_prompts
from backend.store.ratings import get_rater
from backend.suites.new_version import new_source
from backend.suites.reward_file import RewardFile, load_reward_file
from rewards.types import Criterion, Functions, Reward, Task, Text
from tests.backend.test_audit_command import Call, call  # noqa: F401  a fixture
from tests.backend.test_json_output import check

PLANTED = {"a": 1.0, "b": 0.0, "c": 0.5}


def rated_by(
    human_of: Callable[[pd.DataFrame, np.random.Generator], pd.Series], weights: dict[str, float], seed: int = 0
) -> pd.DataFrame:
    """Rows as ``rated_scores`` has them: 240 completions of 60 prompts, three components, and the total by ``weights``."""
    chance = np.random.default_rng(seed)
    values = pd.DataFrame(chance.random((240, 3)), columns=list(PLANTED))
    values["total"] = sum(values[name] * weight for name, weight in weights.items())
    head = pd.DataFrame(
        {
            "completion_id": range(240),
            "prompt_id": [f"prompt {i // 4}" for i in range(240)],
            "human": human_of(values, chance),
        }
    )
    return values.assign(completion_id=range(240)).melt("completion_id", var_name="component").merge(head)


def planted(values: pd.DataFrame, chance: np.random.Generator) -> pd.Series:
    """What people say: the planted weights, and noise."""
    return sum(values[name] * weight for name, weight in PLANTED.items()) + chance.normal(0, 0.15, len(values))


def noise(values: pd.DataFrame, chance: np.random.Generator) -> pd.Series:
    return pd.Series(chance.integers(1, 6, len(values)).astype(float))


def task_with(weights: dict[str, float]) -> Task:
    return Task("mine", Functions(weights))


def test_planted_weights_are_recovered_and_judged_better() -> None:
    now = {"a": 0.3, "b": 1.0, "c": 0.7}
    found = refit(rated_by(planted, now), task_with(now))
    assert found is not None
    assert found.refitted["b"] < 0.1
    assert found.refitted["a"] / found.refitted["c"] == pytest.approx(2.0, rel=0.25)
    assert sum(found.refitted.values()) == pytest.approx(sum(now.values()), abs=0.01)
    assert found.fitted_on + found.judged_on == 240
    assert found.is_better
    assert found.before is not None and found.after is not None and found.after - found.before == found.difference.delta
    assert "rank better" in refit_words(found).en


def test_no_gain_is_found_in_noise_or_where_the_weights_are_right() -> None:
    for human_of in (noise, planted):
        offered = [refit(rated_by(human_of, PLANTED, seed), task_with(PLANTED)) for seed in range(20)]
        assert sum(found is not None and found.is_better for found in offered) <= 1, human_of.__name__


def test_the_held_out_half_has_no_say_in_the_weights() -> None:
    from backend.audit.robustness import is_held_out

    now = {"a": 0.3, "b": 1.0, "c": 0.7}
    rated = rated_by(planted, now)
    other = rated.assign(human=rated["human"].where(~rated["prompt_id"].map(is_held_out), -rated["human"]))
    found, turned = refit(rated, task_with(now)), refit(other, task_with(now))
    assert found is not None and turned is not None
    assert turned.refitted == found.refitted
    assert not turned.is_better


def test_what_acts_seldom_keeps_its_weight_and_no_weight_changes_its_sign() -> None:
    now = {"a": 0.3, "b": -1.0, "c": 0.7}
    rated = rated_by(planted, now)
    seldom = (rated["component"] == "c") & (rated["completion_id"] > 7)
    found = refit(rated.assign(value=rated["value"].mask(seldom, 0.0)), task_with(now))
    assert found is not None
    assert found.refitted["c"] == 0.7
    assert found.refitted["b"] <= 0 < found.refitted["a"]
    aside = refit(rated, task_with({"a": 0.3, "b": 0.0, "c": 0.7}))
    assert aside is not None and aside.refitted["b"] == 0


def test_a_task_of_the_workbenchs_own_kind_gets_factors() -> None:
    ones = dict.fromkeys(PLANTED, 1.0)
    found = refit(rated_by(planted, ones), Task("own", Reward({"a": 0.4, "b": 0.3, "c": 0.3}, lambda *_: {})))
    assert found is not None
    assert found.now == ones
    assert found.refitted["a"] > 1 > found.refitted["b"]


def test_too_few_are_not_fitted() -> None:
    rated = rated_by(planted, PLANTED)
    assert refit(rated[rated["completion_id"] < 12], task_with(PLANTED)) is None
    assert refit(rated[rated["component"].isin(["a", "total"])], task_with({"a": 1.0})) is None
    assert "20 rated completions" in refit_words(None).en
    assert as_dict(criterion_correlations(rated, pd.DataFrame(columns=["criterion"])), None, "")["refit"] is None


def test_a_criterion_is_correlated_with_every_component() -> None:
    rated = rated_by(planted, PLANTED)
    of_c = rated[(rated["component"] == "c") & (rated["completion_id"] < 100)]
    given = pd.DataFrame(
        {
            "completion_id": of_c["completion_id"],
            "prompt_id": of_c["prompt_id"],
            "criterion": "kind",
            "human": (of_c["value"] * 3).astype(int).clip(0, 2),
        }
    )
    found = criterion_correlations(rated, given).set_index("reward")
    assert list(found.index) == ["total", "a", "b", "c"]
    assert set(found["n"]) == {100} and set(found["prompts"]) == {25}
    assert found.loc["c", "rho"] == pytest.approx(spearmanr(of_c["value"], given["human"]).statistic)
    assert found.loc["c", "low"] > 0.8
    assert found.loc["b", "low"] < 0 < found.loc["b", "high"]


# --- the new version ----------------------------------------------------------------------------------------------
ONE = "def short(completion):\n    return 1.0\n\n\ndef kind(completion):\n    return 0.0\n"
WEIGHTS = {"short": 0.5, "kind": 2.0}


@pytest.mark.parametrize(
    "said", ["", "WEIGHTS = {'short': 1.0, 'kind': 1.0}\n", "WEIGHTS: dict = {'kind': 3}\nWEIGHTS['short'] = 1\n"]
)
def test_a_new_version_is_the_file_with_other_weights(tmp_path: Path, said: str) -> None:
    (tmp_path / "mine.py").write_text(new_source(ONE + said, "mine", WEIGHTS, "# why\n"), encoding="utf-8")
    loaded = load_reward_file(str(tmp_path / "mine.py"))
    assert isinstance(loaded, RewardFile)
    assert loaded.weights("mine") == WEIGHTS
    assert "# why\n" in (tmp_path / "mine.py").read_text(encoding="utf-8")


def test_a_new_version_changes_one_task_of_several_and_keeps_how_functions_are_named(tmp_path: Path) -> None:
    said = "TASKS = {'a': {'short': 1.0, 'statistics:mean': 1.0}, 'b': {'short': 1.0}}\n"
    text = new_source(ONE + said, "a", {"short": 0.5, "mean": 2.0}, "")
    assert text.endswith("TASKS['a'] = {'short': 0.5, 'statistics:mean': 2.0}\n")


@pytest.mark.slow
def test_the_audit_prints_the_version_that_is_better_and_applies_nothing(call: Call, tmp_path: Path) -> None:  # noqa: F811
    mine, there = tmp_path / "rewards.py", ROOT / "examples" / "support"
    shutil.copy(there / "rewards.py", mine)
    before = mine.read_bytes()
    done = call("audit", mine, there / "completions.jsonl", "--ratings", there / "ratings.csv", "--json")
    found = check("audit", done.out)["tasks"][0]["refit"]
    assert found["better"] and found["low"] > 0
    assert found["weights"]["courteous"]["refitted"] < found["weights"]["courteous"]["now"] / 2
    assert "refitted weights: facts 1 → " in done.err
    assert mine.read_bytes() == before
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "rewards.py").write_text(found["new_version"], encoding="utf-8")
    again = check("audit", call("audit", tmp_path / "new" / "rewards.py", there / "completions.jsonl", "--json").out)[
        "tasks"
    ][0]
    rho = {held["name"]: held["rho"] for held in again["rewards"]}["total"]
    assert rho > 0.8 and again["held_out"]["rho"] == pytest.approx(found["after"])
    assert not again["refit"]["better"]


# --- the store ----------------------------------------------------------------------------------------------------
@pytest.fixture
def completions(any_workbench: Path) -> list[int]:
    """Two completions of a task that has criteria."""
    asked = PromptRecord(task="push", messages=(Message(role="user", content="Crie um push"),))
    with writing() as session:
        save_prompts(session, [asked])
        groups = [[Completion("Volte! 10% hoje", 5, False), Completion("Oi", 1, False)]]
        return save_for_raters(session, [asked.id], groups, "nano", Sampling())


def test_a_criterion_is_saved_changed_and_taken_back(completions: list[int]) -> None:
    with writing() as session:
        ana = get_rater(session, "Ana").id
        save_criterion(session, completions[0], ana, "brief", 2)
        save_criterion(session, completions[0], ana, "inviting", 0)
        save_criterion(session, completions[0], ana, "brief", 1)
        save_criterion(session, completions[0], ana, "language", None)
    with writing() as session:
        assert criteria_of(session, completions[0], ana) == {"brief": 1, "inviting": 0}
        save_criterion(session, completions[0], ana, "inviting", None)
    with reading() as session:
        assert criteria_of(session, completions[0], ana) == {"brief": 1}
        assert criteria_of(session, completions[1], ana) == {}


def test_the_mean_counts_of_raters_who_are_not_left_out(completions: list[int]) -> None:
    with writing() as session:
        for name, value in (("Ana", 2), ("Bob", 1), ("Rui", 0)):
            save_criterion(session, completions[0], get_rater(session, name).id, "brief", value)
        leave_out(session, "Rui", "at random")
    with reading() as session:
        (row,) = criterion_scores(session).to_dict("records")
        assert (row["completion_id"], row["task"], row["criterion"]) == (completions[0], "push", "brief")
        assert (row["human"], row["raters"]) == (1.5, 2)
        assert criterion_scores(session, only=[completions[1]]).empty


def test_a_hidden_repeat_shows_and_changes_nothing(completions: list[int]) -> None:
    with writing() as session:
        ana = get_rater(session, "Ana").id
        save_criterion(session, completions[0], ana, "brief", 2)
        claim(session, completions[0], ana, is_repeat=True)
        assert criteria_of(session, completions[0], ana) == {}
        save_criterion(session, completions[0], ana, "brief", 0)
    with reading() as session:
        assert criterion_scores(session)["human"].tolist() == [2.0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "which, criterion, value", [(0, "brief", 3), (0, "brief", True), (0, "figures", 1), (0, "", 1), (99, "brief", 1)]
)
def test_what_is_no_criterion_or_no_score_is_refused(
    completions: list[int], which: int, criterion: str, value: int
) -> None:
    with pytest.raises(UserError), writing() as session:
        save_criterion(session, completions[0] + which, get_rater(session, "Ana").id, criterion, value)
    with reading() as session:
        assert criterion_scores(session).empty


def test_nobody_scores_in_anothers_name(completions: list[int]) -> None:
    with writing() as session:
        ana = get_rater(session, "Ana").id
    with acting_as(Person("Bob", frozenset({"annotator"}))), pytest.raises(UserError), writing() as session:
        save_criterion(session, completions[0], ana, "brief", 2)


def test_criteria_of_a_file_are_taken_with_its_ratings(call: Call, tmp_path: Path) -> None:  # noqa: F811
    declared(tmp_path, '{"right": ("Right", "It is true"), "kind": ("Kind", "It is friendly")}')
    rows = [f'{{"id": {i}, "prompt": "p{i // 2}", "completion": "{"x" * (i + 1)}"}}\n' for i in range(24)]
    (tmp_path / "completions.jsonl").write_text("".join(rows), encoding="utf-8")
    given = [f"{i},ana,{1 + i % 5},{i % 3},{'' if i % 2 else 2 - i % 3}\n" for i in range(24)]
    (tmp_path / "ratings.csv").write_text("id,rater,score,right,kind\n" + "".join(given), encoding="utf-8")
    files = tmp_path / "mine.py", tmp_path / "completions.jsonl", "--ratings", tmp_path / "ratings.csv"
    found = check("audit", call("audit", *files, "--json").out)["tasks"][0]["criteria"]
    assert [(row["reward"], row["criterion"], row["n"]) for row in found] == [
        ("total", "kind", 12), ("short", "kind", 12), ("total", "right", 24), ("short", "right", 24),
    ]  # fmt: skip
    call("audit", *files)
    with reading() as session:
        assert len(criterion_scores(session)) == 36
    (tmp_path / "ratings.csv").write_text("id,rater,score,right\n0,ana,3,5\n", encoding="utf-8")
    done = call("audit", *files)
    assert done.code == 2 and "right is '5'; a criterion's score is 0, 1 or 2" in done.err


# --- what declares them -------------------------------------------------------------------------------------------
def declared(folder: Path, said: str) -> tuple[Criterion, ...]:
    (folder / "mine.py").write_text(
        f"def short(completion):\n    return 1.0\n\n\nCRITERIA = {said}\n", encoding="utf-8"
    )
    loaded = load_reward_file(str(folder / "mine.py"))
    assert isinstance(loaded, RewardFile)
    return loaded.criteria


def test_a_reward_file_declares_criteria_in_one_language_or_two(tmp_path: Path) -> None:
    said = '{"right": ("Right", "It is true"), "kind": ("Kind", "It is friendly", "Gentil", "É amigável")}'
    assert declared(tmp_path, said) == (
        Criterion("right", Text("Right", "Right"), Text("It is true", "It is true")),
        Criterion("kind", Text("Kind", "Gentil"), Text("It is friendly", "É amigável")),
    )


@pytest.mark.parametrize(
    "said",
    ['["right"]', '{"right": "It is true"}', '{"right": ("Right", 1)}', '{"right": ("a", "b", "c")}', '{"": ("a", "b")}',
     'dict.fromkeys("abcdefg", ("a", "b"))'],
)  # fmt: skip
def test_what_fits_not_says_how_it_is_written(tmp_path: Path, said: str) -> None:
    with pytest.raises(UserError, match=r"CRITERIA.*key -> \(label, when it is met\)"):
        declared(tmp_path, said)


def test_a_task_has_few_criteria_with_keys_of_their_own() -> None:
    one = Criterion("a", Text("A", "A"), Text("a", "a"))
    for criteria in ((one, one), (Criterion("x" * 41, one.label, one.what),)):
        with pytest.raises(ValueError, match="at most 6 criteria"):
            Task("mine", Functions({"a": 1.0}), criteria=criteria)
