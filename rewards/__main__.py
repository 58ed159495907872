"""The rewards from the terminal: the built-in suite's; ``workbench rewards`` does the same for every suite installed.

    python -m rewards probes --profile v4.3              # what cheats, and what it gets
    python -m rewards score --task TASK out.jsonl        # every line's total and components
    python -m rewards score --task TASK out.jsonl --csv scores.csv
    python -m rewards fingerprint                        # of every task under every profile

A line of the file is an object with ``completion`` and optionally ``prompt`` and ``task`` (which beats ``--task``).
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from rewards import BUILT_IN_TASKS, DEFAULT_PROFILE, PROFILES
from rewards.fingerprint import reward_fingerprint
from rewards.scoring import run_probes, score_text
from rewards.types import Profile, Reward, Task

Row = dict[str, object]


class BadInput(Exception):
    """A file that cannot be scored; the message names every bad line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command on the built-in suite; returns the exit code."""
    profiles = {name: [profile] * len(BUILT_IN_TASKS) for name, profile in PROFILES.items()}
    return run(arguments, BUILT_IN_TASKS, profiles, DEFAULT_PROFILE, "python -m rewards")


def run(
    arguments: Sequence[str] | None,
    tasks: Mapping[str, Task],
    profiles: Mapping[str, Sequence[Profile]],
    default: str,
    name: str,
) -> int:
    """Run a command; returns the exit code (0, or 2 for bad input; probes: 1 when one is over its limit).

    Args:
        arguments: of the command line; those of the process when None.
        tasks: by name.
        profiles: profile's name -> that version of the rules for each of the tasks, in their order.
        default: the profile that counts unless another is named.
        name: of the command.
    """
    parser = argparse.ArgumentParser(prog=name, description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    probes = commands.add_parser("probes", help="completions written to cheat, beside the most each may score")
    scoring = commands.add_parser("score", help="score a JSONL file of completions")
    fingerprints = commands.add_parser("fingerprint", help="the fingerprint of every task's reward under every profile")
    scoring.add_argument("file", type=Path)
    scoring.add_argument("--task", choices=list(tasks), help="task of lines that name none")
    scoring.add_argument("--csv", type=Path, help="write a CSV file instead of a table")
    for command in (probes, scoring):
        command.add_argument("--profile", choices=list(profiles), default=default)
    for command in (probes, scoring, fingerprints):
        command.add_argument("--json", action="store_true", help="print JSON alone")
    given = parser.parse_args(arguments)
    if given.command == "fingerprint":
        _fingerprints(tasks, profiles, given.json)
        return 0
    rules = dict(zip(tasks, profiles[given.profile], strict=True))
    if given.command == "probes":
        return _probes(tasks, rules, given.profile, given.json)
    try:
        _score(given.file, given.task, tasks, rules, given.profile, given.csv, given.json)
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _fingerprints(tasks: Mapping[str, Task], profiles: Mapping[str, Sequence[Profile]], as_json: bool) -> None:
    rows: list[Row] = [
        {
            "profile": name,
            **{
                t.name: reward_fingerprint(t.reward, p)
                for t, p in zip(tasks.values(), of, strict=True)
                if isinstance(t.reward, Reward)
            },
            "what": of[0].summary.en,
        }
        for name, of in profiles.items()
    ]
    (_json if as_json else _table)(rows)


def _probes(tasks: Mapping[str, Task], rules: Mapping[str, Profile], profile: str, as_json: bool) -> int:
    results = [result for task in tasks.values() for result in run_probes(task, rules[task.name])]
    over = sum(not r.passed for r in results)
    if as_json:
        _json(
            [
                {"task": r.task, "probe": r.probe.name, "score": r.total, "limit": r.probe.limit, "passed": r.passed}
                for r in results
            ]
        )
        return 1 if over else 0
    _table(
        [
            {
                "task": r.task,
                "probe": r.probe.name,
                "score": f"{r.total:.2f}",
                "at most": f"{r.probe.limit:.2f}",
                "": "" if r.passed else "OVER",
            }
            for r in results
        ]
    )
    print(f"\n{over} of {len(results)} probes are over their limit under {profile}")
    return 1 if over else 0


def _score(
    path: Path,
    task: str | None,
    tasks: Mapping[str, Task],
    rules: Mapping[str, Profile],
    profile: str,
    to: Path | None,
    as_json: bool,
) -> None:
    rows = []
    for number, line in _lines(path, task, list(tasks)):
        name = str(line["task"])
        reward = tasks[name].reward
        if not isinstance(reward, Reward):
            raise BadInput(f"{name} is scored by a team's own functions: use `workbench audit`")
        s = score_text(reward, str(line["completion"]), str(line["prompt"]), rules[name])
        rows.append(
            {
                "line": number,
                "task": line["task"],
                "total": round(s.total, 4),
                **{k: round(v, 4) for k, v in s.components.items()},
            }
        )
    if as_json:
        _json(rows)
    columns = [
        "line",
        "task",
        "total",
        *dict.fromkeys(c for t in dict.fromkeys(str(r["task"]) for r in rows) for c in tasks[t].reward.maxima),
    ]
    if to is None and as_json:
        return
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
    print(f"wrote {len(rows)} rows to {to}", file=sys.stderr if as_json else sys.stdout)


def _lines(path: Path, task: str | None, known: list[str]) -> list[tuple[int, Row]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {error}. Give a UTF-8 JSONL file.") from error
    found, bad = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append((number, _row(json.loads(line), task, known)))
        except ValueError as error:
            bad.append(f"{path}:{number}: {error}")
    if bad:
        raise BadInput(f"{len(bad)} bad lines, nothing was scored:\n" + "\n".join(bad[:10]))
    if not found:
        raise BadInput(f"{path} has no lines to score")
    return found


def _row(value: object, task: str | None, known: list[str]) -> Row:
    if not isinstance(value, dict) or not isinstance(value.get("completion"), str):
        raise ValueError('give an object with "completion" (text)')
    row = {"prompt": "", "task": task, **value}
    if row["task"] not in known:
        raise ValueError(f"unknown task {row['task']!r}; name one of {', '.join(known)} in the line or with --task")
    if not isinstance(row["prompt"], str):
        raise ValueError('"prompt" must be text')
    return row


def _csv(rows: Iterable[Row], columns: list[str], file: TextIO) -> None:
    writer = csv.DictWriter(file, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)


def _json(rows: list[Row]) -> None:
    print(json.dumps(rows, ensure_ascii=False, indent=2))


def _table(rows: list[Row], columns: list[str] | None = None) -> None:
    columns = columns or list(rows[0])
    cells = [columns, *([str(r.get(c, "")) for c in columns] for r in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    raise SystemExit(main())
