"""A statistical claim with what a simulation measured of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """One line of the table.

    Attributes:
        claim: what is stated, such as ``95 % interval of ρ``.
        shape: the data it was simulated on, such as ``30 prompts x 3 completions``.
        nominal: what is stated, in words: ``93 to 97 %``.
        value: what was measured, a share from 0 to 1.
        holds: whether the measured value is what is stated; None where nothing is promised and the figure only informs.
    """

    claim: str
    shape: str
    nominal: str
    value: float
    holds: bool | None = None


def between(claim: str, shape: str, value: float, least: float, most: float) -> Measured:
    """A claim that holds when the measured share lies between two ends."""
    return Measured(claim, shape, f"{100 * least:.0f} to {100 * most:.0f} %", value, least <= value <= most)


def at_least(claim: str, shape: str, value: float, least: float) -> Measured:
    """A claim that holds when the measured share is at least ``least``."""
    return Measured(claim, shape, f"at least {100 * least:.0f} %", value, value >= least)


def at_most(claim: str, shape: str, value: float, most: float) -> Measured:
    """A claim that holds when the measured share is at most ``most``."""
    return Measured(claim, shape, f"at most {100 * most:.0f} %", value, value <= most)


def stated(claim: str, shape: str, value: float) -> Measured:
    """A figure that the pages state, with nothing promised."""
    return Measured(claim, shape, "stated", value)
