"""The handoff's decision tree, branch by branch, with the seeds' own numbers."""

import pytest

from backend.commerce.next_step import Thresholds, next_step
from backend.evaluation.compare import TaskComparison, Verdict
from backend.evaluation.next_step import next_step as advice
from backend.training.config import PRESETS


def row(
    task: str, base: float, tuned: float, verdict: Verdict = "no detectable change", p: float = 0.5
) -> TaskComparison:
    return TaskComparison(
        task, 20, base, tuned, tuned - base, 0, 0, 0.5, 0.5, p, p, 0, 10, 0, 10, 0.1, verdict
    )  # fmt: skip


def test_a_good_mean_means_a_larger_model() -> None:
    step = next_step(
        [row("extraction", 0.4, 0.72), row("push", 0.4, 0.5), row("overall", 0.4, 0.61, "improved", 0.001)]
    )
    assert (step.scenario, step.preset) == ("A", "scenario-a-3.7b")
    assert "0.61" in step.reasons[0].en and "0,61" in step.reasons[0].pt


def test_a_plateau_without_json_means_a_warm_up() -> None:
    step = next_step([row("extraction", 0.17, 0.17), row("push", 0.6, 0.6), row("overall", 0.476, 0.476)])
    assert (step.scenario, step.preset) == ("B", "scenario-b-sft")
    assert len(step.reasons) == 2


@pytest.mark.parametrize(
    ("task", "tuned", "preset", "word"),
    [
        ("sql_qa", 0.15, "drop-sql", "larger model"),
        ("insights", 0.15, None, "350"),
        ("push", 0.15, "push-few-shot", "examples"),
        ("extraction", 0.24, None, "reward"),
        ("reply", 0.10, None, "reply"),
    ],
)
def test_one_lagging_task_is_fixed_alone(task: str, tuned: float, preset: str | None, word: str) -> None:
    step = next_step([row(task, 0.1, tuned), row("other", 0.5, 0.9), row("overall", 0.3, 0.56)])
    assert (step.scenario, step.preset) == ("C", preset)
    assert word in step.what.en and task in step.reasons[0].en


def test_what_got_worse_comes_first() -> None:
    """The seeds' final table: sql_qa fell by 0.09 while the mean passed 0.55."""
    rows = [
        row("extraction", 0.56, 0.72, "improved", 0.001),
        row("sql_qa", 0.58, 0.49, "regressed", 0.03),
        row("overall", 0.5, 0.6),
    ]
    assert next_step(rows) is None, "it comes before the tree"
    step = advice(rows)
    assert step.scenario == "" and "SQL Q&A" in step.what.en and "0.09" in step.reasons[0].en


def test_between_the_branches_more_of_the_same() -> None:
    step = next_step([row("extraction", 0.3, 0.5, "improved", 0.01), row("overall", 0.3, 0.5)])
    assert step.scenario == "" and step.preset is None and "longer" in step.what.en


@pytest.mark.parametrize("verdict", ["no detectable change", "possibly better", "most gain, few may lose much"])
@pytest.mark.parametrize("tuned", [0.4, 0.9])
def test_a_run_that_showed_nothing_is_no_reason_to_go_on(verdict: Verdict, tuned: float) -> None:
    """Neither a high level that the base had before, nor a change that may be chance."""
    rows = [row("extraction", tuned, tuned, verdict), row("push", tuned, tuned), row("overall", tuned, tuned, verdict)]
    step = advice(rows)
    assert step.scenario == "" and "has not shown that the recipe works" in step.what.en


@pytest.mark.parametrize("verdict", ["possibly worse", "most lose, few may gain much"])
def test_what_may_have_got_worse_comes_before_any_recipe(verdict: Verdict) -> None:
    step = advice(
        [row("push", 0.9, 0.85, verdict), row("extraction", 0.4, 0.9, "improved"), row("overall", 0.6, 0.9, "improved")]
    )
    assert "Push may have got worse" in step.what.en and "−0.05" in step.reasons[0].en


def test_the_thresholds_are_settings() -> None:
    rows = [row("extraction", 0.3, 0.5), row("overall", 0.3, 0.5, "improved", 0.01)]
    assert next_step(rows, Thresholds(good=0.45)).scenario == "A"


def test_every_preset_it_names_exists() -> None:
    assert {"scenario-a-3.7b", "scenario-b-sft", "drop-sql", "push-few-shot"} <= set(PRESETS)


def test_without_a_tree_the_verdicts_speak_and_no_model_is_named() -> None:
    for verdict, said in (("improved", "rate the tuned answers"), ("no detectable change", "Nothing moved")):
        step = advice([row("mine", 0.3, 0.9, verdict), row("overall", 0.3, 0.9)])
        assert (step.scenario, step.preset) == ("", None) and said in step.what.en
    mixed = advice([row("mine", 0.3, 0.9, "improved"), row("yours", 0.3, 0.3), row("overall", 0.3, 0.6)])
    assert "did not" in mixed.what.en and "1 of 2" in mixed.reasons[0].en


def test_a_short_run_without_a_gain_says_nothing_of_its_recipe() -> None:
    rows = [row("push", 0.1, 0.1), row("overall", 0.1, 0.1)]
    short = advice(rows, steps=6)
    assert "6 steps are too few to judge a recipe by" in short.what.en and short.preset is None
    for step in (short, advice(rows, steps=60), advice(rows)):
        assert "nothing to ship" in step.reasons[0].en and "publicar" in step.reasons[0].pt
    assert advice(rows, steps=60).preset == "push-few-shot"
    rose = [row("push", 0.1, 0.9, "improved"), row("overall", 0.1, 0.9, "improved")]
    assert advice(rose, steps=6) == advice(rose), "a gain is one, however soon it came"
