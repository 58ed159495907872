"""The process in which a team's reward functions run: ``python -m backend.suites my_rewards.py``.

A request is a line of JSON on standard input, its answer a line on what was standard output when it began. What a function
prints goes to standard error. Before each call the place (function, row) is written to a small file, so that whoever has to end
this process can say where it was.
"""

import asyncio
import json
import os
import struct
import sys
from collections.abc import Callable
from typing import Any, TextIO

from backend.errors import UserError
from backend.suites.judge import Judge
from backend.suites.reward_file import RewardFile, load_reward_file
from rewards.calling import Gap, RewardFault, Row, gap_of, total_of

PLACE = struct.Struct("<ii")
"""Which function and which row, both from 0; -1 for none."""


def serve(spec: str, place: int, requests: TextIO, answers: TextIO) -> None:
    """Answer requests until there are no more.

    Args:
        spec: of the reward file.
        place: an open file, to which the place is written.
        requests, answers: lines of JSON.
    """
    loaded: Any = None
    for line in requests:
        request = json.loads(line)
        try:
            loaded = loaded if loaded is not None else load_reward_file(spec)
            answer = _DO[request["do"]](loaded, request, place)
        except RewardFault as fault:
            answer = {"fault": {"function": fault.function, "what": fault.what, "row": fault.row}}
        except UserError as error:
            answer = {"error": str(error)}
        except SystemExit as error:
            answer = {
                "error": f"a reward function called sys.exit({error.code!r}); it must return a value",
                "exits": True,
            }
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _describe(loaded: Any, request: dict[str, Any], place: int) -> dict[str, Any]:
    """What the parent needs to know of the file; of a suite of the workbench's own kind only that it is one."""
    if not isinstance(loaded, RewardFile):
        return {"is_suite": True}
    files = loaded.own_files()
    return {
        "is_suite": False,
        "name": loaded.name,
        "tasks": {task: dict(weights) for task, weights in loaded.tasks.items()},
        "columns": {
            task: list(dict.fromkeys(column for name in weights for column in loaded.functions[name].columns))
            for task, weights in loaded.tasks.items()
        },
        "is_open": loaded.is_open,
        "guideline": loaded.guideline,
        "criteria": [[c.key, *c.label, *c.what] for c in loaded.criteria],
        "scale": loaded.scale,
        "bounds": loaded.bounds,
        "fingerprints": {task: loaded.fingerprint(task) for task in loaded.tasks},
        "judges": {
            name: {
                "model": judge.model,
                "endpoint": judge.endpoint,
                "fingerprint": judge.fingerprint,
                "price": judge.price,
                "seconds_per_row": judge.seconds_per_row,
            }
            for name, judge in _judges(loaded).items()
        },
        "files": [str(path) for path in files],
        "source": {
            path.relative_to(loaded.root).as_posix(): path.read_text(encoding="utf-8", errors="replace")
            for path in files
        },
    }


def _score(loaded: RewardFile, request: dict[str, Any], place: int) -> dict[str, Any]:
    """The functions' values for the request's rows, and their totals."""
    rows = [Row(r["prompt"], r["completion"], r["columns"], r["form"]) for r in request["rows"]]
    weights = loaded.weights(request["task"])
    ids = [r.get("token_ids") for r in request["rows"]]
    offered = {"completion_ids": ids} if None not in ids else {}
    columns = {}
    for number, name in enumerate(weights):
        os.pwrite(place, PLACE.pack(number, -1), 0)
        columns[name] = loaded.functions[name].values(rows, offered, at=_noting(place, number))
    os.pwrite(place, PLACE.pack(-1, -1), 0)
    values = [{name: column[i] for name, column in columns.items()} for i in range(len(rows))]
    totals = [None if gap_of(row, weights) else total_of(row, weights) for row in values]
    said = [{name: _said(value) for name, value in row.items()} for row in values]
    return {"scores": [list(both) for both in zip(totals, said, strict=True)]}


def _ask(loaded: RewardFile, request: dict[str, Any], place: int) -> dict[str, Any]:
    """A judge's answers beside its reward: of completions once more (``again``), whatever they say, or of pairs."""
    judge = _judges(loaded)[request["judge"]]
    rows = [tuple(row) for row in request["rows"]]
    asked = judge.choices(rows) if request["what"] == "pairs" else judge.scores(rows, request["sample"])
    try:
        return {"answers": [_said(value) for value in asyncio.run(asked)]}
    except LookupError as error:
        raise RewardFault(request["judge"], str(error)) from error


def _judges(loaded: RewardFile) -> dict[str, Judge]:
    """The file's judges by name."""
    return {name: f.call for name, f in loaded.functions.items() if isinstance(f.call, Judge)}


def _said(value: float | Gap | None) -> Any:
    """A value as JSON has it; a gap as its fields."""
    return [value.kind, value.what, value.is_final] if isinstance(value, Gap) else value


_DO: dict[str, Callable[[Any, dict[str, Any], int], dict[str, Any]]] = {
    "describe": _describe,
    "score": _score,
    "ask": _ask,
}


def _noting(place: int, function: int) -> Callable[[int], None]:
    return lambda row: (os.pwrite(place, PLACE.pack(function, row), 0), None)[1]


def main() -> None:
    """Serve, with standard output kept for the answers alone."""
    spec, place = sys.argv[1:3]
    sys.dont_write_bytecode = True  # cached code of a helper would hide an edit in the same second
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(spec, int(place), sys.stdin, answers)
