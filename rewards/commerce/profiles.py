"""The commerce suite's profiles: which rules each historical version of the rewards switched on.

A change to a rule is a new profile, never a silent edit: old profiles stay selectable, because scoring the same
completions under two profiles is how a fix is measured. (Seeds: final report §3, V4 to V4.2.1.)
"""

from dataclasses import dataclass, replace

from rewards.types import Profile

DEFAULT_PROFILE = "v4.2.1"


@dataclass(frozen=True)
class Rules(Profile):
    """The rules a version of the rewards applies. Each flag names the rule it switches on."""

    repair_json: bool = True
    """Portuguese decimals and json-repair in the parser (V4.1; before: strict JSON only)."""
    sql_statement: bool = True
    """Keywords count inside an actual statement (V4.2; before: any keywords anywhere)."""
    sql_words_30: bool = True
    """The 30-word business list (V4.2.1; before: its first ten words)."""
    strict_int: bool = True
    """``sentiment_score`` must be an int and not a bool (V4.2.1; before: anything equal to 1..5)."""
    push_penalties: bool = True
    """Steep length decay and the formal penalty for push (V4.2.1; before: a gentle decay, no penalty)."""
    anti_gaming: bool = False
    """A completion that repeats its prompt earns nothing; lines that repeat, or have too few words to say anything, do
    not count (V4.3)."""


_V421 = Rules("v4.2.1", "v4.2 and push penalties, 30 SQL words, strict int")
_V42 = replace(
    _V421,
    name="v4.2",
    summary="v4.1 and SQL must be a statement",
    sql_words_30=False,
    strict_int=False,
    push_penalties=False,
)
_V41 = replace(_V42, name="v4.1", summary="v4.0 and Portuguese decimals, json-repair", sql_statement=False)
_V40 = replace(_V41, name="v4.0", summary="strict JSON parser, keyword-count SQL", repair_json=False)
_V43 = replace(
    _V421,
    name="v4.3",
    summary="v4.2.1 and prompt echo, repetition and bare word lists earn nothing",
    anti_gaming=True,
)
_V5_EXEC = replace(
    _V421,
    name="v5-exec",
    summary="v4.2.1 and half of SQL for the query's true result",
    measured_by="sql-execution/1",
)
PROFILES: dict[str, Rules] = {p.name: p for p in (_V40, _V41, _V42, _V421, _V43, _V5_EXEC)}


def get_profile(profile: str | Rules) -> Rules:
    """The profile of that name.

    Raises:
        ValueError: no profile has that name; the message lists those there are.
    """
    if isinstance(profile, Rules):
        return profile
    try:
        return PROFILES[profile]
    except KeyError:
        raise ValueError(f"unknown reward profile {profile!r}; choose one of {', '.join(PROFILES)}") from None
