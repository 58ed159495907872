"""What a run of several may cost and what it has cost: ``plan.json`` and ``used.json`` in the parent's folder."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from math import inf
from pathlib import Path

from backend.errors import UserError
from backend.files import read_json, write_json
from backend.runs.handle import LOCAL
from backend.runs.launchers import find_launcher
from backend.settings import get_settings, listed
from backend.training.config import TrainConfig
from backend.training.estimate import estimate
from backend.wording import duration

_PLAN, _USED = "plan.json", "used.json"


@dataclass(frozen=True)
class Plan:
    """The budget of a run of several, and where its runs train.

    Attributes:
        hours: the most that its runs may take together; None without a limit.
        dollars: the same as money, at the machine's price (WORKBENCH_DOLLARS_PER_HOUR).
        estimate: the hours it was estimated at; None where no earlier run tells.
        places: where the runs may train: this machine, sections of launch.toml.
        median_stop: how many evaluations a run has before the median rule may stop it; None: it stops none.
    """

    hours: float | None = None
    dollars: float | None = None
    estimate: float | None = None
    places: tuple[str, ...] = (LOCAL,)
    median_stop: int | None = None

    @property
    def most_hours(self) -> float:
        """The hours that are allowed, by time or by money; infinite where nothing limits them."""
        price = get_settings().dollars_per_hour
        by_money = inf if self.dollars is None or not price else self.dollars / price
        return min(inf if self.hours is None else self.hours, by_money)

    def used_words(self, hours: float) -> str:
        """``12 min of 1.0 h and $0.16 of $0.80 used``."""
        time = _time(hours) + (f" of {_time(self.hours)}" if self.hours is not None else "")
        money = _money(hours) + (f" of ${self.dollars:.2f}" if self.dollars is not None else "")
        return f"{time} and {money} used"


def make_plan(
    hours: float | None = None, dollars: float | None = None, where: str = "", median_stop: int | None = None
) -> Plan:
    """A plan with these limits, comma-separated these places, and this many evaluations before the median rule (if at all).

    Raises:
        UserError: a limit is not above 0, money is given and the machine has no price, or there is no such place.
    """
    names = tuple(dict.fromkeys(listed(where))) or (LOCAL,)
    for name in names:
        if name != LOCAL:
            find_launcher(name)
    for name, most in (("--hours", hours), ("--dollars", dollars)):
        if most is not None and not 0 < most < inf:
            raise UserError(f"{name} is a number above 0, not {most:g}")
    if dollars is not None and not get_settings().dollars_per_hour:
        raise UserError("--dollars needs the machine's price: set WORKBENCH_DOLLARS_PER_HOUR, or give --hours")
    return Plan(hours, dollars, places=names, median_stop=median_stop)


def estimated(plan: Plan, runs: Sequence[tuple[TrainConfig, Mapping[str, int]]]) -> Plan:
    """The plan with the estimate of its runs.

    Args:
        plan: the budget.
        runs: each run's configuration, and split -> how many prompts it has.

    Raises:
        UserError: the estimate is more than the budget; the message has both.
    """
    found = [estimate(config, prompts) for config, prompts in runs]
    hours = [each.hours for each in found if each is not None]
    if len(hours) < len(found):
        return plan
    total = sum(hours)
    if total > plan.most_hours:
        raise UserError(
            f"{len(runs)} runs take about {_time(total)} and {_money(total)}; the budget is {_time(plan.most_hours)} and "
            f"{_money(plan.most_hours)}. Give more, or take fewer values or a smaller max_steps"
        )
    return replace(plan, estimate=total)


def estimate_words(plan: Plan, runs: int) -> str:
    """The estimate and the budget as a line for a terminal."""
    about = f"about {_time(plan.estimate)} and {_money(plan.estimate)}" if plan.estimate is not None else "no estimate"
    held = (
        ""
        if plan.most_hours == inf
        else f"; the budget of {_time(plan.most_hours)} and {_money(plan.most_hours)} is held"
    )
    why = "" if plan.estimate is not None else " (no run like these on this machine yet)"
    return f"{runs} runs, {about}{why}{held}"


def _time(hours: float) -> str:
    return str(duration(3600 * hours))


def _money(hours: float) -> str:
    return f"${hours * get_settings().dollars_per_hour:.2f}"


# --- in the folder ------------------------------------------------------------------------------------------------
def read_plan(folder: Path) -> Plan:
    """The plan of the run in ``folder``; one without limits where there is none."""
    found = read_json(folder / _PLAN)
    return Plan(**{**found, "places": tuple(found["places"])}) if isinstance(found, dict) else Plan()


def write_plan(folder: Path, plan: Plan) -> None:
    """Keep the plan in the run's folder."""
    write_json(folder / _PLAN, asdict(plan))


def read_used(folder: Path) -> dict[str, float]:
    """Each run of several and the hours it has been under way, over all its resumes."""
    found = read_json(folder / _USED)
    return {str(run): float(hours) for run, hours in found.items()} if isinstance(found, dict) else {}


def write_used(folder: Path, used: Mapping[str, float]) -> None:
    """Keep the hours in the run's folder; on a full disk they are kept at the next time."""
    with suppress(OSError):
        write_json(folder / _USED, dict(used))


def change_budget(folder: Path, new: Plan) -> None:
    """Put another budget in place of the one of a run of several; what it has used counts.

    Raises:
        UserError: the run in ``folder`` is none of several, or has used the new budget up already.
    """
    if not (folder / _PLAN).is_file():
        raise UserError(f"{folder.name} is not a run of several, so it has no budget; for one run, set max_steps")
    used = sum(read_used(folder).values())
    if used >= new.most_hours:
        raise UserError(f"{folder.name} has used {_time(used)} and {_money(used)} already; give more than that in all")
    write_plan(folder, replace(read_plan(folder), hours=new.hours, dollars=new.dollars))
