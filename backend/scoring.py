"""Scoring a stored prompt's completion: ``rewards.score``, with what only the shop's data can tell measured first."""

from collections.abc import Mapping
from typing import Any

from backend.errors import UserError
from backend.settings import get_settings
from rewards import Score, get_profile, reward_for, score


def score_completion(task: str, completion: str, user_text: str, facts: Mapping[str, Any], profile: str) -> Score:
    """Score one completion of a prompt with these facts under a profile.

    Raises:
        UserError: the profile measures something that this installation cannot: the shop's data are missing or others.
    """
    measurer = get_profile(profile).measured_by
    if not measurer or not reward_for(task).measured:
        return score(task, completion, user_text, profile)
    from backend.data import sql_execution

    if measurer != sql_execution.VERSION:
        raise UserError(f"profile {profile} asks for {measurer}, and this version measures {sql_execution.VERSION}")
    share = sql_execution.measure(completion, dict(facts), get_settings().commerce_db)
    return score(task, completion, user_text, profile, {"execution": share})
