"""Every rule of the watch table on a made stream of metrics: it fires when it should, and not before."""

import json
import math
from collections.abc import Callable

import pytest

from backend.training.stop_rules import default_rules, evaluate_rules, first_firing
from tests.recorded import RUN_FOLDER

RULES = {rule.name: rule for rule in default_rules(512, {"extraction": 0.20})}


def steps(values: list[float], start: int = 1) -> list[tuple[int, float]]:
    return list(enumerate(values, start=start))


@pytest.mark.parametrize(
    ("rule", "metrics", "step"),
    [
        ("nan-loss", {"loss": steps([0.1, math.nan])}, 2),
        ("extraction-floor", {"eval/extraction": [(50, 0.1), (100, 0.19)]}, 100),
        ("ceiling", {"completions/clipped_ratio": steps([0.2] * 5 + [0.6] * 20)}, 25),
        ("no-signal", {"zero_variance/mean": steps([0.4] * 3 + [0.6] * 20)}, 23),
        ("grad-norm", {"grad_norm": steps([0.1, 0.3, 2.1])}, 3),
        ("disk", {"disk_free_gb": steps([20.0, 0.5])}, 2),
        ("same-answers", {"distinct/mean": steps([0.9] * 4 + [0.3] * 20)}, 24),
        ("gpu-memory", {"gpu_memory_gb": steps([10 + 0.01 * i for i in range(120)])}, 100),
        ("long-answers", {"completions/mean_length": steps([300.0, 500.0])}, 2),
    ],
)
def test_a_rule_fires_at_the_step_its_numbers_say(rule: str, metrics: dict, step: int) -> None:
    firing = first_firing(RULES[rule], metrics)
    assert firing is not None and firing.step == step
    assert RULES[rule].what.en in str(firing)
    assert rule in {f.rule.name for f in evaluate_rules(tuple(RULES.values()), metrics)}


@pytest.mark.parametrize(
    ("rule", "metrics"),
    [
        ("nan-loss", {"loss": steps([0.1, -0.2])}),
        ("extraction-floor", {"eval/extraction": [(50, 0.1), (100, 0.21)]}),
        ("ceiling", {"completions/clipped_ratio": steps([0.6] * 19 + [0.4] + [0.6] * 19)}),
        ("no-signal", {"zero_variance/mean": steps([0.6] * 19)}),
        ("grad-norm", {"grad_norm": steps([1.9, 2.0])}),
        ("same-answers", {"distinct/mean": steps([0.3] * 19 + [0.8])}),
        ("gpu-memory", {"gpu_memory_gb": steps([10.0, 10.6] * 60)}),
        ("disk", {"disk_free_gb": steps([1.0])}),
        ("long-answers", {"completions/mean_length": steps([486.0])}),
        ("entropy-collapse", {"entropy": steps([1.0] * 60 + [0.1] * 20), "task_reward/mean": steps([0.5] * 80)}),
        ("one-sided", {"rewards/push/length/mean": steps([0.1] * 25 + [0.4] * 25)}),
    ],
)
def test_a_rule_stays_silent_below_its_threshold(rule: str, metrics: dict) -> None:
    assert first_firing(RULES[rule], metrics) is None


def test_entropy_collapse_needs_low_entropy_and_a_falling_reward() -> None:
    """The seeds' V4.2 after step 1100 (final report §3): entropy gone, reward crashing."""
    metrics = {
        "entropy": steps([1.0] * 60 + [0.15] * 40),
        "task_reward/mean": steps([0.6] * 70 + [0.6 - 0.02 * i for i in range(30)]),
    }
    firing = first_firing(RULES["entropy-collapse"], metrics)
    assert firing is not None and 70 < firing.step < 95


@pytest.mark.parametrize("trl_logs_it", [True, False])
def test_the_collapse_is_seen_where_the_trainer_logs_no_entropy(trl_logs_it: bool) -> None:
    """Unsloth's trainer logs none: our own measure of the rollouts is what counts."""
    metrics = {
        **({"entropy": steps([1.0] * 100)} if trl_logs_it else {}),
        "entropy/rollouts": steps([1.0] * 60 + [0.15] * 40),
        "task_reward/mean": steps([0.6] * 70 + [0.6 - 0.02 * i for i in range(30)]),
    }
    firing = first_firing(RULES["entropy-collapse"], metrics)
    assert firing is not None and 70 < firing.step < 95 and "entropy/rollouts 1.00" in firing.numbers


