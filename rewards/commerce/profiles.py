"""The commerce suite's profiles: which rules each historical version of the rewards applied.

To change a rule, add a new profile; do not edit an old one. Old profiles stay selectable, because the effect of a fix
is measured by scoring the same completions under two profiles. (Seeds: final report §3, V4 to V4.2.1.)
"""

from dataclasses import dataclass, replace

from rewards.types import Profile, Text

DEFAULT_PROFILE = "v4.2.1"


@dataclass(frozen=True)
class Rules(Profile):
    """The rules a version of the rewards applies. Each flag names the rule it switches on."""

    repair_json: bool = True
    """Portuguese decimals and json-repair in the parser (V4.1; before: strict JSON only)."""
    sql_statement: bool = True
    """SQL keywords count only inside an actual statement (V4.2; before: any keywords anywhere)."""
    sql_words_30: bool = True
    """The 30-word business list (V4.2.1; before: its first ten words)."""
    strict_int: bool = True
    """``sentiment_score`` must be an int and not a bool (V4.2.1; before: anything equal to 1..5)."""
    push_penalties: bool = True
    """For push: steep length decay and the penalty for formal words (V4.2.1; before: a slow decay, no penalty)."""
    anti_gaming: bool = False
    """Rules against gaming the reward (V4.3; before: none). A completion that repeats its prompt is scored as an empty
    text. In insights, repeated lines count once, and lines of fewer than four words do not count, except headers."""


# v5 is an edition of its own (rewards/commerce/v5/): it reads the prompt, and of the flags above it needs none.

_V421 = Rules(
    "v4.2.1",
    Text(
        "v4.2 and push penalties, 30 SQL words, strict int",
        "v4.2 e descontos no push, 30 palavras de SQL, inteiros estritos",
    ),
)
_V42 = replace(
    _V421,
    name="v4.2",
    summary=Text("v4.1 and SQL must be a statement", "v4.1 e o SQL tem de ser um comando"),
    sql_words_30=False,
    strict_int=False,
    push_penalties=False,
)
_V41 = replace(
    _V42,
    name="v4.1",
    summary=Text("v4.0 and Portuguese decimals, json-repair", "v4.0 e decimais portugueses, json-repair"),
    sql_statement=False,
)
_V40 = replace(
    _V41,
    name="v4.0",
    summary=Text("strict JSON parser, keyword-count SQL", "leitor de JSON estrito, SQL por contagem de palavras"),
    repair_json=False,
)
_V43 = replace(
    _V421,
    name="v4.3",
    summary=Text(
        "v4.2.1 and prompt echo, repetition and bare word lists earn nothing",
        "v4.2.1 e repetir o prompt, repetir-se e listas de palavras não rendem nada",
    ),
    anti_gaming=True,
)
_V5_EXEC = replace(
    _V421,
    name="v5-exec",
    summary=Text(
        "v4.2.1 and half of SQL for the query's true result",
        "v4.2.1 e metade do SQL pelo resultado verdadeiro da consulta",
    ),
    measured_by="sql-execution/1",
)
_V5 = replace(
    _V421,
    name="v5",
    summary=Text(
        "grounded in the prompt, in real sentences; SQL by its true result and an explanation that states it. For new runs",
        "apoiada no prompt, em frases de verdade; SQL pelo resultado verdadeiro e por uma explicação que o diz. Para treinos novos",
    ),
    measured_by="sql-execution/3",
    edition="v5",
)
PROFILES: dict[str, Rules] = {p.name: p for p in (_V40, _V41, _V42, _V421, _V43, _V5_EXEC, _V5)}


def get_profile(profile: str | Rules) -> Rules:
    """The profile of that name.

    Raises:
        ValueError: no profile has that name; the message lists the existing ones.
    """
    if isinstance(profile, Rules):
        return profile
    try:
        return PROFILES[profile]
    except KeyError:
        raise ValueError(f"unknown reward profile {profile!r}; choose one of {', '.join(PROFILES)}") from None
