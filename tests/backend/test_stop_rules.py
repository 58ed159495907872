"""Every rule of the watch table on a made stream of metrics: it fires when it should, and not before."""

import json
import math

import pytest

from backend.settings import ROOT
from backend.training.stop_rules import default_rules, evaluate_rules, first_firing

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
    assert RULES[rule].what in str(firing)
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
    for line in (ROOT / "examples" / "nano-run" / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        for name, value in record["metrics"].items():
            series.setdefault(name, []).append((record["step"], value))
    assert [str(f) for rule in default_rules(160, {"extraction": 0.20}) if (f := first_firing(rule, series))] == []
