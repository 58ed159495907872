"""The audit's claims, simulated: intervals and p of ρ, rare components, the gate, raters, the held-out half, the queue.

Human scores are means of one or more raters' whole numbers from 1 to 5; prompts differ in how well they are answered on both
sides, so completions of a prompt are alike; rewards come in steps or are skewed.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from backend.audit.agreement import agreement
from backend.audit.correlation import Correlation, correlate, spearman, subset_difference, within_prompt
from backend.audit.gate import decide, outlook
from backend.audit.raters import check_raters
from backend.audit.severity import adjusted_correlation
from benchmarks.coverage.claim import Measured, at_least, at_most, between, stated

Array = NDArray[np.float64]

TIMES = 1000
OFTEN = 2 * TIMES
"""For shares that are held against a narrow range."""
ALIKE = 0.5
"""Share of the variance of either side that lies between prompts."""
SHAPES = ("in steps", "skewed")


class Audit(NamedTuple):
    """Human scores, rewards and prompts of n completions."""

    human: Array
    reward: Array
    prompts: NDArray[np.int64]

    def first(self, n: int) -> "Audit":
        """The first n completions."""
        return Audit(self.human[:n], self.reward[:n], self.prompts[:n])


def make(
    rng: np.random.Generator, prompts: int, each: int, between_r: float, within_r: float, shape: str = "in steps"
) -> Audit:
    """Rated completions.

    Args:
        rng: of the draw.
        prompts, each: how many prompts, and completions of each.
        between_r, within_r: correlation of what people and the reward see, between prompts and inside them.
        shape: ``in steps``: scores around the middle, rewards in quarters; ``skewed``: most scores low, rewards with a tail.
    """
    of = np.repeat(np.arange(prompts), each)
    a, b = _pair(rng, prompts, between_r)
    e, f = _pair(rng, len(of), within_r)
    human = np.sqrt(ALIKE) * a[of] + np.sqrt(1 - ALIKE) * e
    reward = np.sqrt(ALIKE) * b[of] + np.sqrt(1 - ALIKE) * f
    if shape == "skewed":
        return Audit(np.clip(np.round(1.2 * np.exp(0.5 * human)), 1, 5), np.exp(reward), of)
    return Audit(np.clip(np.round(1.1 * human + 3), 1, 5), np.round(4 * reward) / 4, of)


def _pair(rng: np.random.Generator, n: int, r: float) -> tuple[Array, Array]:
    x = rng.normal(size=n)
    return x, r * x + np.sqrt(1 - r * r) * rng.normal(size=n)


@lru_cache
def truth(between_r: float, within_r: float, shape: str) -> float:
    """The ρ that endless data of this kind have."""
    rho = spearman(*make(np.random.default_rng(0), 100_000, 3, between_r, within_r, shape)[:2])
    assert rho is not None
    return rho


def one(audit: Audit) -> Correlation:
    """The audit's correlation."""
    return correlate(audit.human, audit.reward[:, None], audit.prompts)[0]


def coverage(prompts: int, each: int, r: float, shape: str, times: int = OFTEN) -> float:
    """The share of 95 % intervals of ρ that hold the true one, of those that are given."""
    rng, true, held = np.random.default_rng([prompts, each, int(100 * r)]), truth(r, r, shape), []
    for _ in range(times):
        c = one(make(rng, prompts, each, r, r, shape))
        if c.low is not None and c.high is not None:
            held.append(c.low <= true <= c.high)
    return float(np.mean(held))


def false_alarms(prompts: int, each: int, shape: str, times: int = OFTEN) -> float:
    """The share of unrelated rewards with p < 0.05."""
    rng = np.random.default_rng([prompts, each, 1])
    found = [one(make(rng, prompts, each, 0, 0, shape)).p for _ in range(times)]
    return float(np.mean([p < 0.05 for p in found if p is not None]))


def rare_alarms(prompts: int, each: int, share: float, times: int = TIMES) -> float:
    """The share of unrelated components that act on ``share`` of the completions and whose interval leaves out 0."""
    rng, out = np.random.default_rng([prompts, each, 2]), 0
    for _ in range(times):
        a = make(rng, prompts, each, 0, 0)
        acts = make(rng, prompts, each, 0, 0).reward + rng.normal(0, 0.01, len(a.human))
        c = one(a._replace(reward=(acts > np.sqrt(1 + 0.0625 / 12) * _upper(share)).astype(float)))
        out += c.low is not None and c.high is not None and not c.low <= 0 <= c.high
    return out / times


