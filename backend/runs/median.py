"""The median stopping rule, for the runs of a grid.

A run is stopped at a step if its best value by then is strictly worse than the median of the other runs' averages over the values
they had up to that step (Golovin et al. 2017, "Google Vizier", section 3.2.1). The value is the mean reward on the eval prompts.
The paper takes completed runs; here every other run counts that has got as far, for several may be under way at once. The base
model's value, before the first step, is nobody's own and is left out.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean, median

from backend.errors import UserError
from backend.evaluation.several import OTHER_PROMPTS, OTHER_REWARD, STOPPED
from backend.runs.grid import Grid

OBJECTIVE = "eval/mean_reward"
FEWEST_OTHERS = 3
"""A median of fewer says little."""


def check_median_stop(grid: Grid, grace: int) -> None:
    """Refuse the rule where its comparison would not be fair.

    Args:
        grid: the fields in which the runs differ.
        grace: how many evaluations every run has before the rule may stop it.

    Raises:
        UserError: the runs have several seeds, rewards or sets of prompts; or ``grace`` is below 1.
    """
    if grace < 1:
        raise UserError(f"--median-stop is a number of evaluations, 1 or more, not {grace}")
    if "seed" in grid:
        raise UserError(
            "--median-stop is for settings with one seed each: seeds are a sample, and with the worst of them stopped the "
            "comparison would be of the lucky ones"
        )
    if unlike := sorted(grid.keys() & (OTHER_REWARD | OTHER_PROMPTS)):
        raise UserError(
            f"--median-stop compares the runs' mean rewards, and with another {unlike[0]} they do not compare"
        )


def median_stop(curves: Mapping[str, Sequence[tuple[int, float]]], run: str, grace: int) -> str | None:
    """Why the rule stops a run at its last evaluation; None where it does not.

    Args:
        curves: each run's (step, value) pairs in step order; higher is better.
        run: the run that is judged.
        grace: how many evaluations it has before the rule may stop it.
    """
    own = [(step, value) for step, value in curves.get(run, ()) if step > 0]
    if len(own) < max(1, grace):
        return None
    step, best = own[-1][0], max(value for _, value in own)
    others = [[(s, v) for s, v in curve if s > 0] for name, curve in curves.items() if name != run]
    averages = [
        fmean(v for s, v in curve if s <= step) for curve in others if curve and curve[0][0] <= step <= curve[-1][0]
    ]
    if len(averages) < FEWEST_OTHERS or best >= (middle := median(averages)):
        return None
    return (
        f"{STOPPED} at step {step}: its best mean reward, {best:.3f}, is below {middle:.3f}, the median of what {len(averages)} "
        "others had on average by then"
    )
