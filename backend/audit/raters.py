"""Raters whose scores cannot be told from chance, or who differ from themselves, or who are too fast to have read."""

import statistics
from collections.abc import Set
from dataclasses import dataclass

import numpy as np
import pandas as pd

from backend.audit.correlation import Correlation, correlate
from backend.wording import Text, decimal, fill

FEWEST_SHARED = 15
"""Completions that others have scored too, from which a rater's agreement is judged."""
LEAST_AGREEMENT = 0.6
"""A rater is said to be at chance only where the interval leaves this ρ out: the data would have shown agreement."""
FEWEST_REPEATS, MOST_APART = 5, 1.2
"""Hidden repeats from which agreement with oneself is judged, and the mean distance that is too far (random keys: 1.6)."""
FEWEST_TIMED, FAST_SHARE, FAST_SECONDS = 20, 1 / 3, 5.0
"""Timed ratings from which the pace is judged; a median below this share of the others' and below these seconds is fast."""


@dataclass(frozen=True)
class RaterCheck:
    """One rater of one task.

    Attributes:
        rater: the name.
        agreement: ρ with the mean of the others, on the completions that others have scored too.
        at_chance: it cannot be told from chance although there are enough shared completions to see agreement.
        repeats: hidden repeats, and ``apart``: the mean distance of the two scores.
        inconsistent: too far apart on repeats.
        seconds: median time of a rating; ``fast``: far below the others'.
    """

    rater: str
    agreement: Correlation
    at_chance: bool
    repeats: int = 0
    apart: float | None = None
    inconsistent: bool = False
    seconds: float | None = None
    fast: bool = False


def check_raters(ratings: pd.DataFrame, repeats: pd.DataFrame | None = None) -> list[RaterCheck]:
    """Check every rater of one task, in order of name.

    Args:
        ratings: columns completion_id, prompt_id, rater, score, seconds; one row per rating.
        repeats: columns rater, repeats, apart (``backend.store.ratings.self_agreement``).
    """
    agreements = _with_others(ratings)
    chance = _careless(ratings, agreements)
    again = {} if repeats is None else repeats.set_index("rater").to_dict("index")
    pace = ratings.dropna(subset=["seconds"]).groupby("rater")["seconds"].agg(["size", "median"])
    timed = {str(rater): (int(n), float(median)) for rater, n, median in pace.itertuples()}
    checks = []
    for rater, agreement in agreements.items():
        seen = again.get(rater, {"repeats": 0, "apart": None})
        n, seconds = timed.get(rater, (0, None))
        others = [median for other, (_, median) in timed.items() if other != rater]
        fast = (
            seconds is not None
            and n >= FEWEST_TIMED
            and bool(others)
            and seconds < min(FAST_SECONDS, FAST_SHARE * statistics.median(others))
        )
        checks.append(
            RaterCheck(
                rater=rater,
                agreement=agreement,
                at_chance=rater in chance,
                repeats=int(seen["repeats"]),
                apart=None if seen["apart"] is None else float(seen["apart"]),
                inconsistent=seen["repeats"] >= FEWEST_REPEATS and seen["apart"] > MOST_APART,
                seconds=seconds,
                fast=fast,
            )
        )
    return checks


def _careless(ratings: pd.DataFrame, first: dict[str, Correlation]) -> set[str]:
    """The raters at chance, of those with these agreements.

    Who disagrees only with a careless rater is not careless: a second look leaves out the others that the first one found.
    Where it leaves too few shared completions, the rater is not named, if another one is; where that holds for all that were
    found, the one who agrees least is named. All are, where nobody agrees with anybody.
    """
    found = {rater for rater, c in first.items() if _at_chance(c)}
    if len(found) == len(first):
        return found
    second = _with_others(ratings, found) if found else {}
    told = {rater for rater, c in second.items() if c.n >= FEWEST_SHARED}
    if found and not told:
        return {min(found, key=lambda name: (_rho(first[name]), name))}
    return {rater for rater in told if _at_chance(second[rater])}


def _rho(c: Correlation) -> float:
    return c.rho if c.rho is not None else 0.0


def _with_others(ratings: pd.DataFrame, careless: Set[str] = frozenset()) -> dict[str, Correlation]:
    """rater -> ρ of the rater's scores with the mean of the other raters' on the same completions; in order of name.

    With ``careless``, of these raters alone, with the others who are not careless.
    """
    score = ratings["score"].to_numpy(float)
    rater, names = pd.factorize(ratings["rater"], sort=True)
    item, prompt = (pd.factorize(ratings[of])[0] for of in ("completion_id", "prompt_id"))
    counts = ~names.isin(careless)[rater]
    others = np.bincount(item, counts)[item] - counts
    total = np.bincount(item, counts * score)[item] - counts * score
    mean = np.round(total / np.maximum(others, 1), 9)  # rounded, so that equal means stay equal
    wanted = (others > 0) & ~counts if careless else others > 0
    rows = np.split(np.argsort(rater, kind="stable"), np.cumsum(np.bincount(rater))[:-1])
    found = {}
    for name, all_of in zip(map(str, names), rows, strict=True):
        if not careless or name in careless:
            mine = all_of[wanted[all_of]]
            (found[name],) = correlate(mean[mine], score[mine][:, None], prompt[mine])
    return found


def _at_chance(c: Correlation) -> bool:
    if c.n < FEWEST_SHARED:
        return False
    if c.constant:
        return True  # the same key for everything
    if c.rho is None or c.p is None or c.high is None:
        return False
    chance = c.rho <= 0 or c.p / 2 > 0.05
    return chance and c.high < LEAST_AGREEMENT


def doubt_of(check: RaterCheck) -> Text | None:
    """Why a rater's scores are in doubt, in words; None where nothing speaks against them."""
    if check.at_chance:
        return fill(
            "{rater} agrees with the others no better than chance (ρ = {rho} on {n} completions)",
            "{rater} não concorda com os outros mais que o acaso (ρ = {rho} em {n} respostas)",
            rater=check.rater, rho=decimal(check.agreement.rho or 0.0), n=check.agreement.n,
        )  # fmt: skip
    if check.inconsistent:
        return fill(
            "{rater} scores the same completion {apart} points apart",
            "{rater} dá à mesma resposta notas a {apart} pontos de distância",
            rater=check.rater, apart=decimal(check.apart or 0.0, 1),
        )  # fmt: skip
    if not check.fast:
        return None
    return fill(
        "{rater} takes {seconds} s a completion, far less than the others",
        "{rater} leva {seconds} s por resposta, muito menos que os outros",
        rater=check.rater, seconds=decimal(check.seconds or 0.0, 1),
    )  # fmt: skip
