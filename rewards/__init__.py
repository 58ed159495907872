"""Rewards: pure functions, text in, score out. Standard library and json-repair only.

The reward is the product specification, so this package depends on nothing else in the project and can be read,
tested and reused alone. ``rewards/`` itself knows no task; the built-in suite is ``rewards/commerce/``, and its public
names are importable from here.
"""

from rewards.commerce import BY_NAME as BUILT_IN_TASKS
from rewards.commerce import (
    DEFAULT_PROFILE,
    PROFILES,
    TASKS,
    classify_task,
    commerce_reward_fn,
    fingerprint,
    get_profile,
    reward_extraction,
    reward_insights,
    reward_push,
    reward_sql_qa,
    score,
)
from rewards.commerce.json_parsing import extract_json
from rewards.types import Profile, Reward, Score, Task

__all__ = [
    "BUILT_IN_TASKS",
    "DEFAULT_PROFILE",
    "PROFILES",
    "TASKS",
    "Profile",
    "Reward",
    "Score",
    "Task",
    "classify_task",
    "commerce_reward_fn",
    "extract_json",
    "fingerprint",
    "get_profile",
    "reward_extraction",
    "reward_insights",
    "reward_push",
    "reward_sql_qa",
    "score",
]
