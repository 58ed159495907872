"""Every reward is total and linear: any text gives a number in [0, 1], and a megabyte of hostile text is no trouble."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz import HOSTILE, mutate, seeds
from rewards import PROFILES, TASKS, classify_task, commerce_reward_fn, extract_json, score

TEXT = st.text(max_size=300) | st.text(alphabet='{}[]":,\\/0123456789.-eE truefalsn\n`<>think', max_size=300)


def check(task: str, completion: str, prompt: str, profile: str) -> None:
    s = score(task, completion, prompt, profile)
    assert 0.0 <= s.total <= 1.0
    assert all(-0.2 <= v <= 0.5 for v in s.components.values())


@settings(max_examples=300, deadline=None)
@given(TEXT, TEXT, st.sampled_from(TASKS), st.sampled_from(list(PROFILES)))
def test_any_text_scores_between_0_and_1(completion: str, prompt: str, task: str, profile: str) -> None:
    check(task, completion, prompt, profile)
    assert classify_task(prompt) in TASKS


@pytest.mark.slow
def test_mutated_completions_score_between_0_and_1() -> None:
    """A slice of benchmarks/fuzz.py, which does a million."""
    rng = random.Random(0)
    texts = seeds()
    for _ in range(4000):
        text = mutate(rng, rng.choice(texts))
        check(rng.choice(TASKS), text, rng.choice(texts), rng.choice(list(PROFILES)))
        found = extract_json(text)
        assert found is None or isinstance(found, dict)


def test_lone_surrogates_and_binary_noise_are_text_too() -> None:
    for text in ("\ud800", "\udfff{\ud800:", "".join(map(chr, range(256))) * 20, "\x00" * 1000):
        for task in TASKS:
            for profile in ("v4.3", "v5"):
                check(task, text, text, profile)


def seconds(text: str, task: str, profile: str) -> float:
    began = time.thread_time()  # of the processor: what else the machine does is not in it
    score(task, text, text, profile)
    return time.thread_time() - began


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["v4.3", "v5"])
@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_time_grows_no_faster_than_the_text(name: str, profile: str) -> None:
    """Not a stopwatch but a shape: 16 times the text may take at most about 16 times as long; a quadratic would take 256."""
    make = HOSTILE[name]
    for task in TASKS:
        short = min(seconds(make(16_000), task, profile) for _ in range(3))
        long = min(seconds(make(256_000), task, profile) for _ in range(2))
        assert long < 64 * max(short, 5e-4), f"{task}: {short:.4f} s, then {long:.4f} s"


def test_the_batch_function_classifies_and_scores() -> None:
    values = commerce_reward_fn(
        ["Só hoje: frete grátis! 🎁", "{}"], ["Crie um push para o app", "Extraia o JSON. Nota: 5/5"]
    )
    assert values == [1.0, 0.3]
    with pytest.raises(ValueError, match=r"shorter|longer"):
        commerce_reward_fn(["a"], [])
