"""people.json in a run's folder: what people say of its evaluations so far. Whoever has the store writes it, the stop rules read it."""

from pathlib import Path

from backend.evaluation.watched import Watched
from backend.files import read_json, write_json

_FILE = "people.json"


def write_people(folder: Path, people: Watched) -> None:
    """Write people's scores (1 to 5) and how surely they do not go along, step by step, as series that the rules read."""
    key = f"{people.name}/{people.task}"
    found = {step: people.now(step) for step in people.other.steps}
    series = {
        "eval/people": [(step, 1 + 4 * people.other.mean(place)) for place, step in enumerate(people.other.steps)],
        f"eval/gap/{key}": [(step, p.strength if p is not None else 0.0) for step, p in found.items()],
        f"eval/gap_since/{key}": [(step, p.since) for step, p in found.items() if p is not None],
    }
    write_json(folder / _FILE, series)


def read_people(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What ``write_people`` wrote; nothing before that."""
    series = read_json(folder / _FILE) or {}
    return {name: [(int(step), float(value)) for step, value in points] for name, points in series.items()}
