"""IWU against a hand-computed update, and the behaviour the paper promises."""

import random
from math import exp, sqrt
from pathlib import Path

import pytest

from backend.training.config import TrainConfig, override
from backend.training.task_weights import TaskWeights

SEEDS = {"extraction": (0.558, 0.722), "sql_qa": (0.521, 0.440), "insights": (0.400, 0.601), "push": (0.439, 0.425)}
"""Base and tuned of V4.2 (final report §4); the best step was 1,100 of 1,500."""
MIX = {"extraction": 0.4, "sql_qa": 0.4, "insights": 0.1, "push": 0.1}
"""The tasks' shares of the train prompts."""


def test_two_updates_by_hand() -> None:
    """Adam's first step has the size β whatever the gradient's, and ξ decays by the share β."""
    weights = TaskWeights(("a", "b"), lam=0.2, beta=0.1)
    assert weights.weights() == {"a": 0.5, "b": 0.5}
    weights.update({"a": 0.8, "b": 0.2})  # first sight: I = 0, s = 0.2 J = (0.16, 0.04), mean 0.10, g = (0.03, -0.03)
    assert weights.xi == pytest.approx({"a": -0.1, "b": 0.1}, rel=1e-5)
    z = weights.update({"a": 0.9, "b": 0.2})
    # J = (0.85, 0.2), I = (0.05, 0), s = (0.22, 0.04); z before = sigmoid(∓0.2)
    za = 1 / (1 + exp(0.2))
    g = za * (0.22 - (za * 0.22 + (1 - za) * 0.04))
    first, second = 0.9 * 0.1 * 0.03 + 0.1 * g, 0.999 * 0.001 * 0.03**2 + 0.001 * g**2
    step = (first / (1 - 0.9**2)) / sqrt(second / (1 - 0.999**2))
    xi_a = -0.1 - 0.1 * (step - 0.1)
    assert weights.xi["a"] == pytest.approx(xi_a, rel=1e-5)
    kept = 2 ** (-2 / 200)  # two updates without a gain
    assert z["a"] == pytest.approx(kept / (1 + exp(-2 * xi_a)) + (1 - kept) / 2, rel=1e-5)


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("tasks_a_step", [4, 2])
def test_the_seeds_own_curves_bring_no_task_down(noise: float, tasks_a_step: int) -> None:
    """A plain step of size 1 brought push to 0.96 and extraction to 0.005 by step 1,500."""
    weights, rng = TaskWeights(tuple(SEEDS)), random.Random(1)
    of_extraction = []
    for step in range(1, 1501):
        seen = list(SEEDS) if tasks_a_step == 4 else rng.choices(list(MIX), list(MIX.values()), k=2)
        means = {t: SEEDS[t][0] + (SEEDS[t][1] - SEEDS[t][0]) * min(1, step / 1100) for t in seen}
        z = weights.update({t: mean + rng.gauss(0, noise) for t, mean in means.items()})
        assert sum(z.values()) == pytest.approx(1)
        assert min(z.values()) >= weights.floor - 1e-9 and max(z.values()) < 0.55
        of_extraction.append(MIX["extraction"] * z["extraction"] / sum(MIX[t] * z[t] for t in MIX))
    assert z["push"] < 0.3 and z["extraction"] > 0.2
    assert of_extraction[-1] > 0.39, "its share of the advantages, as without weights"


def test_a_task_that_nobody_solves_gives_its_weight_back() -> None:
    weights = TaskWeights(("a", "b", "c", "dead"))
    course = [
        weights.update({"a": 0.3 + 0.5 * i / 1500, "b": 0.5 + 0.3 * i / 1500, "c": 0.4 + 0.4 * i / 1500, "dead": 0.0})
        for i in range(1500)
    ]
    dead = [z["dead"] for z in course]
    assert max(dead) > 0.4 and max(dead[:300]) == max(dead)
    assert dead[-1] < 0.25 < dead[300]


def test_a_late_gain_counts_at_once() -> None:
    weights = TaskWeights(("a", "late"))
    for _ in range(800):
        weights.update({"a": 0.8, "late": 0.1})
    before = weights.weights()["late"]
    for _ in range(20):
        weights.update({"a": 0.8, "late": 0.3})
    assert weights.weights()["late"] > before + 0.1


def test_no_task_falls_below_the_floor() -> None:
    weights = TaskWeights(("a", "b", "c"), xi={"a": 9.0, "b": 0.0, "c": -9.0})
    assert weights.weights() == pytest.approx({"a": 10 / 12, "b": 1 / 12, "c": 1 / 12})


def test_the_stagnating_task_gains_weight() -> None:
    weights = TaskWeights(("learns", "stagnates"))
    for step in range(200):
        weights.update({"learns": min(0.9, 0.3 + 0.004 * step), "stagnates": 0.3})
    z = weights.weights()
    assert z["stagnates"] > 0.6
    assert sum(z.values()) == pytest.approx(1)


