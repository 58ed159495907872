"""The gateway's configuration: engines, and which task goes to which engine. One TOML file, checked when it is read."""

import os
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from backend.errors import UserError, reason
from backend.suites import default_profile, profiles, task_names

RULES = "rules"
"""The name of the engine without a model: it answers with a task's own rule (``Task.by_rule``)."""


class Engine(BaseModel):
    """An OpenAI-compatible endpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^https?://")
    """The base URL, including ``/v1``."""
    model: str
    """The engine's name for the model."""
    key_env: str = ""
    """Environment variable with the engine's key; the key itself is never written to a file."""
    timeout_seconds: float = Field(60, gt=0, le=600)
    run: str = ""
    """The run whose adapter the engine serves: production is compared with that run's last evaluation."""

    @property
    def key(self) -> str:
        """The engine's key, read from the environment at each call."""
        return os.environ.get(self.key_env, "") if self.key_env else ""


class ServingConfig(BaseModel):
    """The gateway's configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engines: dict[str, Engine] = Field(default_factory=dict)
    routes: dict[str, tuple[str, ...]]
    """Task -> engines in the order in which they are tried; ``rules`` may come last."""
    profile: str = Field(default_factory=default_profile)
    """Reward rules that answers are scored under."""
    system_prompts: bool = True
    """Add the task's own system prompt to a request that has none, because the model was trained with it."""
    sample_share: float = Field(1.0, ge=0, le=1)
    """Share of the answers that are scored and kept."""
    keep_texts: bool = True
    """Keep prompts and answers, masked; without them nothing can be sent to raters."""
    keep_answers: int = Field(200_000, ge=100)
    """The most answers to keep; when there are more, the oldest are deleted."""
    log_prompts: bool = False
    """Write masked prompts into the log."""
    most_characters: int = Field(20_000, ge=100)
    """The most characters in all messages of a request together."""
    most_tokens: int = Field(512, ge=1)
    """The most tokens of an answer; a request may ask for fewer."""
    most_at_once: int = Field(64, ge=1)
    """The most requests at the same time; further ones get the status 429 and can be tried again."""

    body_seconds: float = Field(10, gt=0)
    """A request whose body is not there after this long gets the status 408."""

    @field_validator("profile")
    @classmethod
    def _reads_text_alone(cls, name: str) -> str:
        if name not in (known := profiles()):
            raise ValueError(f"unknown reward profile {name!r}; choose one of {', '.join(known)}")
        if known[name].measured_by:
            raise ValueError(f"profile {name} measures answers against a database, which production does not have")
        return name

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> "ServingConfig":
        for task, names in self.routes.items():
            if task not in task_names():
                raise ValueError(f"unknown task {task!r} in routes; choose from {', '.join(task_names())}")
            if not names:
                raise ValueError(f"the route of {task} is empty")
            if unknown := [name for name in names if name not in self.engines and name != RULES]:
                raise ValueError(f"the route of {task} names {unknown[0]!r}, which is no engine")
        if missing := [task for task in task_names() if task not in self.routes]:
            raise ValueError(f"there is no route for {', '.join(missing)}")
        return self


def read_serving(path: Path) -> ServingConfig:
    """Read the file.

    Raises:
        UserError: it cannot be read, or has wrong values; the message says which and where.
    """
    try:
        return ServingConfig.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UserError(f"there is no {path}; docs/serving.md shows one to start from") from None
    except ValidationError as error:
        raise UserError(f"{path}: {reason(error)}") from error
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
