"""A small grid: the runs that a run of several is made of, which differ in named fields. Several seeds are one of its fields."""

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod

from backend.errors import UserError
from backend.settings import as_setting, listed
from backend.training.config import TrainConfig, override, parse_settings

MOST_CHILDREN = 24
"""The most runs that a run of several may have."""
_SAME_FOR_ALL = ("preset", "name", "comparison", "override_reason")
"""Fields that train nothing: labels, and what the comparison is judged by."""

Grid = Mapping[str, Sequence[object]]
"""Field -> its values, two or more, as text or parsed."""


def parse_grid(pairs: Sequence[str], seeds: str = "") -> Grid:
    """``["learning_rate=3e-4,6e-4"]`` and ``"42, 123"`` -> each field's values; empty where nothing is given.

    Commas separate the values; semicolons do where a value holds commas itself (``tasks=push;push,insights``).

    Raises:
        UserError: a pair has no ``=``, a field is given twice, or ``seeds`` are no whole numbers.
    """
    grid: dict[str, Sequence[object]] = {}
    for pair in pairs:
        ((field, text),) = parse_settings([pair], "--grid").items()
        if field in grid:
            raise UserError(f"--grid names {field} twice; give all its values at once, with commas between them")
        grid[field] = [part.strip() for part in text.split(";") if part.strip()] if ";" in text else listed(text)
    if found := parse_seeds(seeds):
        if "seed" in grid:
            raise UserError("--seeds and --grid seed=… say the same; give one of them")
        grid["seed"] = found
    return grid


def parse_seeds(text: str) -> list[int]:
    """``"42, 123, 456"`` -> three seeds; an empty list for an empty text.

    Raises:
        UserError: a part is not a whole number, or there is only one seed.
    """
    try:
        seeds = [int(part) for part in listed(text)]
    except ValueError:
        raise UserError(f"seeds are whole numbers with commas between them, not {text!r}") from None
    if len(seeds) == 1:
        raise UserError(f"several seeds are two or more; for one alone set seed={seeds[0]}")
    return seeds


def configs_of(config: TrainConfig, grid: Grid) -> list[TrainConfig]:
    """The configuration of each run of a grid, its name saying in what it differs from the others.

    Every setting comes with the first seed before any comes with the second: where the time ends early, all have been tried.

    Raises:
        UserError: a field does not exist or is the same for all by its nature; a value is out of its range, given twice or the
            only one; two values do not go together; or there are more than ``MOST_CHILDREN`` runs.
    """
    for field, values in grid.items():
        if field in _SAME_FOR_ALL:
            raise UserError(f"a grid cannot vary {field}, which changes nothing in training")
        _check_different(field, values, values)
    if (runs := prod(map(len, grid.values()))) > MOST_CHILDREN:
        sizes = " x ".join(f"{len(values)} of {field}" for field, values in grid.items())
        raise UserError(
            f"{sizes} are {runs} runs; {MOST_CHILDREN} is the most, for among many the best by chance looks good: take fewer"
        )
    fields = sorted(grid, key=lambda field: field != "seed")  # the first varies slowest
    rows = [dict(zip(fields, values, strict=True)) for values in product(*(grid[field] for field in fields))]
    found = [_named(config, {field: row[field] for field in grid}) for row in rows]
    for field, values in grid.items():  # 3e-4 and 0.0003 are one value
        _check_different(field, values, [as_setting(child.model_dump(mode="json")[field]) for child in found])
    return found


def _check_different(field: str, values: Sequence[object], read: Sequence[object]) -> None:
    if len(values) < 2 or len(set(read)) < len(values):
        given = ", ".join(map(str, values)) or "none"
        raise UserError(f"give two or more different values of {field}, not {given}")


def _named(config: TrainConfig, changes: Mapping[str, object]) -> TrainConfig:
    try:
        child = override(config, dict(changes))
    except UserError as error:
        together = " ".join(f"{field}={value}" for field, value in changes.items())
        raise UserError(f"{together}: {error}") from error
    values = child.model_dump(mode="json")
    differs = [f"seed {values[f]}" if f == "seed" else f"{f}={as_setting(values[f])}" for f in changes]
    return child.model_copy(update={"name": several_name(config, " · ".join(differs))})


def several_name(config: TrainConfig, differs: str) -> str:
    """The name of a run of several, or of one of its runs: the configuration's, and what is particular; 200 characters at most."""
    end = f" · {differs}"[:150]
    return (config.name or config.preset)[: 200 - len(end)] + end
