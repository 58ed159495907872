"""Falls too small or too slow for a week's test: a self-starting CUSUM of the daily mean reward.

Each day is compared with all days before it, in units of their standard deviation and as a quantile of the normal
distribution, so nothing has to be known before the first day (Hawkins, Self-starting CUSUM charts, The Statistician 36, 1987).
What falls short by more than half a standard deviation adds up (Page, Continuous inspection schemes, Biometrika 41, 1954).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

ALLOWED = 0.5
"""Standard deviations of a day that do not count."""
ALARM_AT = 8.0
"""The sum at which an alarm is raised: for independent days, four tasks and thirty days, about 0.4 % have a false one."""
HISTORY_DAYS = 180
"""Days that are looked at."""
_FIRST = 7
"""Days that are learned from before one counts."""
_MOST = 3.5
"""One day counts for at most this many standard deviations, so that a single bad day raises no alarm."""


@dataclass(frozen=True)
class Fall:
    """Attributes:
    sum: how much has added up.
    began: the place of the first day of the fall; all days before it are as usual.
    """

    sum: float
    began: int

    @property
    def raised(self) -> bool:
        """Whether it is an alarm."""
        return self.sum > ALARM_AT


def fall_of(means: np.ndarray | Sequence[float], least_spread: float) -> Fall:
    """The fall that the last days are in.

    Args:
        means: of days, oldest first.
        least_spread: days differ by at least this standard deviation.
    """
    total, began = 0.0, len(means)
    mean, squares = 0.0, 0.0
    for day, value in enumerate(means):
        if day >= _FIRST:
            spread = max(float(np.sqrt(squares / (day - 1))), least_spread)
            t = (value - mean) / spread * np.sqrt(day / (day + 1))
            score = float(np.clip(stats.norm.ppf(stats.t.cdf(t, day - 1)), -_MOST, _MOST))
            grown = max(0.0, total - score - ALLOWED)
            began = day if total == 0.0 and grown > 0.0 else began
            total = grown
        away = value - mean
        mean += away / (day + 1)
        squares += away * (value - mean)
    return Fall(total, began if total > 0.0 else len(means))
