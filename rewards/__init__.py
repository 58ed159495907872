"""Rewards: pure functions, text in, score out. Standard library and json-repair only.

The reward is the product specification, so this package depends on nothing else in the project and can be read,
tested and reused alone. Everything public is importable from here.
"""

from rewards.json_parsing import extract_json
from rewards.profiles import DEFAULT_PROFILE, PROFILES, Profile, fingerprint, get_profile
from rewards.scoring import (
    Score,
    commerce_reward_fn,
    register,
    registered,
    reward_extraction,
    reward_for,
    reward_insights,
    reward_push,
    reward_sql_qa,
    score,
    total,
)
from rewards.tasks import TASKS, classify_task
from rewards.types import Reward

__all__ = [
    "DEFAULT_PROFILE",
    "PROFILES",
    "TASKS",
    "Profile",
    "Reward",
    "Score",
    "classify_task",
    "commerce_reward_fn",
    "extract_json",
    "fingerprint",
    "get_profile",
    "register",
    "registered",
    "reward_extraction",
    "reward_for",
    "reward_insights",
    "reward_push",
    "reward_sql_qa",
    "score",
    "total",
]
