"""The rewards from the terminal.

    python -m rewards probes --profile v4.3              # what cheats, and what it gets
    python -m rewards score --task extraction out.jsonl  # every line's total and components
    python -m rewards score --task push out.jsonl --csv scores.csv
    python -m rewards fingerprint                        # of every profile

A line of the file is an object with ``completion`` and optionally ``prompt`` and ``task`` (which beats ``--task``).
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from rewards import DEFAULT_PROFILE, PROFILES, fingerprint, registered, reward_for, score
from rewards.probes import run_probes

Row = dict[str, object]


class BadInput(Exception):
    """A file that cannot be scored; the message names every bad line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code (0, or 2 for bad input; probes: 1 when one is over its limit)."""
    parser = argparse.ArgumentParser(
        prog="python -m rewards", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    probes = commands.add_parser("probes", help="completions written to cheat, beside the most each may score")
    scoring = commands.add_parser("score", help="score a JSONL file of completions")
    commands.add_parser("fingerprint", help="the fingerprint of every profile")
    scoring.add_argument("file", type=Path)
    scoring.add_argument("--task", choices=registered(), help="task of lines that name none")
    scoring.add_argument("--csv", type=Path, help="write a CSV file instead of a table")
    for command in (probes, scoring):
        command.add_argument("--profile", choices=PROFILES, default=DEFAULT_PROFILE)
    given = parser.parse_args(arguments)
    try:
        if given.command == "probes":
            return _probes(given.profile)
        if given.command == "fingerprint":
            _table(
                [{"profile": name, "fingerprint": fingerprint(name), "what": p.summary} for name, p in PROFILES.items()]
            )
            return 0
        _score(given.file, given.task, given.profile, given.csv)
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _probes(profile: str) -> int:
    results = run_probes(profile)
    _table(
        [
            {
                "task": r.probe.task,
                "probe": r.probe.name,
                "score": f"{r.total:.2f}",
                "at most": f"{r.probe.limit:.2f}",
                "": "" if r.passed else "OVER",
            }
            for r in results
        ]
    )
    over = sum(not r.passed for r in results)
    print(f"\n{over} of {len(results)} probes are over their limit under {profile}")
    return 1 if over else 0


def _score(path: Path, task: str | None, profile: str, to: Path | None) -> None:
    rows = []
    for number, line in _lines(path, task):
        s = score(str(line["task"]), str(line["completion"]), str(line["prompt"]), profile)
        rows.append(
            {
                "line": number,
                "task": line["task"],
                "total": round(s.total, 4),
                **{k: round(v, 4) for k, v in s.components.items()},
            }
        )
    columns = [
        "line",
        "task",
        "total",
        *dict.fromkeys(c for t in dict.fromkeys(str(r["task"]) for r in rows) for c in reward_for(t).maxima),
    ]
    if to is None:
        _table(rows, columns)
        mean = sum(float(str(r["total"])) for r in rows) / len(rows)
        print(f"\n{len(rows)} completions, mean {mean:.3f} under {profile}")
        return
    try:
        with to.open("w", newline="", encoding="utf-8") as file:
            _csv(rows, columns, file)
    except OSError as error:
        raise BadInput(f"cannot write {to}: {error.strerror}") from error
    print(f"wrote {len(rows)} rows to {to}")


def _lines(path: Path, task: str | None) -> list[tuple[int, Row]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {error}. Give a UTF-8 JSONL file.") from error
    found, bad = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append((number, _row(json.loads(line), task)))
        except ValueError as error:
            bad.append(f"{path}:{number}: {error}")
    if bad:
        raise BadInput(f"{len(bad)} bad lines, nothing was scored:\n" + "\n".join(bad[:10]))
    if not found:
        raise BadInput(f"{path} has no lines to score")
    return found


def _row(value: object, task: str | None) -> Row:
    if not isinstance(value, dict) or not isinstance(value.get("completion"), str):
        raise ValueError('give an object with "completion" (text)')
    row = {"prompt": "", "task": task, **value}
    if row["task"] not in registered():
        raise ValueError(
            f"unknown task {row['task']!r}; name one of {', '.join(registered())} in the line or with --task"
        )
    if not isinstance(row["prompt"], str):
        raise ValueError('"prompt" must be text')
    return row


def _csv(rows: Iterable[Row], columns: list[str], file: TextIO) -> None:
    writer = csv.DictWriter(file, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)


def _table(rows: list[Row], columns: list[str] | None = None) -> None:
    columns = columns or list(rows[0])
    cells = [columns, *([str(r.get(c, "")) for c in columns] for r in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    raise SystemExit(main())
