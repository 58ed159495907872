"""A judge beside people: how far it agrees with them, whether it could stand in for one, and what its scores add to few of theirs.

A judge is never counted as a person. Its value (0 to 1) is put on people's scale of 1 to 5, as the file's own scale says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.multitest import multipletests

from backend.audit.correlation import FEWEST_PROMPTS, Correlation, Ids, averages, correlate, spread, weights_without
from backend.rating.imported import HIGHEST, LOWEST
from backend.wording import Text, decimal, fill
from rewards.types import NO_TEXT

Array = NDArray[np.float64]
EPSILON = 0.15
"""What a person costs more than a judge, as a share of wins: 0.2 for experts, 0.15 for skilled people, 0.1 for a crowd
(Calderon et al. 2025, section 3)."""
FEWEST_RATERS = 3
FEWEST_SHARED = 30
"""Completions that a rater shares with another one, for the test."""
FEWEST_RATED = 10
FDR = 0.05


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa with quadratic weights over all (judge, rater) pairs of scores, and over all pairs of two raters.

    ``low`` and ``high`` are its 95 % interval over prompts. None where it is undefined or too few prompts carry it.
    """

    pairs: int
    kappa: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class AgainstRater:
    """One rater of the alternative annotator test.

    Attributes:
        rater: the name.
        n: completions shared with another rater.
        judge: how often the judge is at least as close to the others as this rater is.
        p: one-sided, of the judge losing by ``EPSILON`` or more.
        wins: whether that is rejected (Benjamini-Yekutieli over the raters).
    """

    rater: str
    n: int
    judge: float
    p: float
    wins: bool = False


@dataclass(frozen=True)
class Alternative:
    """The alternative annotator test (Calderon, Reichart and Dror 2025).

    Attributes:
        passes: whether the judge wins against at least half of the raters; None where there are too few to tell.
        raters: each one.
        share: of the raters that it wins against.
        why: what is missing, where ``passes`` is None.
    """

    passes: bool | None
    raters: tuple[AgainstRater, ...] = ()
    share: float | None = None
    why: Text = NO_TEXT


@dataclass(frozen=True)
class Powered:
    """The mean human score of all completions, from few people and many judge scores.

    Attributes:
        rated, others: completions that people scored, and those that only the judge did.
        mean, low, high: the estimate and its 95 % interval over prompts.
        alone_low, alone_high: the interval from people alone.
        weight: how much the judge counts in it.
    """

    rated: int
    others: int
    mean: float
    low: float
    high: float
    alone_low: float
    alone_high: float
    weight: float


@dataclass(frozen=True)
class BesidePeople:
    """A judge beside people, for one task."""

    correlation: Correlation
    kappa: Kappa
    people_kappa: Kappa
    alternative: Alternative
    powered: Powered | None = None


def on_peoples_scale(value: ArrayLike) -> Array:
    """A judge's value from 0 to 1 on the scale of 1 to 5."""
    return LOWEST + (HIGHEST - LOWEST) * np.asarray(value, float)


def beside_people(judged: pd.DataFrame, ratings: pd.DataFrame) -> BesidePeople:
    """Compare a judge with people.

    Args:
        judged: completion_id, prompt_id, value (0 to 1), human (NaN where nobody rated), weight; a row for each that it scored.
        ratings: completion_id, prompt_id, rater, score of the same task.
    """
    rated = judged.dropna(subset=["human"])
    (c,) = correlate(rated["human"], rated[["value"]], rated["prompt_id"].tolist())
    score = judged.assign(score=on_peoples_scale(judged["value"])).set_index("completion_id")["score"]
    mine = ratings.assign(judge=ratings["completion_id"].map(score)).dropna(subset=["judge"])
    against = alternative_test(mine)
    pairs = mine.merge(mine, on=["completion_id", "prompt_id"], suffixes=("", "_other"))
    pairs = pairs[pairs["rater"] != pairs["rater_other"]]
    return BesidePeople(
        c,
        kappa(mine["judge"].round(), mine["score"].round(), mine["prompt_id"].tolist()),
        kappa(pairs["score"].round(), pairs["score_other"].round(), pairs["prompt_id"].tolist()),
        against,
        powered_mean(judged) if against.passes else None,
    )


