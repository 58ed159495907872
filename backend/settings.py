"""Where things are and who may do what: one typed object, read from the environment or a ``.env`` file.

Each field is the environment variable of the same name in capitals with the prefix ``WORKBENCH_``, except
``DATABASE_URL``, which has no prefix because hosting platforms set it.
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backend.access import Role
from backend.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds this project's packages: a checkout's, or where a wheel was installed."""


def listed(text: str) -> tuple[str, ...]:
    """The parts of a comma-separated list, without the spaces around them; empty parts do not count."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def as_setting(value: Any) -> str:
    """A plain value as one writes it after ``field=``; ``listed`` reads its lists."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    if isinstance(value, dict):
        return ",".join(f"{k}={v}" for k, v in value.items())
    return "none" if value is None else str(value)


_Listed = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(lambda given: listed(given) if isinstance(given, str) else given)
]


def _here(*parts: str) -> Any:
    """A default inside the folder the workbench was started in."""
    return Field(default_factory=lambda: Path.cwd().joinpath(*parts))


class Settings(BaseSettings):
    """The workbench's settings. Where nothing else is said, everything is in the folder it was started in."""

    model_config = SettingsConfigDict(env_prefix="WORKBENCH_", env_file=".env", frozen=True, extra="ignore")

    database_url: str = Field(
        default_factory=lambda: f"sqlite:///{Path.cwd() / 'annotations.db'}", validation_alias="DATABASE_URL"
    )
    """SQLAlchemy URL of the store."""
    data_dir: Path = _here("data")
    """What prompts are made from."""
    models_dir: Path = _here("data", "models")
    """Cache of models built here (nano)."""
    runs_dir: Path = _here("runs")
    """One folder per training run. Nothing outside it is ever written by a run."""
    suites: _Listed = ("commerce",)
    """The installation's suites, comma-separated: built-in ones, modules, or paths of .py files (docs/your-own.md)."""
    reward_seconds: float = Field(60, gt=0)
    """A team's reward function is ended when a batch takes longer."""
    reward_gigabytes: float = Field(2, gt=0)
    """The process of a team's reward functions is ended when it holds more memory."""
    load_example: bool = True
    """Fill an empty store with the recorded example at first start."""
    raters_per_completion: int = Field(2, ge=1, le=10)
    """A completion leaves the queue once this many raters have scored it."""
    random_share: float = Field(0.3, ge=0, le=1)
    """Share of new completions drawn from the whole queue alike; the others come from where a rating tells most."""
    repeat_share: float = Field(0.05, ge=0, le=0.5)
    """Share of completions that a rater has scored before and is shown once more, without being told."""
    annotators: _Listed = ()
    """E-mail addresses that may rate, comma-separated, where people sign in."""
    pms: _Listed = ()
    """Those that may read Results and Runs, and ask raters for more."""
    engineers: _Listed = ()
    """Those that may do everything."""
    roles_claim: str = ""
    """A claim of the identity token that names roles (annotator, pm, engineer), beside or instead of the lists."""
    sign_in: Literal["", "required"] = ""
    """``required``: nobody gets in while no sign-in provider is configured. For servers: it stands outside of secrets.toml,
    which can be lost or broken."""
    sign_in_hours: float = Field(12, gt=0)
    """After so long people sign in again."""
    serving: Path = _here("serving.toml")
    """The gateway's configuration (docs/serving.md)."""
    gateway_keys: _Listed = ()
    """Keys that the gateway takes, comma-separated; without any it listens on this machine only."""
    webhook: str = ""
    """An address that is told of alarms in production, as chat services take it: JSON with a ``text``."""
    regressions: Path = _here("regressions.jsonl")
    """Completions kept as regression cases for the rewards (Reward audit page)."""
    host_name: str = ""
    """This machine's name among those that share a store; its host name where nothing is said. No two may share one."""
    launch: Path = _here("launch.toml")
    """Where else runs can be started (docs/where-it-runs.md)."""
    dollars_per_hour: float = Field(0.80, ge=0)
    """Price of the training machine, for the cost shown with a run (an L4 on demand: about $0.80)."""

    @property
    def role_lists(self) -> dict[Role, list[str]]:
        """Role -> the addresses that have it, in lower case."""
        lists: dict[Role, tuple[str, ...]] = {
            "annotator": self.annotators, "pm": self.pms, "engineer": self.engineers,
        }  # fmt: skip
        return {role: [person.lower() for person in people] for role, people in lists.items()}


@lru_cache
def get_settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        UserError: a variable has a value that cannot be; the message names each.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = [f"{_variable(str(fault['loc'][0]))}={fault['input']!r}: {fault['msg']}" for fault in error.errors()]
        raise UserError(f"{'; '.join(wrong)}. Correct it in the environment or in .env") from error


def _variable(field: str) -> str:
    return field if field.isupper() else f"WORKBENCH_{field.upper()}"