def test_a_low_task_gains_weight_even_when_nothing_moves() -> None:
    weights = TaskWeights(("high", "low"))
    for _ in range(50):
        weights.update({"high": 0.9, "low": 0.2})
    assert weights.weights()["low"] > 0.6


def test_equal_tasks_keep_equal_weights() -> None:
    weights = TaskWeights(("a", "b", "c"))
    for step in range(20):
        weights.update(dict.fromkeys("abc", 0.02 * step))
    assert weights.weights() == pytest.approx(dict.fromkeys("abc", 1 / 3))


def test_a_task_that_is_not_in_the_batch_keeps_its_level() -> None:
    weights = TaskWeights(("a", "b"))
    weights.update({"a": 0.5})
    assert weights.weights() == {"a": 0.5, "b": 0.5}  # b was never seen: nothing to compare
    weights.update({"b": 0.1})
    assert weights.level == {"a": 0.5, "b": 0.1}


def test_one_lucky_batch_counts_no_more_than_the_clip() -> None:
    lucky, luckier = (TaskWeights(("a", "b"), lam=0.0) for _ in range(2))
    for weights, jump in ((lucky, 0.6), (luckier, 1.0)):
        weights.update({"a": 0.2, "b": 0.2})
        weights.update({"a": jump, "b": 0.2})
    assert lucky.xi == luckier.xi


def test_a_checkpoint_brings_the_weights_back() -> None:
    weights = TaskWeights(("a", "b"))
    weights.update({"a": 0.8, "b": 0.2})
    again = TaskWeights.from_state(("a", "b"), weights.state())
    assert again.update({"a": 0.7}) == weights.update({"a": 0.7})
    with pytest.raises(ValueError, match="weighs tasks"):
        TaskWeights.from_state(("a", "c"), weights.state())


@pytest.mark.slow
@pytest.mark.parametrize("one_task", [True, False])
def test_a_weight_is_its_size_in_effect_whatever_a_steps_prompts(
    tiny_config: TrainConfig, one_task: bool, tmp_path: Path
) -> None:
    """On the components, before GDPO's batch step, a weight of 2.8 was undone where all prompts were of one task."""
    import torch
    from datasets import Dataset

    from backend.data.rollouts import Rollouts
    from backend.models.load import load_policy
    from backend.training.reward_functions import Component
    from backend.training.shadow import Shadow
    from backend.training.trainer import WorkbenchTrainer, grpo_arguments

    config = override(tiny_config, {"prompts_per_step": 2, "num_generations": 4, "task_weighting": "reward"})
    tasks = ["push", "push"] if one_task else ["push", "extraction"]
    rows = [
        {
            "prompt": [{"role": "user", "content": f"Oi {i}"}],
            "task": task,
            "facts": "{}",
            "form": "chat",
            "prompt_id": str(i),
        }
        for i, task in enumerate(tasks)
    ]

    def reward_of(name: str) -> object:
        def reward(completions: list, task: list[str], **_: object) -> list[float | None]:
            return [i % 4 / 4 + len(c[0]["content"]) / 1000 if t == name else None for i, (c, t) in enumerate(zip(completions, task, strict=True))]  # fmt: skip

        reward.__name__ = f"{name}/made"
        return reward

    components = [Component("push", "made", 1.0), Component("extraction", "made", 1.0)]

    def advantages(weights: dict[str, float]) -> torch.Tensor:
        torch.manual_seed(0)
        policy = load_policy(config, trainable=True)
        trainer = WorkbenchTrainer(
            model=policy.model,
            processing_class=policy.tokenizer,
            args=grpo_arguments(config, components, "unused", policy.backend),
            reward_funcs=[reward_of(c.task) for c in components],
            train_dataset=Dataset.from_list(rows),
            eval_dataset=Dataset.from_list(rows[:1]),
            components=components,
            evaluate=lambda step: {"mean_reward": 0.0},
            config=config,
            shadow=Shadow((), []),
            rollouts=Rollouts(tmp_path, 0.0, 0),
        )
        trainer.model.train()
        trainer._task_weights.weights = lambda: weights  # type: ignore[union-attr, method-assign]
        torch.manual_seed(1)
        return trainer._generate_and_score_completions([row for row in rows for _ in range(4)])["advantages"]

    plain = advantages({"push": 0.5, "extraction": 0.5})
    weighted = advantages({"push": 0.9, "extraction": 0.1})
    assert plain[:4].abs().max() > 0.5
    torch.testing.assert_close(weighted[:4], 1.8 * plain[:4])
    torch.testing.assert_close(weighted[4:], (1.8 if one_task else 0.2) * plain[4:])