def _upper(share: float) -> float:
    return float(norm.ppf(1 - share))


def mostly_bad(prompts: int, good: float, times: int = OFTEN) -> float:
    """Where people call few answers good and all others useless, and the reward errs in 2 of 100: the share of 95 % intervals of
    ρ that hold the true one, of those that are given. Most such samples look perfect."""

    def drawn(n: int) -> tuple[Array, Array]:
        human = (rng.random(n) < good).astype(float)
        return human, np.where(rng.random(n) < 0.02, 1 - human, human)

    rng = np.random.default_rng([prompts, int(100 * good), 13])
    true, held = spearman(*drawn(200_000)), []
    assert true is not None
    for _ in range(times):
        c = one(Audit(*drawn(prompts), np.arange(prompts)))
        if c.low is not None and c.high is not None:
            held.append(c.low <= true <= c.high)
    return float(np.mean(held))


def only_the_prompt(prompts: int, each: int, times: int = TIMES) -> float:
    """The share of rewards that know only how good a prompt's answers are on average, and pass."""
    rng, passed = np.random.default_rng([prompts, 3]), 0
    for _ in range(times):
        of = np.repeat(np.arange(prompts), each)
        ease, human_noise, reward_noise = rng.normal(size=prompts), *rng.normal(size=(2, len(of)))
        human = np.clip(np.round(1.2 * ease[of] + 0.6 * human_noise + 3), 1, 5)
        a = Audit(human, ease[of] + 0.1 * reward_noise, of)
        passed += decide(one(a), within=within_prompt(a.human, a.reward, a.prompts)).verdict == "pass"
    return passed / times


def verdicts(prompts: int, r: float, times: int = TIMES) -> tuple[float, float]:
    """How often a reward passes and fails, with two completions of each prompt; r is its ρ inside and between prompts."""
    rng, found = np.random.default_rng([prompts, 4]), []
    for _ in range(times):
        a = make(rng, prompts, 2, r, r)
        found.append(decide(one(a), within=within_prompt(a.human, a.reward, a.prompts)).verdict)
    return found.count("pass") / times, found.count("fail") / times


def looking(r: float, wanted: str, times: int = TIMES) -> float:
    """How often a gate that is looked at after every 10 completions, from 30 to 300, ever gives the wanted verdict."""
    rng, ever = np.random.default_rng([int(100 * r), 5]), 0
    for _ in range(times):
        a = make(rng, 150, 2, r, r)
        looks = (a.first(n) for n in range(30, 301, 10))
        ever += any(
            decide(one(look), within=within_prompt(look.human, look.reward, look.prompts)).verdict == wanted
            for look in looks
        )
    return ever / times


def outlooks(n: int, times: int = 2 * TIMES) -> tuple[float, float]:
    """(mean stated probability that the said number of ratings decides an open gate, share that it does decide).

    The rewards' true ρ is anything from 0.2 to 0.9, each as likely.
    """
    rng, said, came = np.random.default_rng([n, 6]), [], []
    for _ in range(times):
        r = rng.uniform(0.2, 0.9)
        a = make(rng, 1100, 1, r, r)
        now = one(a.first(n))
        if decide(now).verdict == "more ratings needed" and (ahead := outlook(now)) is not None:
            then = one(a.first(n + ahead.more))
            said.append(ahead.passes + ahead.fails)
            came.append(decide(then).verdict != "more ratings needed")
    return float(np.mean(said)), float(np.mean(came))


def rated_by(
    rng: np.random.Generator, quality: Array, strict: Array, raters: NDArray[np.bool_], noise: float = 0.6
) -> pd.DataFrame:
    """Ratings of completions, one a prompt.

    Args:
        rng: of the draw.
        quality: (n,) what people see.
        strict: (j,) points that each rater takes off.
        raters: (n, j) who rates what.
        noise: a rater's own.
    """
    completion, rater = np.nonzero(raters)
    score = quality[completion] - strict[rater] + noise * rng.normal(size=len(rater)) + 3
    frame = pd.DataFrame({"completion_id": completion, "prompt_id": completion, "rater": [f"r{j}" for j in rater]})
    return frame.assign(score=np.clip(np.round(score), 1, 5), seconds=np.nan)


