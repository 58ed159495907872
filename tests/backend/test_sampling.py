"""Which prompts a step trains on: laid out as TRL's own sampler does, resumable, and by weight where asked."""

from collections import Counter
from typing import Any

import pytest

from backend.training.task_weights import TaskWeights

pytestmark = pytest.mark.slow
TASKS = ["a"] * 6 + ["b"] * 4


def prompt_sampler(*arguments: Any, **more: Any) -> Any:
    """A PromptSampler; torch is loaded by who asks for one, not by who only collects the tests."""
    from backend.training.sampling import PromptSampler

    return PromptSampler(*arguments, **more)


def test_the_layout_is_that_of_trls_sampler() -> None:
    from trl.trainer.utils import RepeatSampler

    ours = list(prompt_sampler(TASKS, 2, 3, 2, steps=5, seed=1))
    trls = list(RepeatSampler(TASKS, mini_repeat_count=3, batch_size=2, repeat_count=2, seed=1))
    assert len(ours) == len(trls) == len(prompt_sampler(TASKS, 2, 3, 2, steps=5, seed=1))
    shapes = [[[i == row[0] for i in row] for row in _groups(stream, 3)] for stream in (ours, trls)]
    assert shapes[0] == shapes[1]  # groups of equal indices in the same places
    for start in range(0, len(ours), 12):  # each step's prompts handed out twice
        assert ours[start : start + 6] == ours[start + 6 : start + 12]


def _groups(stream: list[int], size: int) -> list[list[int]]:
    return [stream[i : i + size] for i in range(0, len(stream), size)]


def test_every_prompt_comes_once_before_any_comes_twice() -> None:
    stream = list(prompt_sampler(TASKS, 2, 1, 1, steps=10, seed=3))
    assert sorted(stream[:10]) == sorted(stream[10:]) == list(range(10))
    assert stream[:10] != stream[10:]  # a new order


def test_the_same_seed_gives_the_same_prompts_and_another_one_others() -> None:
    streams = [list(prompt_sampler(TASKS, 2, 2, 1, steps=20, seed=seed)) for seed in (5, 5, 6)]
    assert streams[0] == streams[1] != streams[2]


def test_draws_follow_the_weights_and_do_not_repeat_a_prompt_early() -> None:
    sampler = prompt_sampler(TASKS, 4, 1, 1, steps=500, seed=0, weights=lambda: {"a": 0.25, "b": 0.75})
    stream = list(sampler)
    share = sum(TASKS[i] == "b" for i in stream) / len(stream)
    assert share == pytest.approx(0.75, abs=0.03)
    of_b = [i for i in stream if TASKS[i] == "b"]
    assert all(sorted(of_b[k : k + 4]) == [6, 7, 8, 9] for k in range(0, 400, 4))


def test_a_resumed_sampler_repeats_its_history_and_goes_on_alike() -> None:
    weights = {"a": 0.5, "b": 0.5}
    whole = prompt_sampler(TASKS, 2, 1, 1, steps=40, seed=9, weights=lambda: weights)
    expected = list(whole)
    weights = {"a": 0.99, "b": 0.01}  # what the past was drawn with does not matter
    resumed = prompt_sampler(TASKS, 2, 1, 1, 40, 9, lambda: {"a": 0.5, "b": 0.5}, history=whole.history[:25])
    assert list(resumed) == expected


def test_ratio_preserving_by_hand() -> None:
    weights = TaskWeights(("a", "b"))
    weights.flat = {"a": 0.5, "b": 0.0}
    assert weights.sampling_weights() == pytest.approx({"a": 2 / 3, "b": 1 / 3})  # 0.5 * 2 against 0.5 * 1
    weights.flat = {"a": 0.99, "b": 0.0}
    assert weights.sampling_weights() == pytest.approx({"a": 5 / 6, "b": 1 / 6})  # 1 / 0.01, held to M = 5
    weights.flat = {"a": 1.0, "b": 1.0}
    assert weights.sampling_weights() == pytest.approx({"a": 0.5, "b": 0.5})
    weights = TaskWeights(("a", "b"))
    weights.observe_flat({"a": 1.0})
    assert weights.flat == {"a": 0.5}  # a moving average


def test_a_task_gets_its_share_of_the_groups_that_train() -> None:
    """Without the factor a task whose groups are half flat gets less than its weight of what trains."""
    flat = {"a": 0.6, "b": 0.0}
    z = {"a": 0.63, "b": 0.37}
    plain = z["a"] * (1 - flat["a"]) / sum(z[t] * (1 - flat[t]) for t in z)
    assert plain == pytest.approx(0.405, abs=0.01)
    weights = TaskWeights(("a", "b"), xi={"a": 0.5322, "b": 0.0}, flat=flat)
    assert weights.weights()["a"] == pytest.approx(0.63, abs=1e-3)
    drawn = Counter(
        TASKS[i] for i in prompt_sampler(TASKS, 4, 1, 1, steps=2000, seed=2, weights=weights.sampling_weights)
    )
    trains = {t: drawn[t] * (1 - flat[t]) for t in flat}
    assert trains["a"] / sum(trains.values()) == pytest.approx(0.63, abs=0.02)


def test_in_a_simulated_run_the_stagnating_task_is_drawn_more() -> None:
    weights = TaskWeights(("a", "b"))
    sampler = prompt_sampler(TASKS, 2, 1, 1, steps=300, seed=4, weights=weights.sampling_weights)
    reward, drawn = {"a": 0.3, "b": 0.3}, []
    for step, index in enumerate(sampler):
        task = TASKS[index]
        drawn.append(task)
        if task == "a":
            reward["a"] = min(0.9, reward["a"] + 0.01)
        if step % 2:
            weights.update({t: reward[t] for t in set(drawn[-2:])})
            weights.observe_flat(dict.fromkeys(set(drawn[-2:]), 0.0))
    assert drawn[:20].count("b") < 14 and drawn[100:300].count("b") > 140
