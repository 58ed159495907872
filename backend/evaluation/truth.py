"""Truth before and after: the share of facts that answers get right, against what one gets right without reading the prompt.

Where a measure says what was said and what is so, every answer a fact can have counts as much as every other (balanced
accuracy), so that a constant answer gets no more than its share of them; and what the prompt states can be copied. Intervals
are the delete-a-group jackknife's over prompts (``backend.audit.correlation``): each prompt is left out in turn, and classes,
constants and copies are computed again.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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


class _Judged(NamedTuple):
    """One fact over n prompts: its label, the truths (n,), and the shares right (n,) of base, tuned and the copy."""

    label: Text
    true: Sequence[Hashable]
    base: Array
    tuned: Array
    copied: Array | None


_Answers = dict[str, list[Sequence[Fact]]]
"""prompt_id -> the facts of each of its answers."""


def _by_fact(label: Text, *sides: _Answers) -> TruthChange | None:
    prompts = [prompt for prompt in sides[0] if prompt in sides[1]]
    if len(prompts) < 2:
        return None
    without = weights_without(prompts)
    names = dict.fromkeys(fact.label for prompt in prompts for fact in sides[0][prompt][0])
    found = [_judged(name, prompts, *sides) for name in names]
    balanced = [_balanced(judged, without[:, places]) for judged, places in found]
    base_of, tuned_of, unread = (np.mean([b[i] for b in balanced], axis=0) for i in range(3))
    change, over = _interval(tuned_of - base_of), _interval(tuned_of - unread)
    facts = tuple(_fact_change(judged, b) for (judged, _), b in zip(found, balanced, strict=True))
    return TruthChange(label, float(base_of[0]), float(tuned_of[0]), *change, float(unread[0]), *over, facts)


def _facts(facts_of: Callable[[str, Columns], Sequence[Fact] | None], frame: pd.DataFrame) -> _Answers:
    """The facts of every answer; prompts without facts are left out."""
    found: _Answers = {}
    for row in frame.itertuples():
        if facts := facts_of(str(row.text), row.facts):
            found.setdefault(str(row.prompt_id), []).append(facts)
    return found


def _judged(label: Text, prompts: Sequence[str], base: _Answers, tuned: _Answers) -> tuple[_Judged, list[int]]:
    """A fact over the prompts that have it, and their places among all prompts."""

    def of(side: _Answers, prompt: str) -> list[Fact]:
        return [fact for answer in side[prompt] for fact in answer if fact.label == label]

    there = [(i, before, after) for i, p in enumerate(prompts) if (before := of(base, p)) and (after := of(tuned, p))]
    first = [before[0] for _, before, _ in there]
    shares = [(fmean(f.right for f in before), fmean(f.right for f in after)) for _, before, after in there]
    stated = any(f.copied is not None for f in first)
    copied = np.array([float(f.copied == f.true) for f in first]) if stated else None
    right = np.array(shares)
    return _Judged(label, [f.true for f in first], right[:, 0], right[:, 1], copied), [i for i, *_ in there]


def _balanced(judged: _Judged, weights: Array) -> tuple[Array, Array, Array]:
    """Base, tuned and unread: the balanced accuracy under each row of weights, each (1 + g,)."""
    base, tuned = (_recall(judged, side, weights) for side in (judged.base, judged.tuned))
    constant = 1 / np.sum([(weights @ members > 0) for members in _classes(judged.true)], axis=0)
    if judged.copied is None:
        return base, tuned, constant
    copied = _recall(judged, judged.copied, weights)
    return base, tuned, copied if copied[0] > constant[0] else constant


def _recall(judged: _Judged, right: Array, weights: Array) -> Array:
    """(1 + g,) mean over the truths of the share right among the prompts where each holds."""
    shares = []
    for members in _classes(judged.true):
        of_class = weights * members
        with np.errstate(invalid="ignore"):  # a truth that only left-out prompts have
            shares.append((of_class @ right) / of_class.sum(axis=1))
    return np.nanmean(shares, axis=0)


def _classes(true: Sequence[Hashable]) -> list[Array]:
    """(n,) for each truth: 1 where it holds."""
    return [np.array([float(t == one) for t in true]) for one in dict.fromkeys(true)]


def _fact_change(judged: _Judged, balanced: tuple[Array, Array, Array]) -> FactChange:
    base, tuned, unread = balanced
    constant = max(members.mean() for members in _classes(judged.true))
    copied = None if judged.copied is None else float(judged.copied.mean())
    shares = (float(judged.base.mean()), float(judged.tuned.mean()), float(constant), copied)
    at = (float(base[0]), float(tuned[0]), float(unread[0]))
    return FactChange(judged.label, len(judged.true), *shares, *at, *_interval(tuned - unread))


def _interval(values: Array) -> tuple[float, float]:
    """The 95 % interval of the first value, from the values without each group of prompts."""
    found = spread(values[~np.isnan(values)])
    return max(-1.0, found.low), min(1.0, found.high)
