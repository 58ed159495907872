"""The gate: the decision whether a reward may be trained on."""

from dataclasses import dataclass
from typing import Literal

from backend.audit.correlation import Correlation, ratings_needed
from backend.suites.suite import GateSettings

Verdict = Literal["pass", "fail", "more ratings needed", "stale"]


@dataclass(frozen=True)
class Gate:
    """A decision on one task's reward, and the reason in words."""

    verdict: Verdict
    reason: str


def decide(c: Correlation, settings: GateSettings | None = None, within: Correlation | None = None) -> Gate:
    """Decide on a reward's total by its correlation with the human scores.

    pass: n >= 30, rho >= 0.60 and the interval's low end > 0.30. fail: the reward is constant, or n >= 30 and the
    interval's high end < 0.60, or it ranks opposite to people inside prompts (the interval of ``within`` is below 0).
    Otherwise more ratings are needed. ``settings`` can replace these thresholds.
    """
    s = settings or GateSettings()
    undecided = _undecided(c, s)
    if within is not None and within.high is not None and within.high < 0:
        return Gate("fail", f"inside prompts it ranks against people: ρ = {within.rho:.2f} over {within.n} prompts")
    if c.constant and c.n >= 3:
        return Gate("fail", "the reward gives every completion the same score")
    if undecided is not None or c.rho is None or c.low is None or c.high is None:
        return Gate("more ratings needed", undecided or "")
    if c.rho >= s.least_rho and c.low > s.least_low:
        return Gate("pass", f"ρ = {c.rho:.2f}, interval {c.low:.2f} to {c.high:.2f}")
    return Gate("fail", f"ρ = {c.rho:.2f}; even the interval's high end, {c.high:.2f}, is below {s.least_rho:.2f}")


def _undecided(c: Correlation, s: GateSettings) -> str | None:
    """Why the ratings so far are not enough for a decision, and about how many more are; None when they are enough."""
    if c.n < s.least_ratings:
        return f"{c.n} rated completions; {s.least_ratings - c.n} more decide"
    if c.rho is None or c.low is None or c.high is None:
        return "the human scores are all the same, so nothing can be ranked"
    if (c.rho >= s.least_rho and c.low > s.least_low) or c.high < s.least_rho:
        return None
    needed = ratings_needed(c.rho, s.least_low)
    more = f"about {max(1, needed - c.n)} more completions" if needed and needed > c.n else "more completions"
    return f"ρ = {c.rho:.2f}, interval {c.low:.2f} to {c.high:.2f}; rate {more}"
