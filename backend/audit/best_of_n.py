"""Best-of-n: what picking the best of n answers by the reward does to the reward, and to what people or the truth say.

It is the cheapest picture of what optimising a reward will do, and needs no training: only several answers to a prompt. From
m answers of one policy to a prompt, the expected score of the best of n by the reward is the mean over all draws of n of them,
which has a closed form: the answer of rank i (from the lowest reward) is the best of C(i - 1, n - 1) of the C(m, n) draws. It
is unbiased for every n up to m. Answers of equal reward share their chances. Prompts are what is counted: the interval is the
delete-a-group jackknife's over prompts (``backend.audit.correlation``).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import comb

from backend.audit.correlation import FEWEST_PROMPTS, numbered, shared_by_equals, spread, weights_without
from backend.store.tables import ATTACK
from backend.wording import Text, decimal, fill
from rewards.types import Truth

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class BestOf:
    """The gain from one answer to the best of ``n`` by the reward, on the prompts that have so many answers.

    Attributes:
        n: how many answers the best is picked from.
        prompts: how many prompts have as many.
        reward, judged: means for the best of n: of the reward, and of what people or the truth say.
        reward_gain, judged_gain: the same minus the means for one answer of the same prompts.
        reward_low, reward_high, judged_low, judged_high: 95 % intervals of the gains; None for ``n`` of 1, where there is none.
    """

    n: int
    prompts: int
    reward: float
    judged: float
    reward_gain: float
    judged_gain: float
    reward_low: float | None = None
    reward_high: float | None = None
    judged_low: float | None = None
    judged_high: float | None = None

    @property
    def over_optimised(self) -> bool:
        """Whether the reward surely rises by picking, and the answers do not even seem to."""
        return self.reward_low is not None and self.reward_low > 0 and self.judged_gain <= 0

    @property
    def doubtful(self) -> bool:
        """Whether the reward surely rises by picking, and the answers not surely."""
        surely = self.reward_low is not None and self.reward_low > 0
        return surely and not (self.judged_low is not None and self.judged_low > 0)


def best_of_n(
    rewards: ArrayLike,
    judged: ArrayLike,
    groups: Sequence[object],
    prompts: Sequence[object],
    fewest: int = FEWEST_PROMPTS,
) -> list[BestOf]:
    """The gains for n = 1, 2, 4, 8 …, as long as ``fewest`` prompts have as many answers.

    Args:
        rewards: (k,) the reward of each answer.
        judged: (k,) what people or the truth say of it.
        groups: k ids: answers of one policy to one prompt share one; the best is picked within.
        prompts: k ids: which prompt each answers.
        fewest: prompts below which there is no point.

    Returns:
        A point for each n, 1 first; with too few prompts that have two answers, none.

    Raises:
        ValueError: the lengths differ, or a value is not finite.
    """
    reward, judge = np.asarray(rewards, float), np.asarray(judged, float)
    if not len(reward) == len(judge) == len(groups) == len(prompts):
        raise ValueError(f"{len(reward)} rewards, {len(judge)} scores, {len(groups)} groups, {len(prompts)} prompts")
    if not (np.isfinite(reward).all() and np.isfinite(judge).all()):
        raise ValueError("rewards and scores must be finite numbers")
    group_of, prompt_of = numbered(groups), numbered(prompts)
    size = np.bincount(group_of)[group_of] if len(reward) else group_of
    found: list[BestOf] = []
    n = 1
    while True:
        large = size >= max(n, 2)
        if len(np.unique(prompt_of[large])) < fewest:
            return found
        found.append(_point(n, reward[large], judge[large], group_of[large], prompt_of[large]))
        n *= 2


def _point(n: int, reward: Array, judged: Array, groups: Numbers, prompts: Numbers) -> BestOf:
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    chances = best_chances(reward, group, n)
    best = np.stack([np.bincount(group, chances * side) for side in (reward, judged)], axis=1)
    one = np.stack([np.bincount(group, side) / np.bincount(group) for side in (reward, judged)], axis=1)
    without = weights_without(prompts[first])
    without /= without.sum(axis=1, keepdims=True)
    level, gain = without @ best, without @ (best - one)
    ends: list[float | None] = [None] * 4
    if n > 1:
        spreads = [spread(gain[:, side]) for side in (0, 1)]
        ends = [end for s in spreads for end in (s.low, s.high)]
    return BestOf(n, len(np.unique(prompts)), *level[0].tolist(), *gain[0].tolist(), *ends)


def best_chances(rewards: Array, groups: Numbers, n: int) -> Array:
    """(k,) the chance of each of k answers to be the best of n that are drawn from its group, without putting any back.

    Args:
        rewards: (k,) equal ones share their chances.
        groups: (k,) the group of each, from 0 on.
        n: how many are drawn; every group has as many.
    """
    return shared_by_equals(rewards, groups, lambda below, size: comb(below, n - 1) / comb(size, n))


def of_people(rated: pd.DataFrame) -> list[BestOf]:
    """Of one task's rated completions (rows of ``rated_scores``): what people say of the best by the total.

    The rated answers of a prompt are taken as a sample of those its policy gives.
    """
    totals = rated[rated["component"] == "total"]
    groups = list(zip(totals["prompt_id"], totals["policy"], strict=True))
    return best_of_n(totals["value"], totals["human"], groups, totals["prompt_id"].tolist())


def of_truth(sampled: pd.DataFrame, truth: Truth, fewest: int = FEWEST_PROMPTS) -> list[BestOf]:
    """Of completions whose prompts carry facts: the share of them that the best by the total gets right.

    Args:
        sampled: columns prompt_id, policy, text, facts (the prompt's columns), value (the total); one row per completion.
        truth: the task's measure.
        fewest: as in ``best_of_n``.
    """
    own = sampled[sampled["policy"] != ATTACK]
    own = own[own.groupby(["prompt_id", "policy"])["value"].transform("size") > 1]
    judged = [truth.judge(str(r.text), r.facts) for r in own.itertuples()]
    known = own.assign(right=[fmean(j) if j else None for j in judged]).dropna(subset=["right"])
    groups = list(zip(known["prompt_id"], known["policy"], strict=True))
    return best_of_n(known["value"], known["right"], groups, known["prompt_id"].tolist(), fewest)


def sentence(points: Sequence[BestOf], by_people: bool = True) -> Text | None:
    """What the largest n comes to, in a sentence; None without a point."""
    if len(points) < 2:
        return None
    last = points[-1]
    judged_low, judged_high = last.judged_low or 0.0, last.judged_high or 0.0
    says = Text("what people say (1 to 5)", "o que as pessoas dizem (1 a 5)") if by_people else _RIGHT
    return fill(
        "Picking the best of {n} by this reward raises it by {reward} and {says} by {judged} ({low} to {high}): {meaning}.",
        "Escolher a melhor de {n} por esta recompensa a sobe {reward} e {says} {judged} ({low} a {high}): {meaning}.",
        n=last.n,
        reward=decimal(last.reward_gain),
        says=says,
        judged=decimal(last.judged_gain, signed=True),
        low=decimal(judged_low, signed=True),
        high=decimal(judged_high, signed=True),
        meaning=_meaning(last),
    )


_RIGHT = Text("the share of right facts", "a proporção de fatos certos")


def _meaning(last: BestOf) -> Text:
    if last.reward_low is not None and last.reward_low <= 0:
        return Text("these answers hardly differ in reward", "estas respostas quase não diferem na recompensa")
    if last.over_optimised:
        return Text(
            "optimising it would raise the reward and not the answers",
            "otimizá-la subiria a recompensa e não as respostas",
        )
    if last.doubtful:
        return Text(
            "whether optimising it helps the answers is not known yet",
            "se otimizá-la ajuda as respostas ainda não se sabe",
        )
    return Text("as far as picking goes, better answers follow", "até onde vai a escolha, melhores respostas vêm junto")


def as_rows(points: Sequence[BestOf]) -> list[dict[str, float | int | None]]:
    """Plain values, for JSON."""
    return [asdict(p) for p in points]


def gains(points: Sequence[BestOf], judged: bool) -> pd.DataFrame:
    """Columns n, prompts, gain, low, high: of what people or the truth say, or else of the reward."""
    side = "judged" if judged else "reward"
    rows = [(p.n, p.prompts, *(getattr(p, f"{side}_{end}") for end in ("gain", "low", "high"))) for p in points]
    return pd.DataFrame(rows, columns=["n", "prompts", "gain", "low", "high"])