def severe(apart: float, adjust: bool, confounded: bool = False, times: int = TIMES) -> float:
    """With two raters a point apart: the share of intervals of ρ that hold the ρ of two equal raters.

    A fifth of 120 completions has both raters. Confounded: the strict one has the base answers, the lenient one the tuned
    ones, and the reward only tells base from tuned, so that the true ρ is 0.
    """
    rng, held = np.random.default_rng([int(10 * apart), 7]), 0
    true = 0.0 if confounded else _equal_raters()
    for _ in range(times):
        quality, reward = _pair(rng, 120, 0.0 if confounded else 0.8)
        tuned = np.arange(120) % 2 == 1
        if confounded:
            reward = tuned + 0.3 * reward
        who = np.stack([~tuned if confounded else rng.random(120) < 0.5, np.zeros(120, bool)], axis=1)
        who[:, 1] = ~who[:, 0]
        who[rng.permutation(120)[:24]] = True
        ratings = rated_by(rng, quality, np.array([apart / 2, -apart / 2]), who)
        ids = np.arange(120)
        if adjust:
            c = adjusted_correlation(ratings, pd.DataFrame({"value": reward, "prompt_id": ids, "weight": 1.0}))
        else:
            (c,) = correlate(ratings.groupby("completion_id")["score"].mean(), reward[:, None], range(120))
        held += c is not None and c.low is not None and c.high is not None and c.low <= true <= c.high
    return held / times


@lru_cache
def _equal_raters() -> float:
    rng = np.random.default_rng(8)
    quality, reward = _pair(rng, 60_000, 0.8)
    who = np.stack([rng.random(60_000) < 0.5, np.zeros(60_000, bool)], axis=1)
    who[:, 1] = ~who[:, 0]
    who[:12_000] = True
    rho = spearman(rated_by(rng, quality, np.zeros(2), who).groupby("completion_id")["score"].mean(), reward)
    assert rho is not None
    return rho


def flagged(careless: bool, shared: int, times: int = TIMES) -> float:
    """How often a rater with two honest colleagues is said to be at chance."""
    rng, found = np.random.default_rng([shared, 9]), 0
    for _ in range(times):
        ratings = rated_by(rng, rng.normal(size=shared), np.zeros(3), np.ones((shared, 3), bool))
        if careless:
            mine = ratings["rater"] == "r0"
            ratings.loc[mine, "score"] = rng.integers(1, 6, int(mine.sum())).astype(float)
        found += check_raters(ratings)[0].at_chance
    return found / times


def ceilings(raters: int, times: int = TIMES) -> float:
    """The share of intervals of the ceiling that hold the ρ of a reward without error with the mean of ``raters``."""
    rng = np.random.default_rng([raters, 10])
    quality = rng.normal(size=50_000)
    who = np.ones((50_000, raters), bool)
    human = rated_by(rng, quality, np.zeros(raters), who, 1.0).groupby("completion_id")["score"].mean()
    true, held = spearman(human, quality), 0
    assert true is not None
    for _ in range(times):
        found = agreement(rated_by(rng, rng.normal(size=60), np.zeros(raters), np.ones((60, raters), bool), 1.0))
        held += found.ceiling_low is not None and found.ceiling_high is not None and (
            found.ceiling_low <= true <= found.ceiling_high
        )  # fmt: skip
    return held / times


def held_out(prompts: int, times: int = TIMES) -> float:
    """The share of intervals of (ρ held out - ρ visible) that hold 0, when nothing was tuned."""
    rng, held, given = np.random.default_rng([prompts, 11]), 0, 0
    for _ in range(times):
        a = make(rng, prompts, 2, 0.7, 0.7)
        d = subset_difference(a.human, a.reward, a.prompts, a.prompts % 2 == 1)
        if d.low is not None and d.high is not None:
            given, held = given + 1, held + (d.low <= 0 <= d.high)
    return held / given


def queued(weighted: bool, times: int = TIMES) -> float:
    """The share of intervals that hold the whole queue's ρ, when raters get as many completions of each quarter of the reward.

    Of 2,000 completions 120 are rated; a tenth of the queue lies in each outer quarter.
    """
    rng, held = np.random.default_rng(12), 0
    for _ in range(times):
        a = make(rng, 1000, 2, 0.45, 0.45)
        edges = np.quantile(a.reward, [0.1, 0.5, 0.9])
        quarter = np.searchsorted(edges, a.reward)
        sizes = np.bincount(quarter, minlength=4)
        rated = np.concatenate([rng.choice(np.flatnonzero(quarter == q), 30, replace=False) for q in range(4)])
        weights = sizes[quarter[rated]] / 30 if weighted else None
        (c,) = correlate(a.human[rated], a.reward[rated][:, None], a.prompts[rated], weights)
        true = truth(0.45, 0.45, "in steps")
        held += c.low is not None and c.high is not None and c.low <= true <= c.high
    return held / times


