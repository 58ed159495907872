"""A check of preflight, the table of all of them, and how a file has them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from backend.files import read_json
from backend.records import PromptRecord
from backend.suites import label_of
from backend.wording import Text, fill, joined

Status = Literal["pass", "warn", "fail"]

FILE = "preflight.json"
"""In a run's folder: what its preflight found, and the reason that was given to train all the same."""
LABELS = {
    "temperature": Text("temperature", "temperatura"),
    "learning-rate": Text("learning rate", "taxa de aprendizado"),
    "schedule": Text("learning rate over the run", "taxa de aprendizado ao longo do treino"),
    "disk": Text("free disk space", "espaço livre em disco"),
    "prompt-length": Text("length of the prompts", "tamanho dos prompts"),
    "epochs": Text("passes over the prompts", "passagens pelos prompts"),
    "train-size": Text("prompts to train on", "prompts de treino"),
    "labels": Text("labels of the prompts", "rótulos dos prompts"),
    "audit-gate": Text("audit of the reward", "auditoria da recompensa"),
    "backend": Text("settings the backend ignores", "campos que o backend ignora"),
    "generation-config": Text("the model's own sampling", "amostragem própria do modelo"),
    "memory": Text("memory", "memória"),
    "rollouts-differ": Text("completions that differ", "respostas diferentes entre si"),
    "signal": Text("groups with signal", "grupos com sinal"),
    "ceiling": Text("completions cut at the ceiling", "respostas cortadas no teto"),
    "thinking": Text("thinking aloud", "pensar em voz alta"),
    "parser": Text("JSON found", "JSON encontrado"),
    "headroom": Text("room for the reward to rise", "espaço para a recompensa subir"),
    "attack": Text("cheap texts", "textos baratos"),
    "over-optimisation": Text("picking by the reward", "escolha pela recompensa"),
    "eval-size": Text("prompts to evaluate on", "prompts de avaliação"),
}
"""What a page calls each check."""


@dataclass(frozen=True)
class Check:
    """One line of the table.

    Attributes:
        name: short and stable.
        status: pass, warn or fail.
        found: the numbers, in words.
        story: what the check guards against: a failure that has happened, in one line.
    """

    name: str
    status: Status
    found: Text
    story: Text

    @property
    def label(self) -> Text:
        """What a page calls it; the name itself for a check of another version."""
        return LABELS.get(self.name, Text(self.name, self.name))


def failures(checks: Iterable[Check]) -> list[Check]:
    """The checks that failed."""
    return [c for c in checks if c.status == "fail"]


def by_task(prompts: Iterable[PromptRecord]) -> dict[str, list[PromptRecord]]:
    """The prompts of each task, in order."""
    tasks: dict[str, list[PromptRecord]] = {}
    for p in prompts:
        tasks.setdefault(p.task, []).append(p)
    return tasks


def task_text(task: str) -> Text:
    """A task in a finding: in English by the name that ``tasks=`` takes."""
    return Text(task, label_of(task).pt)


def each_task(values: Mapping[str, object]) -> Text:
    """Every task with its value: ``sums 150, rhymes 20``."""
    return joined([fill("{t} {v}", "{t} {v}", t=task_text(t), v=_as_text(v)) for t, v in values.items()], ", ")


def listed_tasks(tasks: Iterable[str]) -> Text:
    """The tasks with commas between them."""
    return joined([task_text(task) for task in tasks], ", ")


def _as_text(value: object) -> Text:
    return value if isinstance(value, Text) else Text(str(value), str(value))


def as_table(checks: Iterable[Check]) -> str:
    """The checks as a table for a terminal or a log, in English."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Preflight", title_justify="left", expand=False)
    for column in ("check", "", "found", "guards against"):
        table.add_column(column, overflow="fold")
    colours = {"pass": "green", "warn": "yellow", "fail": "bold red"}
    for c in checks:
        table.add_row(c.name, f"[{colours[c.status]}]{c.status}[/]", c.found.en, c.story.en)
    console = Console(width=120)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def as_dicts(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """The checks as plain values, for JSON: in English, and beside that in Portuguese."""
    return [
        {
            "name": c.name,
            "status": c.status,
            "found": c.found.en,
            "story": c.story.en,
            "pt": {"found": c.found.pt, "story": c.story.pt},
        }
        for c in checks
    ]


def from_dicts(rows: Iterable[Mapping[str, Any]]) -> list[Check]:
    """What ``as_dicts`` made; what was written in English alone, by an earlier version, is said in English."""
    return [Check(row["name"], row["status"], _both(row, "found"), _both(row, "story")) for row in rows]


def _both(row: Mapping[str, Any], name: str) -> Text:
    return Text(row[name], row.get("pt", {}).get(name, row[name]))


def checks_in(folder: Path) -> list[Check]:
    """What the preflight of the run in ``folder`` found; empty where it made none, or its file cannot be read."""
    return from_dicts((read_json(folder / FILE) or {}).get("checks", []))
