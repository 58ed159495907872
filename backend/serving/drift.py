"""Drift in production: the last week against the evaluation, the weeks before and the limit of the mean.

What is asked differs from day to day, so answers of one day are not independent. Days are: all tests are t-tests on the
means of days, as a prediction interval for the mean of further days has it (Hahn and Meeker, Statistical Intervals, 1991,
chapter 4). A week has every weekday once, so nothing is tested before a week is known, and changes not before there is a
week to compare with. The level of a test is ``MONTHLY_RATE`` shared among thirty days and all tests (Bonferroni, which
holds although the weeks of two days overlap). benchmarks/coverage/monitor.py simulates months from the first day on: how
many have a false alarm, and after how many days a drift is detected. ``slow_falls`` sees what no week's test does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from backend.serving.slow_falls import fall_of
from backend.suites.suite import MonitorSettings
from backend.wording import Text, decimal, fill, p_value

MONTHLY_RATE = 0.05
"""Chance of any false alarm in thirty days, over all tasks: half of it for drift, half for the limit of the mean."""
FEWEST = 30
"""The fewest answers of a whole day; days with fewer are put together."""
WEEK = 7
"""Whole days that are tested together, and the fewest that are learned from."""
MOST_DAYS = 28
"""The last days that are looked at: the last week and the three weeks before it."""
_OVER = 0.05
"""If p is at least this, an open alarm may close; between the alarm level and this, it stays open."""
_LEAST_SPREAD = 0.01
"""Days differ by at least this standard deviation (rewards and shares; lengths by this share of the mean), so that where all
days before were alike a difference too small to matter is no alarm."""
SLOW = "slow fall"
"""The kind of an alarm about a fall that no week's test sees."""
_CHANGE = "change in "
_KINDS = ("reward", "unparsable", "length")
_WHAT = (
    Text("mean reward", "recompensa média"),
    Text("answers without JSON", "respostas sem JSON"),
    Text("mean length in characters", "tamanho médio em caracteres"),
)
_SHOWN: tuple[Callable[[float], Text | str], ...] = (decimal, "{:.0%}".format, "{:.0f}".format)


@dataclass(frozen=True, eq=False)
class Day:
    """Answers of one task in a day, or in an evaluation.

    Attributes:
        answers: how many.
        means: (3,): of rewards (from 0 to 1), of answers without JSON where JSON was expected (a share), and of lengths in
            characters.
        variances: (3,): between the answers.
    """

    answers: int
    means: np.ndarray
    variances: np.ndarray

    @classmethod
    def of(cls, rewards: np.ndarray, unparsable: np.ndarray, lengths: np.ndarray) -> "Day":
        """A day from its answers."""
        values = (rewards, unparsable, lengths)
        return cls(len(rewards), np.array([v.mean() for v in values]), np.array([v.var() for v in values]))


def together(days: Sequence[Day]) -> Day:
    """The answers of several days as one day."""
    answers, means = np.array([d.answers for d in days]), np.array([d.means for d in days])
    mean = np.average(means, axis=0, weights=answers)
    inside = np.average([d.variances for d in days], axis=0, weights=answers)
    return Day(int(answers.sum()), mean, inside + np.average((means - mean) ** 2, axis=0, weights=answers))


@dataclass(frozen=True)
class Finding:
    """The result of one test.

    Attributes:
        kind: mean; reward, unparsable or length against the evaluation; change in reward (…) against the weeks before.
        raised: whether it opens an alarm.
        over: whether an open alarm about it may close.
        words: what was found, in words.
        reference: the days it was compared with, where an open alarm must keep them.
    """

    kind: str
    raised: bool
    over: bool
    words: Text
    reference: tuple[Day, ...] = ()


def whole_days(answers: Sequence[int]) -> list[slice]:
    """Which days make a whole day: each with ``FEWEST`` answers or more, from the newest back; oldest first.

    Args:
        answers: of each day, oldest first.
    """
    found, end, count = list[slice](), len(answers), 0
    for start in range(len(answers) - 1, -1, -1):
        count += answers[start]
        if count >= FEWEST:
            found.append(slice(start, end))
            end, count = start, 0
    return found[::-1]


