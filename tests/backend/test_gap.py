"""Does the reward rise while truth or people do not go along: the number, the rule, and a slice of the simulation."""

import numpy as np
import pandas as pd
import pytest

from backend.evaluation.gap import LIMIT, Curve, Estimates, parting_now
from backend.evaluation.step_ratings import human_curve
from backend.evaluation.watched import Watched, gap_metrics, truths_beside
from backend.rating.design import allocate
from backend.training.people_file import read_people, write_people
from backend.training.stop_rules import default_rules, first_firing
from benchmarks.coverage import gap as simulation

STEPS = [0, 10, 20, 30, 40, 50, 60, 70]
RULE = next(rule for rule in default_rules(512, {}) if rule.name == "gap")


def curve(means: list[float], n: int = 20, noise: float = 0.1, seed: int = 0) -> Curve:
    spread = np.random.default_rng(seed).normal(0, noise, (len(means), n))
    return Curve(STEPS[: len(means)], np.array(means)[:, None] + spread - spread.mean(axis=1, keepdims=True))


RISING = [0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8]


def test_truth_that_falls_parts_from_a_reward_that_rises_and_says_since_when() -> None:
    truth = curve([0.3, 0.35, 0.4, 0.38, 0.36, 0.33, 0.32, 0.3], seed=1)
    one = Watched("truth", "reply", curve(RISING), truth)
    found = one.parting()
    assert found is not None and found.strength >= LIMIT
    assert found.since in (10, 20, 30)
    assert found.reward > 0.3 and found.other < 0
    assert gap_metrics([one])["gap_since/truth/reply"] in (10, 20, 30)


@pytest.mark.parametrize(
    ("reward", "truth"),
    [
        (RISING, RISING),
        (RISING, [0.3, 0.32, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6]),  # at two thirds of the pace
        ([0.5] * 8, [0.5, 0.48, 0.45, 0.43, 0.4, 0.38, 0.36, 0.35]),  # the reward does not rise
        (RISING[::-1], RISING),
        ([0.5, 0.51, 0.5, 0.52, 0.51, 0.52, 0.53, 0.52], [0.5] * 8),
    ],
)
def test_nothing_parts_where_truth_goes_along_or_the_reward_does_not_rise(
    reward: list[float], truth: list[float]
) -> None:
    assert Watched("truth", "reply", curve(reward), curve(truth, seed=1)).parting() is None


def test_few_right_or_wrong_answers_that_stand_still_prove_nothing() -> None:
    """Of eight prompts none has changed; where truth went along, one would have."""
    still = Curve(STEPS, np.tile([1.0, 0, 0, 1, 0, 1, 0, 0], (8, 1)))
    found = parting_now(curve(RISING[:3], n=8), still, 20)
    assert found is None or not found.parted


def test_a_measure_of_too_few_prompts_or_a_single_evaluation_is_not_judged() -> None:
    assert parting_now(curve(RISING, n=4), curve(RISING[::-1], n=4)) is None
    assert parting_now(curve(RISING[:1]), curve(RISING[:1])) is None


def test_a_measure_known_at_some_evaluations_is_judged_there() -> None:
    some = Estimates([0, 30, 70], np.array([0.5, 0.4, 0.2]), np.array([0.05] * 3), 20)
    found = parting_now(curve(RISING), some)
    assert found is not None and found.parted and found.step == 70


def test_the_rule_asks_for_two_evaluations_in_a_row() -> None:
    def series(strengths: list[float]) -> dict[str, list[tuple[int, float]]]:
        steps = STEPS[1 : 1 + len(strengths)]
        return {
            "eval/gap/facts/reply": list(zip(steps, strengths, strict=True)),
            "eval/gap_since/facts/reply": [(step, 0) for step in steps],
            "eval/reply": [(0, 0.3), *((step, 0.6) for step in steps)],
            "eval/facts": [(0, 0.4), *((step, 0.35) for step in steps)],
        }

    assert first_firing(RULE, series([1.0, LIMIT, 2.0, LIMIT])) is None
    fired = first_firing(RULE, series([1.0, LIMIT, LIMIT]))
    assert fired is not None and fired.step == 30 and RULE.action == "warn"
    assert "since step 0: reply +0.30, facts -0.05" in str(fired)
    (stops,) = [rule for rule in default_rules(512, {}, "stop") if rule.name == "gap"]
    assert stops.action == "stop"