def simulate() -> Iterable[Measured]:
    """Every claim of the audit."""
    yield from _intervals()
    for prompts, each, share in ((30, 1, 0.1), (30, 3, 0.05), (60, 3, 0.02), (60, 3, 0.1), (120, 1, 0.05)):
        shape = f"{prompts} prompts x {each}; acts on {share:.0%}"
        yield at_most(
            "interval of an unrelated, rare component leaves out 0", shape, rare_alarms(prompts, each, share), 0.06
        )
    for prompts, good in ((60, 0.15), (60, 0.3), (200, 0.05)):
        shape = f"{prompts} prompts x 1; {good:.0%} are good, the reward errs in 2 %"
        yield at_least("95 % interval of a nearly perfect ρ", shape, mostly_bad(prompts, good), 0.93)
    for prompts in (10, 30, 60):
        shape = f"{prompts} prompts x 3; knows only the prompt"
        yield at_most("a reward without any ranking inside prompts passes", shape, only_the_prompt(prompts, 3), 0.05)
    yield from _gates()
    yield from _raters()
    for prompts in (30, 60, 150):
        shape = f"{prompts} prompts x 2, nothing tuned"
        yield at_least("interval of held-out minus visible ρ holds 0", shape, held_out(prompts), 0.93)
    shape = "120 of 2,000 rated, each quarter of the reward alike"
    yield between("95 % interval of the weighted ρ", shape, queued(True), 0.93, 0.97)
    yield stated("the same interval without weights (not shown)", shape, queued(False))


def _intervals() -> Iterator[Measured]:
    for shape in SHAPES:
        for prompts in (10, 30, 60, 360):
            for each in (1, 3, 6):
                if prompts * each < 30:
                    continue
                data = f"{prompts} prompts x {each}, {shape}"
                for r in (0.0, 0.7):
                    value = coverage(prompts, each, r, shape)
                    claim = f"95 % interval of ρ (true {truth(r, r, shape):.2f})"
                    most = 0.975 if each == 1 else 0.97  # the jackknife's variance is a little too large
                    yield stated(claim, data, value) if prompts == 10 else between(claim, data, value, 0.93, most)
                yield at_most("p < 0.05 of an unrelated reward", data, false_alarms(prompts, each, shape), 0.06)


def _gates() -> Iterator[Measured]:
    for r in (0.35, 0.5, 0.63, 0.73, 0.83):
        for prompts in (15, 30, 60, 120):
            passes, fails = verdicts(prompts, r)
            data = f"true ρ {truth(r, r, 'in steps'):.2f}, {prompts} prompts x 2"
            yield stated("the gate passes", data, passes)
            yield stated("the gate fails", data, fails)
    for r, wanted in ((0.35, "pass"), (0.5, "pass"), (0.73, "fail"), (0.83, "fail")):
        data = f"true ρ {truth(r, r, 'in steps'):.2f}, looked at after every 10 of 300"
        yield stated(f"the gate ever says {wanted}", data, looking(r, wanted, 400))
    for n in (30, 60, 100):
        said, came = outlooks(n)
        data = f"{n} completions, true ρ from 0.2 to 0.9"
        yield Measured(
            "the said number of ratings decides", data, f"said: {100 * said:.0f} %", came, abs(said - came) < 0.06
        )


def _raters() -> Iterator[Measured]:
    for apart in (1.0, 1.5):
        data = f"2 raters {apart:g} points apart, 24 of 120 shared"
        yield stated("95 % interval of ρ, plain means", data, severe(apart, False))
        yield between("95 % interval of ρ, adjusted for severity", data, severe(apart, True, times=400), 0.93, 0.97)
    data = "strict on base, lenient on tuned, a point apart; true ρ 0"
    yield stated("95 % interval of ρ, plain means", data, severe(1.0, False, True))
    yield between("95 % interval of ρ, adjusted for severity", data, severe(1.0, True, True, 400), 0.93, 0.97)
    for shared in (15, 30, 60):
        yield stated("a rater with random keys is flagged", f"{shared} shared completions", flagged(True, shared))
        yield at_most("an honest rater is flagged", f"{shared} shared completions", flagged(False, shared), 0.05)
    for raters in (2, 3, 5):
        yield between("95 % interval of the ceiling", f"60 completions x {raters} raters", ceilings(raters), 0.93, 0.97)