def learning(days: int) -> Text | None:
    """What cannot be tested with this many whole days, in words; None when everything is tested."""
    if days < WEEK:
        return fill(
            "learning: {n} of {week} days; nothing raises an alarm before",
            "aprendendo: {n} de {week} dias; antes disso nada gera alarme",
            n=days, week=WEEK,
        )  # fmt: skip
    if days < 2 * WEEK:
        return fill(
            "learning: {n} of {weeks} days; changes raise no alarm before",
            "aprendendo: {n} de {weeks} dias; antes disso mudanças não geram alarme",
            n=days, weeks=2 * WEEK,
        )  # fmt: skip
    return None


def look(
    days: Sequence[Day],
    evaluation: Day | None,
    tasks: int = 1,
    limits: MonitorSettings | None = None,
    history: Sequence[Day] = (),
    frozen: Mapping[str, Sequence[Day]] | None = None,
) -> list[Finding]:
    """Test the last week of one task.

    Args:
        days: whole days, oldest first, at least ``FEWEST`` answers each; the last ``MOST_DAYS`` count.
        evaluation: what the week is compared with; it may have few answers.
        tasks: how many tasks are tested each day.
        limits: of the task's suite; the default ones when left out.
        history: whole days of a longer time, in which slow falls are looked for; none are when left out.
        frozen: kind of an open alarm -> the days it was raised against. A lasting change must not become its own reference.

    Returns:
        Nothing before there is a week; then one finding for the mean's limit, three with an evaluation, and, as soon as there is
        a week before the last one, three for changes and one for a slow fall.
    """
    days, frozen = days[-MOST_DAYS:], frozen or {}
    if len(days) < WEEK:
        return []
    found = [_limit(days[-2 * WEEK :], level(tasks), limits or MonitorSettings())]
    alpha = level(2 * len(_KINDS) * tasks)  # two references
    week, before = days[-WEEK:], days[:-WEEK]
    usual = before if len(before) >= WEEK else week
    if evaluation is not None:
        # The evaluation is taken as one more day: what it asks differs from a day's as days differ from each other.
        where = fill("in the evaluation ({n} answers)", "na avaliação ({n} respostas)", n=evaluation.answers)
        found += _compare("", where, week, [evaluation], usual, alpha)
    if usual is before:
        where = fill("in the {n} days before", "nos {n} dias anteriores", n=len(before))
        changes = _compare(_CHANGE, where, week, before, usual, alpha)
        found += [replace(finding, reference=tuple(before)) for finding in changes if finding.kind not in frozen]
    if len(history) >= 2 * WEEK and SLOW not in frozen:
        found.append(_slow_fall(history))
    for kind, then in frozen.items():
        found += _held_against(kind, week, then, alpha)
    return found


def _held_against(kind: str, week: Sequence[Day], then: Sequence[Day], alpha: float) -> list[Finding]:
    """The last week against the days that an open alarm was raised against."""
    where = fill("in the {n} days before the alarm", "nos {n} dias antes do alarme", n=len(then))
    compared = _compare(_CHANGE, where, week, then, then, alpha)
    if kind == SLOW:
        (reward,) = [finding for finding in compared if finding.kind == f"{_CHANGE}reward"]
        return [replace(reward, kind=SLOW)]
    return [finding for finding in compared if finding.kind == kind]


