"""launch.toml: a section for each place where runs can be started, checked when it is read."""

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from backend.errors import UserError, reason
from backend.runs.handle import LOCAL

_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|ACCESS_?KEY", re.I)


def _matching(pattern: str, what: str) -> AfterValidator:
    """Takes a text that matches the pattern as a whole; of another one it says that it is not ``what``."""

    def checked(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{text!r} is not {what}")
        return text

    return AfterValidator(checked)


def _open(name: str) -> str:
    if _SECRET.search(name):
        raise ValueError(
            f"{name} looks like a secret: name it under secrets, and it is taken from this machine's environment"
        )
    return name


def _one_line(text: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("holds a line break or another control character")
    return text


def _absolute(text: str) -> str:
    if not _one_line(text).startswith("/"):
        raise ValueError(f"{text!r} is not an absolute path")
    return text.rstrip("/") or "/"


_Line = Annotated[str, AfterValidator(_one_line)]
_Path = Annotated[str, AfterValidator(_absolute)]
_Variable = Annotated[str, _matching(r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable")]
_Host = Annotated[
    str,
    _matching(r"[A-Za-z0-9_][A-Za-z0-9_.@%:-]*", "a host as ssh takes it (user@name, or a name of ~/.ssh/config)"),
]
_Accelerator = Annotated[
    str,
    _matching(
        r"[A-Za-z][A-Za-z0-9_.-]*(:[0-9]+)?",
        "an accelerator as SkyPilot names them, such as A100:1 (`sky show-gpus`)",
    ),
]
_Infra = Annotated[str, _matching(r"[A-Za-z0-9_*]+(/[A-Za-z0-9_.:@*-]+){0,2}", "a cloud, cloud/region or k8s/context")]
_Http = Annotated[
    str,
    _matching(r"https?://[A-Za-z0-9_.\[\]:-]+/?", "the address of a Ray dashboard, such as http://head:8265"),
    AfterValidator(lambda address: address.rstrip("/")),
]
_UnderHome = Annotated[
    str,
    _matching(
        r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*",
        "a folder's path under the home there, such as runs",
    ),
]


class _Place(BaseModel):
    """What every section has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_once: int = Field(1, ge=1, le=1000)
    """How many runs at the same time; more wait in the workbench's queue."""
    python: _Line = ""
    """The interpreter there that has the workbench installed with its training libraries."""
    project: _Line = ""
    """The folder the run is started in; a checkout of the workbench, where it is not installed as a package."""
    environment: tuple[tuple[Annotated[_Variable, AfterValidator(_open)], _Line], ...] = ()
    """Environment variables of the run."""
    secrets: tuple[_Variable, ...] = ()
    """Names of variables whose values are taken from this machine's environment when a run is started, and kept nowhere."""

    def secret_values(self) -> dict[str, str]:
        """The secrets' values.

        Raises:
            UserError: one is not set here.
        """
        missing = [name for name in self.secrets if name not in os.environ]
        if missing:
            raise UserError(
                f"{', '.join(missing)} must be set where the workbench runs: launch.toml names it as a secret"
            )
        return {name: os.environ[name] for name in self.secrets}


class Ssh(_Place):
    """A machine that ssh reaches; folders go there and come back by rsync."""

    kind: Literal["ssh"]
    host: _Host
    options: tuple[_Line, ...] = ()
    """Further options of ssh, such as ``-p 2222`` in two parts."""
    folder: _Path
    """The working folder there; each run has a folder in it."""


class Slurm(_Place):
    """A cluster with SLURM, whose nodes see this machine's runs folder under the same path."""

    kind: Literal["slurm"]
    cluster: Literal["slurm", "local"] = "slurm"
    """``local``: submitit's own stand-in, which starts a process on this machine; to try a section without a cluster."""
    at_once: int = Field(100, ge=1, le=1000)
    partition: _Line = ""
    hours: float = Field(24, gt=0, le=24 * 365)
    """The time limit."""
    gpus: int = Field(1, ge=0, le=64)
    cpus: int = Field(4, ge=1, le=1024)
    memory_gb: float = Field(32, gt=0)
    options: tuple[tuple[_Line, str | int | bool], ...] = ()
    """Further parameters of sbatch, by their long names."""
    setup: tuple[_Line, ...] = ()
    """Shell lines before the run, such as ``module load cuda``."""


class SkyPilot(_Place):
    """Machines of a cloud or of Kubernetes that SkyPilot rents for a run and gives back; see ``sky`` for the words' meaning."""

    kind: Literal["skypilot"]
    accelerator: _Accelerator | None = None
    """``A100:1``; a machine without any when left out."""
    infra: _Infra | None = None
    """A cloud, ``aws/us-east-1`` or ``k8s/context``; the cheapest of those that are set up when left out."""
    image: _Line = ""
    """A machine image, or ``docker:NAME``."""
    cpus: int | None = Field(None, ge=1, le=1024)
    """At least so many."""
    memory_gb: float | None = Field(None, gt=0)
    """At least so much."""
    disk_gb: int = Field(100, ge=30, le=100_000)
    spot: bool = False
    """Cheaper machines that may be taken away at any time."""
    upload: _Path | None = None
    """A folder here, such as a checkout, that is copied there before ``setup``, which starts in it."""
    folder: _UnderHome = "runs"
    """Under the home there; each run has a folder in it."""
    setup: tuple[_Line, ...] = ()
    """Shell lines that make the machine ready, such as ``pip install …``."""
    keep_minutes: int = Field(60, ge=5, le=24 * 60)
    """How long a machine with nothing to do is kept, so that what the run wrote can be fetched; it costs money meanwhile."""


class Ray(_Place):
    """A Ray cluster, whose nodes see this machine's runs folder under the same path."""

    kind: Literal["ray"]
    address: _Http
    """Of its dashboard, such as ``http://head:8265``."""
    at_once: int = Field(24, ge=1, le=1000)
    """How many jobs are with Ray at the same time; it starts them as their share of the cluster becomes free."""
    gpus: float = Field(1, ge=0, le=64)
    cpus: float = Field(1, ge=0, le=1024)
    memory_gb: float | None = Field(None, gt=0)

    @field_validator("secrets")
    @classmethod
    def _no_secrets(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if names:
            raise ValueError(
                "Ray keeps a job's environment and shows it on its dashboard; set the variables where its nodes are started"
            )
        return names


Place = Ssh | Slurm | SkyPilot | Ray
_SECTION: TypeAdapter[Place] = TypeAdapter(Annotated[Place, Field(discriminator="kind")])


def read_places(path: Path) -> dict[str, Place]:
    """Name -> section; empty when there is no file.

    Raises:
        UserError: the file is not TOML, or a section is wrong.
    """
    if not path.is_file():
        return {}
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    return {name: _section(path, name, section) for name, section in sections.items()}


def _section(path: Path, name: str, section: object) -> Place:
    if name == LOCAL or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", name):
        raise UserError(f"{path}: [{name}] cannot be a place's name; take letters, digits, - and _, and not {LOCAL!r}")
    if not isinstance(section, dict):
        raise UserError(f"{path}: {name} is not a section; write [{name}]")
    tables = {key: tuple(value.items()) if isinstance(value, dict) else value for key, value in section.items()}
    try:
        return _SECTION.validate_python(tables)
    except ValidationError as error:
        raise UserError(f"{path}: [{name}] {reason(error)}") from error
