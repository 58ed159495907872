"""Truth before and after: the share of facts that answers get right, against what one gets right without reading the prompt.

Where a measure says what was said and what is so, every answer a fact can have counts as much as every other (balanced
accuracy), so that a constant answer gets no more than its share of them; and what the prompt states can be copied. Intervals
are the delete-a-group jackknife's over prompts (``backend.audit.correlation``). For them alone, two answers that nobody gave
are added to each truth of a fact, one right and one wrong, as Agresti and Coull (1998) do for a share: a truth that four
prompts have and nobody gets right would otherwise seem known without error. docs/coverage.md has the measured coverage.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from backend.audit.correlation import spread, weights_without
from backend.evaluation.paired import mean_interval
from backend.wording import Text
from rewards.types import Columns, Fact, Truth

Array = NDArray[np.float64]

_CONSTANTS = 60
"""The most frequent answers that are tried as a constant one, where a measure does not say what was said."""


@dataclass(frozen=True)
class FactChange:
    """One fact before and after, over the prompts that have it.

    Attributes:
        label: of the fact.
        prompts: how many.
        base, tuned, constant, copied: shares of them right; of the most frequent truth given to all, and of a copy from the
            prompt (None where the prompt does not state it).
        balanced_base, balanced_tuned: the same with every truth counting alike.
        unread: the better of constant and copy, balanced.
        low, high: 95 % interval of ``balanced_tuned`` minus ``unread``; NaN where there are too few prompts.
    """

    label: Text
    prompts: int
    base: float
    tuned: float
    constant: float
    copied: float | None
    balanced_base: float
    balanced_tuned: float
    unread: float
    low: float
    high: float


@dataclass(frozen=True)
class TruthChange:
    """A truth measure before and after.

    Attributes:
        label: of the measure.
        base, tuned: the share that is right: the mean over prompts or, with ``facts``, the mean over facts of the balanced
            accuracy.
        low, high: 95 % interval of the change.
        constant: what one gets without reading the prompt: the best single answer for every prompt and, with ``facts``, of
            each fact the better of that and a copy from the prompt.
        over_low, over_high: 95 % interval of tuned minus that.
        facts: each fact, where the measure says what was said.
    """

    label: Text
    base: float
    tuned: float
    low: float
    high: float
    constant: float
    over_low: float
    over_high: float
    facts: tuple[FactChange, ...] = ()

    @property
    def rose(self) -> bool:
        """Whether it surely rose, and above what one gets without reading."""
        return self.low > 0 and self.over_low > 0

    @property
    def no_more_than_constant(self) -> bool:
        """Whether it surely rose, but not surely above what one gets without reading."""
        return self.low > 0 >= self.over_low

    @property
    def copies(self) -> bool:
        """Whether what one gets without reading holds a copy from the prompt."""
        return any(f.copied is not None for f in self.facts)


def truth_change(truth: Truth, base: pd.DataFrame, tuned: pd.DataFrame) -> TruthChange | None:
    """The change of a truth measure over the prompts that it applies to; None where there are fewer than two.

    Args:
        truth: the measure.
        base, tuned: columns prompt_id, text, facts (the prompt's columns); one row per completion.
    """
    if truth.facts is None:
        return _by_share(truth, base, tuned)
    return _by_fact(truth.label, *(_facts(truth.facts, frame) for frame in (base, tuned)))


def _by_share(truth: Truth, base: pd.DataFrame, tuned: pd.DataFrame) -> TruthChange | None:
    """Of a measure that says only right or wrong: the constant answers are the ones that were seen."""
    both = pd.concat([_right(truth, frame) for frame in (base, tuned)], axis=1, keys=["base", "tuned"], join="inner")
    if len(both) < 2:
        return None
    prompts = tuned.drop_duplicates("prompt_id")
    seen = pd.concat([base["text"], tuned["text"]]).value_counts().index[:_CONSTANTS]
    constants = [_right(truth, prompts.assign(text=text)).reindex(both.index) for text in seen]
    best = max(constants, key=lambda shares: float(shares.mean()))
    changes = [(both["tuned"] - other).round(9).to_numpy(float) for other in (both["base"], best)]
    (low, high), (over_low, over_high) = (mean_interval([change]) for change in changes)
    before, after = float(both["base"].mean()), float(both["tuned"].mean())
    return TruthChange(truth.label, before, after, low, high, float(best.mean()), over_low, over_high)


def _right(truth: Truth, frame: pd.DataFrame) -> pd.Series:
    """prompt_id -> the share of its facts that its answers get right; prompts without facts are left out."""
    right: dict[str, list[float]] = {}
    for row in frame.itertuples():
        if judged := truth.judge(str(row.text), row.facts):
            right.setdefault(str(row.prompt_id), []).append(fmean(judged))
    return pd.Series({prompt: fmean(shares) for prompt, shares in right.items()}, dtype=float)


def unread_share(answers: Sequence[Sequence[Fact]]) -> float:
    """The share of facts one gets right without reading: of each fact the most frequent truth, or the copy where that is better.

    Args:
        answers: the facts of each answer, at least one.
    """
    by_label: dict[Text, list[Fact]] = {}
    for fact in (fact for answer in answers for fact in answer):
        by_label.setdefault(fact.label, []).append(fact)
    return fmean(
        max(Counter(f.true for f in facts).most_common(1)[0][1], sum(f.copied == f.true for f in facts)) / len(facts)
        for facts in by_label.values()
    )


class _Judged(NamedTuple):
    """One fact.

    Attributes:
        label: of the fact.
        prompts: how many have it.
        places: where each of its units stands among all units; its prompts first, then the added answers.
        true: each unit's truth.
        base, tuned, copied: (units,) the shares right; ``copied`` is None where the prompt does not state the fact.
    """

    label: Text
    prompts: int
    places: list[int]
    true: list[Hashable]
    base: Array
    tuned: Array
    copied: Array | None


_Answers = dict[str, list[Sequence[Fact]]]
"""prompt_id -> the facts of each of its answers."""


def _by_fact(label: Text, base_of: _Answers, tuned_of: _Answers) -> TruthChange | None:
    prompts = [prompt for prompt in base_of if prompt in tuned_of]
    if len(prompts) < 2:
        return None
    found: list[_Judged] = []
    units = len(prompts)
    for name in dict.fromkeys(fact.label for prompt in prompts for fact in base_of[prompt][0]):
        found.append(_judged(name, prompts, base_of, tuned_of, units))
        units = found[-1].places[-1] + 1
    as_seen = (np.arange(units) < len(prompts)).astype(float)
    weights = np.vstack([as_seen, weights_without(range(units))])
    balanced = [_balanced(judged, weights[:, judged.places]) for judged in found]
    base, tuned, unread = (np.mean([b[i] for b in balanced], axis=0) for i in range(3))
    facts = tuple(_fact_change(judged, b) for judged, b in zip(found, balanced, strict=True))
    change, over = _interval(tuned - base), _interval(tuned - unread)
    return TruthChange(label, float(base[0]), float(tuned[0]), *change, float(unread[0]), *over, facts)


def _facts(facts_of: Callable[[str, Columns], Sequence[Fact] | None], frame: pd.DataFrame) -> _Answers:
    """The facts of every answer; prompts without facts are left out."""
    found: _Answers = {}
    for row in frame.itertuples():
        if facts := facts_of(str(row.text), row.facts):
            found.setdefault(str(row.prompt_id), []).append(facts)
    return found


def _judged(label: Text, prompts: Sequence[str], base: _Answers, tuned: _Answers, free: int) -> _Judged:
    """A fact over the prompts that have it, with two added answers for each truth, which take the places from ``free`` on.

    Of the two, one is right of the tuned alone, and one of the others alone.
    """

    def of(side: _Answers, prompt: str) -> list[Fact]:
        return [fact for answer in side[prompt] for fact in answer if fact.label == label]

    there = [(i, before, after) for i, p in enumerate(prompts) if (before := of(base, p)) and (after := of(tuned, p))]
    first = [before[0] for _, before, _ in there]
    true = [f.true for f in first]
    added = [truth for truth in dict.fromkeys(true) for _ in range(2)]
    right, wrong = np.arange(len(added)) % 2, 1 - np.arange(len(added)) % 2
    copied = None
    if any(f.copied is not None for f in first):
        copied = np.array([*(float(f.copied == f.true) for f in first), *wrong])
    places = [*(i for i, *_ in there), *range(free, free + len(added))]
    base_shares = np.array([*(fmean(f.right for f in before) for _, before, _ in there), *wrong], float)
    tuned_shares = np.array([*(fmean(f.right for f in after) for *_, after in there), *right], float)
    return _Judged(label, len(there), places, true + added, base_shares, tuned_shares, copied)


def _balanced(judged: _Judged, weights: Array) -> tuple[Array, Array, Array]:
    """Base, tuned and unread: the balanced accuracy under each row of weights."""
    base, tuned = (_recall(judged, side, weights) for side in (judged.base, judged.tuned))
    constant = np.full(len(weights), 1 / len(set(judged.true)))
    if judged.copied is None:
        return base, tuned, constant
    copied = _recall(judged, judged.copied, weights)
    return base, tuned, copied if copied[0] > constant[0] else constant


def _recall(judged: _Judged, right: Array, weights: Array) -> Array:
    """The mean over the truths of the share right among the units where each holds, under each row of weights."""
    of_truths = [weights * np.array([float(t == truth) for t in judged.true]) for truth in dict.fromkeys(judged.true)]
    return np.asarray(np.mean([(held @ right) / held.sum(axis=1) for held in of_truths], axis=0), float)


def _fact_change(judged: _Judged, balanced: tuple[Array, Array, Array]) -> FactChange:
    base, tuned, unread = balanced
    n = judged.prompts
    most = Counter(judged.true[:n]).most_common(1)[0][1]
    copied = None if judged.copied is None else float(judged.copied[:n].mean())
    shares = float(judged.base[:n].mean()), float(judged.tuned[:n].mean()), most / n
    at = float(base[0]), float(tuned[0]), float(unread[0])
    return FactChange(judged.label, n, *shares, copied, *at, *_interval(tuned - unread))


def _interval(values: Array) -> tuple[float, float]:
    """The 95 % interval of the first value, from the others: with the added answers, then without each group of units."""
    half, centre = _Z * spread(values[1:]).error, float(values[1])
    return max(-1.0, min(centre - half, float(values[0]))), min(1.0, max(centre + half, float(values[0])))


_Z = float(norm.ppf(0.975))
"""The added answers stand in for what Student's t allows for (Agresti and Coull)."""