def _slow_fall(history: Sequence[Day]) -> Finding:
    """Whether the daily mean reward falls, slowly or by little."""
    means = np.array([d.means[0] for d in history])
    fall = fall_of(means, _LEAST_SPREAD)
    # What is tested from the day after the alarm on needs a week of usual days.
    usual = history[: max(fall.began, WEEK)]
    words = fill(
        "mean reward {mean} over the last {days} whole days, and falling; in the {n} days before {then}",
        "recompensa média {mean} nos últimos {days} dias completos, e caindo; nos {n} dias anteriores {then}",
        mean=decimal(float(means[fall.began :].mean())) if fall.began < len(means) else decimal(float(means[-1])),
        days=max(1, len(means) - fall.began), n=len(usual), then=decimal(float(np.mean([d.means[0] for d in usual]))),
    )  # fmt: skip
    return Finding(SLOW, fall.raised, not fall.raised, words, tuple(usual[-MOST_DAYS:]))


def level(tests: int) -> float:
    """The level of each of a day's tests of drift, or of the limit."""
    return MONTHLY_RATE / 2 / (30 * tests)


def _limit(days: Sequence[Day], alpha: float, limits: MonitorSettings) -> Finding:
    """Whether the mean of one to two weeks is below its limit: a one-sided t-test on the means of days."""
    means = np.array([d.means[0] for d in days])
    mean, error = float(means.mean()), max(float(means.std(ddof=1)), _LEAST_SPREAD) / np.sqrt(len(means))
    p = float(stats.t.cdf((mean - limits.mean_limit) / error, len(means) - 1))
    words = fill(
        "mean reward {mean} over the last {days} whole days; the limit is {limit} (p {p})",
        "recompensa média {mean} nos últimos {days} dias completos; o limite é {limit} (p {p})",
        mean=decimal(mean), days=len(days), limit=decimal(limits.mean_limit), p=_p(p),
    )  # fmt: skip
    return Finding("mean", p < alpha, mean >= limits.mean_over, words)


def _compare(
    kind: str, where: Text, week: Sequence[Day], then: Sequence[Day], usual: Sequence[Day], alpha: float
) -> list[Finding]:
    """A t-test for each of the three means: two-sided, but answers without JSON only count when there are more.

    Args:
        kind: what stands before the name of a finding's kind.
        where: the reference, in words.
        week: the days that are tested.
        then: the days of the reference.
        usual: the days that say how much days differ.
        alpha: the level.
    """
    of_week, of_then = (np.array([d.means for d in days]) for days in (week, then))
    mean, reference = of_week.mean(axis=0), of_then.mean(axis=0)
    within = together([*week, *then]).variances
    least = _LEAST_SPREAD * np.array([1.0, 1.0, reference[2]])
    # Where something is rare, days without it are alike by chance; days differ at least as samples of all answers do.
    between = np.array([d.means for d in usual]).var(axis=0, ddof=1)
    between = np.maximum(between, np.maximum(within * _per_answer(usual), least**2))
    # Days with fewer answers than the usual ones differ more.
    of_days = [between + within * max(0.0, _per_answer(days) - _per_answer(usual)) for days in (week, then)]
    t = (mean - reference) / np.sqrt(of_days[0] / len(week) + of_days[1] / len(then))
    two_sided, more = 2 * stats.t.sf(np.abs(t), len(usual) - 1), stats.t.sf(t, len(usual) - 1)
    p = np.where([True, False, True], two_sided, more)
    found = []
    for i, shown in enumerate(_SHOWN):
        words = fill(
            "{what} {mean} over the last {week} whole days; {where} {then} (p {p})",
            "{what} {mean} nos últimos {week} dias completos; {where} {then} (p {p})",
            what=_WHAT[i], mean=shown(float(mean[i])), week=WEEK, where=where, then=shown(float(reference[i])), p=_p(p[i]),
        )  # fmt: skip
        found.append(Finding(kind + _KINDS[i], bool(p[i] < alpha), bool(p[i] >= _OVER), words))
    return found


def _per_answer(days: Sequence[Day]) -> float:
    """The mean of 1 / answers: times the variance between answers, it is the variance of a day's mean by chance."""
    return float(np.mean([1 / d.answers for d in days]))


def _p(p: float) -> Text:
    shown = p_value(p)
    return shown if shown.en.startswith("<") else fill("= {p}", "= {p}", p=shown)
