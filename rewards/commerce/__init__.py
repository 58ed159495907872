"""The commerce suite's rewards: review extraction to JSON, SQL Q&A, insights, push notifications.

Pure functions: text in, score out. Code that needs the shop's data, a database or the system prompts is in
``backend.commerce``, which builds the whole suite.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rewards.commerce import extraction, insights, push, sql_qa
from rewards.commerce.classifier import TASKS, classify_task
from rewards.commerce.profiles import DEFAULT_PROFILE, PROFILES, Rules, get_profile
from rewards.commerce.v5 import extraction as extraction_v5
from rewards.commerce.v5 import insights as insights_v5
from rewards.commerce.v5 import push as push_v5
from rewards.commerce.v5 import sql_qa as sql_qa_v5
from rewards.fingerprint import reward_fingerprint
from rewards.scoring import score_text
from rewards.types import Reward, Score, Task

__all__ = [
    "BY_NAME",
    "DEFAULT_PROFILE",
    "PROFILES",
    "TASKS",
    "Rules",
    "classify_task",
    "commerce_reward_fn",
    "fingerprint",
    "get_profile",
    "reward_extraction",
    "reward_insights",
    "reward_push",
    "reward_sql_qa",
    "score",
]
_MODULES = ((extraction, extraction_v5), (sql_qa, sql_qa_v5), (insights, insights_v5), (push, push_v5))
REWARDS: dict[str, Reward] = {m.TASK.name: replace(m.REWARD, editions={"v5": v5.REWARD}) for m, v5 in _MODULES}
BY_NAME: dict[str, Task] = {m.TASK.name: replace(m.TASK, reward=REWARDS[m.TASK.name]) for m, _ in _MODULES}


Messages = Sequence[Mapping[str, str]]
"""A chat: turns with ``role`` and ``content``."""


def score(
    task: str,
    completion: str,
    prompt: str = "",
    profile: str | Rules = DEFAULT_PROFILE,
    measured: Mapping[str, float] | None = None,
) -> Score:
    """Score one completion of a commerce task; see ``rewards.scoring.score_text``.

    Args:
        task: one of ``TASKS``.
        completion: what the model wrote; any string.
        prompt: the user's text (for extraction it contains the customer's grade, the nota).
        profile: which version of the rules.
        measured: shares from 0 to 1 of the components that cannot be scored from text alone; 0 when left out.

    Raises:
        ValueError: the task or the profile does not exist.
    """
    if task not in BY_NAME:
        raise ValueError(f"unknown task {task!r}; choose one of {', '.join(TASKS)}")
    rules = get_profile(profile)
    return score_text(REWARDS[task].under(rules), completion, prompt, rules, measured)


def fingerprint(profile: str | Rules = DEFAULT_PROFILE, task: str | None = None) -> str:
    """The fingerprint of a task's reward under a profile; without a task, the fingerprints of all four, joined."""
    tasks = (task,) if task else TASKS
    return "-".join(reward_fingerprint(REWARDS[t], get_profile(profile)) for t in tasks)


def reward_extraction(completion: str, prompt: str = "") -> float:
    """Default-profile score in [0, 1] of one extraction, which must not contradict the nota in ``prompt``."""
    return score("extraction", completion, prompt).total


def reward_sql_qa(completion: str) -> float:
    """Default-profile score in [0, 1] of one answer to a business question."""
    return score("sql_qa", completion).total


def reward_insights(completion: str) -> float:
    """Default-profile score in [0, 1] of one analysis."""
    return score("insights", completion).total


def reward_push(completion: str) -> float:
    """Default-profile score in [0, 1] of one notification."""
    return score("push", completion).total


def commerce_reward_fn(
    completions: Sequence[str | Messages], prompts: Sequence[str | Messages], **columns: object
) -> list[float]:
    """Classify each prompt, then score its completion under the default profile (final report §10).

    It can be handed to TRL's GRPOTrainer as it is: texts or chats, with any further columns.

    Args:
        completions, prompts: as many of each; of a chat, what the assistant wrote and what the user asked count.
        columns: ``task``, where there is one, names each prompt's task, and no classifier is asked; others do not count.
    """
    asked = [_said_by("user", prompt) for prompt in prompts]
    written = [_said_by("assistant", completion) for completion in completions]
    named = columns.get("task")
    tasks = named if isinstance(named, list | tuple) else [classify_task(text) for text in asked]
    return [score(task, c, p).total for task, c, p in zip(tasks, written, asked, strict=True)]


def _said_by(role: str, text: str | Messages) -> str:
    return text if isinstance(text, str) else "\n".join(turn["content"] for turn in text if turn["role"] == role)