def of_two_tasks(extraction: Callable[[int], tuple[float, float]], push: Callable[[int], tuple[float, float]]) -> dict:
    """Metrics of 400 steps of one task each, every fifth of push but for steps 251 to 275; step -> (entropy, reward)."""
    found: dict[str, list[tuple[int, float]]] = {}
    for step in range(1, 401):
        is_push = step % 5 == 0 and not 250 < step <= 275
        task, (entropy, reward) = ("push", push(step)) if is_push else ("extraction", extraction(step))
        for name, value in (("entropy/rollouts", entropy), ("task_reward", reward)):
            found.setdefault(f"{name}/{task}", []).append((step, value))
            found.setdefault(name if name != "task_reward" else "task_reward/mean", []).append((step, value))
    return found


def test_steps_of_one_task_alone_are_no_collapse() -> None:
    """What ended a real run of a 135M model at step 73: extraction's entropy is a fiftieth of push's, and ten steps were of it."""
    metrics = of_two_tasks(lambda step: (0.03, 0.7 - 0.3 * (step > 250)), lambda step: (2.2, 0.05))
    whole = {name: points for name, points in metrics.items() if not name.startswith("entropy/rollouts/")}
    assert first_firing(RULES["entropy-collapse"], whole) is not None, "it fired on the mean of all"
    assert first_firing(RULES["entropy-collapse"], metrics) is None


def test_a_collapse_of_the_tasks_together_is_seen() -> None:
    gone = of_two_tasks(
        lambda step: (0.05 if step < 250 else 0.004, 0.7 - 0.001 * step),
        lambda step: (2.2 if step < 250 else 0.1, 0.5 - 0.001 * step),
    )
    firing = first_firing(RULES["entropy-collapse"], gone)
    assert firing is not None and 250 < firing.step < 330 and "entropy/rollouts 1." in firing.numbers


def test_the_collapse_is_seen_on_the_eval_prompts() -> None:
    at = (0, 50, 100, 150, 200, 250)
    metrics = {
        "eval/entropy": list(zip(at, [1.0, 1.0, 0.8, 0.5, 0.15, 0.1], strict=True)),
        "eval/mean_reward": list(zip(at, [0.4, 0.5, 0.6, 0.6, 0.5, 0.4], strict=True)),
    }
    firing = first_firing(RULES["entropy-collapse"], metrics)
    assert firing is not None and firing.step == 250
    metrics["eval/mean_reward"] = list(zip(at, [0.4, 0.5, 0.6, 0.6, 0.7, 0.7], strict=True))
    assert first_firing(RULES["entropy-collapse"], metrics) is None


def test_one_sided_counts_steps_and_not_logged_points() -> None:
    """A task of a tenth of the prompts is in every fifth step or so: its components have few points in fifty steps."""
    seen = list(range(1, 101, 5))
    up = [(step, 0.1 if step <= 75 else 0.3) for step in seen]
    down = [(step, 0.3 if step <= 75 else 0.1) for step in seen]
    metrics = {
        "loss": steps([0.0] * 100),
        "rewards/push/length/mean": up,
        "rewards/push/portuguese/mean": down,
        "rewards/push/creativity/mean": down,
    }
    firing = first_firing(RULES["one-sided"], metrics)
    assert firing is not None and firing.step > 75
    short = {name: [p for p in points if p[0] <= 48] for name, points in metrics.items()}
    assert first_firing(RULES["one-sided"], short) is None


def test_one_component_up_while_the_others_fall() -> None:
    up, down = [0.1] * 25 + [0.3] * 25, [0.3] * 25 + [0.1] * 25
    metrics = {
        "rewards/push/length/mean": steps(up),
        "rewards/push/portuguese/mean": steps(down),
        "rewards/push/creativity/mean": steps(down),
    }
    firing = first_firing(RULES["one-sided"], metrics)
    assert firing is not None and "push/length rises by 0.20" in firing.numbers


def test_the_recorded_example_run_fires_nothing() -> None:
    series: dict[str, list[tuple[int, float]]] = {}
    for line in (RUN_FOLDER / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        for name, value in record["metrics"].items():
            series.setdefault(name, []).append((record["step"], value))
    assert [str(f) for rule in default_rules(160, {"extraction": 0.20}) if (f := first_firing(rule, series))] == []
