"""Scoring completions by the suites' rewards: the one way, for the store, evaluations, preflight, training and serving."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backend.errors import UserError
from backend.suites.registry import get_task, suite_of, suites
from backend.suites.reward_file import RewardFile, load_reward_file
from backend.suites.suite import ToScore
from rewards.calling import RewardFunction
from rewards.fingerprint import reward_fingerprint
from rewards.scoring import score_text
from rewards.types import Functions, Score


def score_completion(task: str, completion: str, user_text: str, columns: Mapping[str, Any], profile: str) -> Score:
    """Score one completion; see ``score_completions``."""
    asked = ToScore([{"role": "user", "content": user_text}], completion, columns)
    return score_completions(task, [asked], profile)[0]


def score_completions(task: str, asked: Sequence[ToScore], profile: str) -> list[Score]:
    """Score completions of one task; every one has a total.

    Args:
        task, asked, profile: as in ``score_or_gaps``.

    Raises:
        ValueError, UserError: as there; and a judge gave no value for a completion (the message says which, and why).
    """
    scores = score_or_gaps(task, asked, profile)
    for row, score in enumerate(scores, start=1):
        if math.isnan(score.total):
            name, gap = next(iter(score.gaps.items()))
            raise UserError(f"{name} gave no value for completion {row} of {len(scores)} of task {task} ({gap})")
    return scores


def score_or_gaps(task: str, asked: Sequence[ToScore], profile: str) -> list[Score]:
    """Score completions of one task; where a judge gave no value, the score has a gap in its place.

    Args:
        task: the prompts'.
        asked: the completions, each with its prompt and what stands beside it.
        profile: which version of the rules.

    Returns:
        A score for each, in order.

    Raises:
        ValueError: no suite has the task.
        UserError: a team's function failed (the message names it and the row), or the profile measures something that this
            installation cannot.
    """
    suite, found = suite_of(task), get_task(task)
    if suite.scorer is not None:
        return suite.scorer.score(found, asked)
    reward = found.reward
    if isinstance(reward, Functions):
        raise TypeError(f"task {task} has functions and its suite {suite.name} says nothing of how they are called")
    rules, scores = suite.profile(profile), []
    reward = reward.under(rules)
    for one in asked:
        measured: Mapping[str, float] | None = None
        if rules.measured_by and reward.measured and suite.measure is not None:
            measured = suite.measure(found, one.completion, one.columns, rules)
        scores.append(score_text(reward, one.completion, one.user_text, rules, measured))
    return scores


def score_all(asked: Sequence[tuple[str, ToScore]], profile: str, with_gaps: bool = False) -> list[Score]:
    """Score completions of several tasks, each given with its task; in order. A task's are handed over together.

    With ``with_gaps``, as ``score_or_gaps``; otherwise as ``score_completions``.
    """
    score = score_or_gaps if with_gaps else score_completions
    places: dict[str, list[int]] = {}
    for place, (task, _) in enumerate(asked):
        places.setdefault(task, []).append(place)
    found: dict[int, Score] = {}
    for task, of_task in places.items():
        found |= zip(of_task, score(task, [asked[i][1] for i in of_task], profile), strict=True)
    return [found[place] for place in range(len(asked))]


def load_reward_functions(task: str) -> dict[str, RewardFunction] | None:
    """A task's own functions, loaded into this process: a trainer calls them itself. None where its reward is a ``Reward``.

    Raises:
        UserError: the team's file cannot be loaded.
    """
    scorer = suite_of(task).scorer
    if scorer is None:
        return None
    loaded = load_reward_file(scorer.spec)
    if not isinstance(loaded, RewardFile):
        raise UserError(f"{scorer.spec} is no file of reward functions any more")
    return {name: loaded.functions[name] for name in loaded.weights(task)}


def fingerprint(task: str, profile: str) -> str:
    """Twelve hex digits that change when the task's scores under the profile can change, and only then."""
    suite, reward = suite_of(task), get_task(task).reward
    if suite.scorer is not None:
        return suite.scorer.fingerprint(task)
    if isinstance(reward, Functions):
        raise TypeError(f"task {task} has functions and its suite {suite.name} says nothing of how they are called")
    return reward_fingerprint(reward, suite.profile(profile))


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
