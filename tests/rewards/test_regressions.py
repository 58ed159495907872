"""Completions that people judged and the reward got wrong once (kept on the Reward audit page)."""

import pytest

from backend.audit.regressions import read_cases, violation


@pytest.mark.parametrize("case", read_cases(), ids=lambda c: f"{c['task']}: {c['completion'][:30]!r}")
def test_the_reward_says_what_people_said(case: dict) -> None:
    assert violation(case) is None, violation(case)