def kappa(a: ArrayLike, b: ArrayLike, prompts: Ids) -> Kappa:
    """Quadratically weighted kappa of two raters' scores: 1 less the mean squared distance over what chance gives."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    if len(a) < 2 or (np.ptp(a) == 0 and np.ptp(b) == 0):
        return Kappa(len(a))
    without = weights_without(prompts)
    mean_a, mean_b = averages(a, without), averages(b, without)
    chance = averages(a**2, without) - mean_a**2 + averages(b**2, without) - mean_b**2 + (mean_a - mean_b) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        kappas = 1 - averages((a - b) ** 2, without) / chance
    if len(set(prompts)) < FEWEST_PROMPTS or not np.isfinite(kappas).all():
        return Kappa(len(a), float(kappas[0]))
    found = spread(kappas)
    return Kappa(len(a), float(kappas[0]), max(-1.0, found.low), min(1.0, found.high))


def alternative_test(scores: pd.DataFrame, epsilon: float = EPSILON) -> Alternative:
    """Does the judge agree with people as well as people agree among themselves?

    Each rater in turn is set aside, and on every completion that another one scored too it is asked who lies closer to the
    others' scores (root mean square), the judge or the rater; a tie counts for both. The judge wins against a rater where it is
    shown that the rater's share of completions exceeds the judge's by less than ``epsilon``. As completions of a prompt are alike,
    the test's error leaves prompts out in turn, where the paper has a t-test over independent instances.

    Args:
        scores: completion_id, prompt_id, rater, score, judge (on the same scale); a row per rating.
        epsilon: what a person costs more, as a share.
    """
    size = scores.groupby("completion_id")["rater"].transform("nunique")
    shared = scores[size >= 2]
    counts = shared["rater"].value_counts()
    tested = [str(rater) for rater in sorted(counts.index[counts >= FEWEST_SHARED])]
    if len(tested) < FEWEST_RATERS:
        return Alternative(None, why=_too_few(len(tested)))
    found = [_against(shared, rater, epsilon) for rater in tested]
    wins = multipletests([one.p for one in found], alpha=FDR, method="fdr_by")[0]
    raters = tuple(AgainstRater(o.rater, o.n, o.judge, o.p, bool(w)) for o, w in zip(found, wins, strict=True))
    share = float(np.mean(wins))
    return Alternative(share >= 0.5, raters, share)


def _too_few(raters: int) -> Text:
    return fill(
        "it needs {needed} raters who each share {shared} completions with another one; there are {raters}",
        "precisa de {needed} avaliadores que tenham cada um {shared} respostas em comum com outro; há {raters}",
        needed=FEWEST_RATERS, shared=FEWEST_SHARED, raters=raters,
    )  # fmt: skip


def _against(shared: pd.DataFrame, rater: str, epsilon: float) -> AgainstRater:
    own = shared[shared["rater"] == rater]
    pairs = own.merge(shared[shared["rater"] != rater], on="completion_id", suffixes=("", "_other"))
    pairs["of_judge"] = (pairs["judge"] - pairs["score_other"]) ** 2
    pairs["of_rater"] = (pairs["score"] - pairs["score_other"]) ** 2
    means = pairs.groupby("completion_id").agg(
        prompt_id=("prompt_id", "first"), of_judge=("of_judge", "mean"), of_rater=("of_rater", "mean")
    )
    distance = (means["of_judge"] - means["of_rater"]).round(9)  # mean squares are ordered as their roots are
    judge, person = (distance <= 0).to_numpy(float), (distance >= 0).to_numpy(float)
    lost = spread(averages(person - judge, weights_without(means["prompt_id"].tolist())) - epsilon)
    below = (person - judge).mean() < epsilon
    return AgainstRater(rater, len(means), float(judge.mean()), lost.p / 2 if below else 1 - lost.p / 2)


def powered_mean(judged: pd.DataFrame) -> Powered | None:
    """The mean human score of all completions (prediction-powered, PPI++, arXiv 2311.01453), with prompts left out in turn.

    The judge's mean over those that nobody rated is corrected by how far it is off on those that people did. The interval is valid
    whatever the judge is worth, if people rated a random part, or one whose weights the queue knows.

    Args:
        judged: as in ``beside_people``.

    Returns:
        None with fewer than ``FEWEST_RATED`` of either kind, or too few prompts.
    """
    rated = judged["human"].notna().to_numpy()
    n, m = int(rated.sum()), int((~rated).sum())
    if min(n, m) < FEWEST_RATED or judged.loc[rated, "prompt_id"].nunique() < FEWEST_PROMPTS:
        return None
    human = judged["human"].fillna(0.0).to_numpy(float)
    judge = on_peoples_scale(judged["value"])
    design = np.where(rated, judged["weight"].fillna(1.0), 0.0)
    without = weights_without(judged["prompt_id"].tolist())
    seen, rest = without * design, without * ~rated
    people, judge_seen, judge_rest = averages(human, seen), averages(judge, seen), averages(judge, rest)
    together = averages(human * judge, seen) - people * judge_seen
    variance = averages(judge**2, without) - averages(judge, without) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.where(variance > 1e-12, together / (variance * (1 + n / m)), 0.0)
    whole, alone = spread(people + weight * (judge_rest - judge_seen)), spread(people)
    mean = float(people[0] + weight[0] * (judge_rest[0] - judge_seen[0]))
    return Powered(n, m, mean, whole.low, whole.high, alone.low, alone.high, float(weight[0]))


def most_wrong(judged: pd.DataFrame, most: int = 10) -> Sequence[int]:
    """The completions on which a judge lies furthest from people, furthest first."""
    rated = judged.dropna(subset=["human"])
    apart = (on_peoples_scale(rated["value"]) - rated["human"]).abs()
    order = apart.sort_values(ascending=False, kind="stable").index[:most]
    return [int(i) for i in rated.loc[order, "completion_id"]]


def words_of(beside: BesidePeople) -> Text:
    """Whether the judge could stand in for a person, in a sentence."""
    against = beside.alternative
    if against.passes is None:
        return fill("whether it could stand in for a rater is not known: {why}", "se poderia substituir um avaliador não se sabe: {why}", why=against.why)  # fmt: skip
    values: dict[str, Text | int] = {
        "wins": sum(r.wins for r in against.raters),
        "raters": len(against.raters),
        "epsilon": decimal(EPSILON),
    }
    if against.passes:
        return fill("it agrees with people as well as they do among themselves (wins against {wins} of {raters} raters, ε = {epsilon})",
                    "concorda com as pessoas tanto quanto elas entre si (vence {wins} de {raters} avaliadores, ε = {epsilon})", **values)  # fmt: skip
    return fill("it does not agree with people as well as they do among themselves (wins against {wins} of {raters} raters, ε = {epsilon})",
                "não concorda com as pessoas tanto quanto elas entre si (vence {wins} de {raters} avaliadores, ε = {epsilon})", **values)  # fmt: skip