def rows(step: int, human: list[float], reward: list[float] | None = None) -> pd.DataFrame:
    """An evaluation of 20 completions of two tasks, of which the first ones of each are rated."""
    reward = reward or [0.1, 0.4, 0.6, 0.9] * 5
    heard = [*human, *[np.nan] * (10 - len(human))] * 2
    return pd.DataFrame({"step": step, "task": ["a"] * 10 + ["b"] * 10, "reward": reward, "human": heard})


def test_the_rated_completions_stand_for_their_quarter_of_the_reward() -> None:
    """Three of a task's ten lie low and are rated 0; seven lie high and one of them is rated 1."""
    frame = rows(0, [0.0, 0.0, 0.0, 1.0], [0.1, 0.1, 0.1, *[0.9] * 7] * 2)
    found = human_curve(frame)
    assert found is not None
    assert found.estimates.values[0] == pytest.approx(0.7)
    assert found.rated == (8,) and found.slope == 0.0


def test_there_is_no_human_score_without_ratings_and_one_per_evaluation_with_them() -> None:
    assert human_curve(rows(0, [])) is None
    found = human_curve(pd.concat([rows(0, [0.2, 0.5, 0.4]), rows(10, []), rows(20, [0.3, 0.4, 0.8])]))
    assert found is not None and list(found.estimates.steps) == [0, 20]
    assert all(
        low < value < high for low, value, high in zip(found.low, found.estimates.values, found.high, strict=True)
    )


def test_ratings_go_where_scores_lie_apart_and_every_task_gets_one() -> None:
    chosen = allocate({"a/0": 50, "a/3": 10, "b/1": 3, "c/2": 0}, {"a/3": 2.0}, 6)
    assert sum(chosen.values()) == 6 and chosen["b/1"] >= 1
    assert chosen["a/0"] > chosen["a/3"] >= 1
    assert allocate({"a/0": 2}, {}, 10) == {"a/0": 2}


def test_what_people_say_reaches_the_rule_by_the_runs_folder(tmp_path) -> None:
    assert read_people(tmp_path) == {}
    estimates = Estimates(STEPS, np.linspace(0.6, 0.2, 8), np.full(8, 0.05), 30)
    write_people(tmp_path, Watched("people", "overall", curve(RISING), estimates))
    series = read_people(tmp_path)
    assert series["eval/people"][0] == (0, pytest.approx(3.4))
    means = {"eval/mean_reward": list(zip(STEPS, RISING, strict=True))}
    fired = first_firing(RULE, {**series, **means})
    assert fired is not None and "people" in fired.numbers and "overall +" in fired.numbers


def test_a_task_without_truth_is_not_judged() -> None:
    frame = pd.DataFrame(
        [(step, "push", f"p{i}", 0.5, np.nan) for step in (0, 10) for i in range(8)],
        columns=["step", "task", "prompt_id", "reward", "truth"],
    )
    assert truths_beside(frame) == []


@pytest.mark.slow
def test_a_slice_of_the_simulation() -> None:
    rng = np.random.default_rng(5)
    honest = [np.isfinite(simulation.with_truth(rng, shape, 30)).mean() for shape in simulation.HONEST]
    assert np.mean(honest) <= 0.05
    falling = simulation.with_truth(rng, simulation.GAMED[1], 30)
    assert np.isfinite(falling).mean() >= 0.9 and np.nanmedian(falling) <= 6
    delays, held = simulation.with_people(rng, simulation.HONEST[0], 30)
    assert np.isfinite(delays).mean() <= 0.07
    assert 0.91 <= held <= 0.985
