"""Scoring completions by the suites' rewards: the one way, for the store, evaluations, preflight, training and serving."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from backend.suites.registry import get_task, suite_of, suites
from rewards.fingerprint import reward_fingerprint
from rewards.scoring import score_text
from rewards.types import Score


def score_completion(task: str, completion: str, user_text: str, columns: Mapping[str, Any], profile: str) -> Score:
    """Score one completion.

    Args:
        task: the prompt's.
        completion: what the model wrote; any string.
        user_text: what the user asked.
        columns: what stands beside the prompt in the data.
        profile: which version of the rules.

    Raises:
        ValueError: no suite has the task.
        UserError: the profile measures something that this installation cannot.
    """
    suite, found = suite_of(task), get_task(task)
    rules = suite.profile(profile)
    measured: Mapping[str, float] | None = None
    if rules.measured_by and found.reward.measured and suite.measure is not None:
        measured = suite.measure(found, completion, columns, rules)
    return score_text(found.reward, completion, user_text, rules, measured)


def fingerprint(task: str, profile: str) -> str:
    """Twelve hex digits that change when the task's scores under the profile can change, and only then."""
    return reward_fingerprint(get_task(task).reward, suite_of(task).profile(profile))


def fingerprint_of_all(tasks: Iterable[str], profile: str) -> str:
    """Twelve hex digits for several tasks together, whatever their order: what a run was trained on."""
    parts = sorted(f"{task} {fingerprint(task, profile)}" for task in set(tasks))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def mask(text: str) -> str:
    """The text without the personal data that any suite's mask finds."""
    for suite in suites():
        if suite.mask is not None:
            text = suite.mask(text)[0]
    return text
