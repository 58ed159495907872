"""What a run needs of the store, written into its folder, so that it can train where no store is."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backend.audit.gate import Gate
from backend.audit.gates import standing_gates
from backend.errors import UserError
from backend.files import read_json, write_json
from backend.store.engine import reading
from backend.wording import Text

_GATES = "gates.json"


def pack_gates(folder: Path, profile: str) -> None:
    """Write the audit's standing gates for a profile into the folder; preflight reads them there."""
    with reading() as session:
        gates = standing_gates(session, profile)
    write_json(folder / _GATES, {task: asdict(gate) for task, gate in gates.items()})


def packed_gates(folder: Path) -> Mapping[str, Gate]:
    """The gates in a folder, per task; empty where none were packed.

    Raises:
        UserError: the file is damaged.
    """
    found: Any = read_json(folder / _GATES)
    try:
        return {task: Gate(g["verdict"], Text(*g["reason"])) for task, g in (found or {}).items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder / _GATES} is damaged: {error!r}. Remove it to train without the audit's word"
        ) from error
