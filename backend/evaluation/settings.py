"""What a comparison is judged by. A run's configuration holds it, so this file imports no statistics."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

ALPHA = 0.05
"""The level of every test, and 1 - the level of every interval, unless a comparison is set to another."""


class ComparisonSettings(BaseModel):
    """What a comparison is judged by; fixed before the run, and stored with the numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float = Field(ALPHA, gt=0, lt=0.5)
    """The largest share of tables without any effect that may name one."""
    family: Literal["tasks"] = "tasks"
    """What the p-values are corrected over (Holm): the tasks of the table."""
    margin: float = Field(0.05, gt=0, le=1)
    """The largest loss of mean reward that still counts as "not worse"."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        """``alpha=0.01,margin=0.02``, as a command line gives it."""
        if not isinstance(value, str):
            return value
        return {name.strip(): number.strip() for name, _, number in (part.partition("=") for part in value.split(","))}
