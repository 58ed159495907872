"""Import and export ratings: the project's JSONL and CSV, and (import only) exports of Argilla and Label Studio.

workbench ratings export ratings.csv
workbench ratings import from-argilla.json

If a file has bad entries, all of them are reported with their place, and nothing is imported. An export replaces raters'
names by pseudonyms. A CSV cell that a spreadsheet would run as a formula gets an apostrophe in front; an import removes
it again.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import case, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.errors import UserError, bad_rows, reason
from backend.files import (
    check_text,
    csv_records,
    load_users_json,
    load_users_line,
    numbered_lines,
    read_users_text,
    write_whole,
)
from backend.rating.imported import ImportedScore, import_scores
from backend.records import Message, PromptRecord
from backend.store.engine import in_parts, in_turn
from backend.store.frames import read_frame
from backend.store.prompts import save_prompts
from backend.store.ratings import scored_ratings
from backend.store.tables import ATTACK, Completion, Prompt, Rating, made_by_attack
from backend.suites import get_task

COLUMNS = ("task", "prompt", "completion", "score", "rater", "comment", "origin")
"""The last two may be missing; ``origin`` is ``attack`` where an attack wrote the completion, and else empty."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class RatingRecord(BaseModel):
    """One rating in a file."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    task: str
    prompt: str = Field(min_length=1)
    completion: str
    score: int = Field(ge=1, le=5)
    rater: str = Field(min_length=1, max_length=120)
    comment: str = Field("", max_length=10_000)
    origin: str = ""


def read_ratings(path: Path) -> list[RatingRecord]:
    """Read a file of ratings: JSONL or CSV with ``COLUMNS``, or an Argilla or Label Studio JSON export.

    Raises:
        UserError: the file cannot be read, is of no known format, or has bad entries (named by line or place).
    """
    text = read_users_text(path)
    records, bad = [], []
    for place, row in _rows(path, text):
        try:
            if isinstance(row, ValueError):
                raise row
            check_text(row)
            record = RatingRecord.model_validate(row)
            get_task(record.task)
            records.append(record)
        except ValueError as error:
            bad.append(f"{path}:{place}: {reason(error)}")
    if bad:
        raise bad_rows("ratings", bad)
    if not records:
        raise UserError(f"{path} holds no rating from 1 to 5")
    return records


def _rows(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    """(place, raw rating) of every rating in the file; for a line that is not JSON, the error in place of the rating."""
    if path.suffix.lower() == ".csv":
        records = csv_records(io.StringIO(text, newline=""), path)
        _, header = next(records, (1, []))
        if missing := set(COLUMNS[:5]) - set(header):
            raise UserError(f"{path} lacks the columns {', '.join(sorted(missing))}; it needs {', '.join(COLUMNS)}")
        for number, cells in records:
            if cells:
                yield f"{number}", {k: unneutralised(v) for k, v in zip(header, cells, strict=False) if k}
        return
    try:
        whole = None if path.suffix.lower() == ".jsonl" else load_users_json(text)
    except ValueError:
        whole = None
    if whole is None:
        yield from _json_lines(text)
        return
    entries = whole if isinstance(whole, list) else [whole]
    for i, entry in enumerate(entries):
        yield from _entry(f"entry {i + 1}", entry)


def _json_lines(text: str) -> Iterator[tuple[str, Any]]:
    for number, line in numbered_lines(text):
        try:
            entry = load_users_line(line)
        except ValueError as error:
            yield str(number), error
        else:
            yield from _entry(str(number), entry)


def _entry(place: str, entry: Any) -> Iterator[tuple[str, Any]]:
    """The ratings in one JSON object, whose keys show which tool wrote it."""
    if isinstance(entry, dict) and isinstance(entry.get("annotations"), list):
        tool, read = "Label Studio", _label_studio
    elif isinstance(entry, dict) and isinstance(entry.get("responses"), dict):
        tool, read = "Argilla", _argilla
    else:
        yield place, entry
        return
    try:
        ratings = list(read(place, entry))
    except (AttributeError, KeyError, TypeError) as error:
        yield place, ValueError(f"not as {tool} exports it: {error}")
    else:
        yield from ratings


def _label_studio(place: str, entry: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """A task of Label Studio's JSON export: ``data`` with prompt, completion and task; a result of type rating."""
    for annotation in entry["annotations"]:
        if annotation.get("was_cancelled"):
            continue
        by = annotation.get("completed_by")
        rater = by.get("email") or by.get("id") if isinstance(by, dict) else by
        comments = [
            " ".join(r["value"].get("text", [])) for r in annotation.get("result", []) if r.get("type") == "textarea"
        ]
        for result in annotation.get("result", []):
            if result.get("type") == "rating":
                score = result.get("value", {}).get("rating")
                data = entry.get("data")
                yield (
                    f"{place}, annotation {annotation.get('id', '?')}",
                    {
                        **(data if isinstance(data, dict) else {}),
                        "score": score,
                        "rater": rater,
                        "comment": " ".join(comments),
                    },
                )


def _argilla(place: str, entry: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """A record of Argilla's JSON export: ``fields`` with prompt and completion, task in ``metadata``, a rating question."""
    base = {**(entry.get("metadata") or {}), **(entry.get("fields") or {})}
    comments = {r.get("user_id"): r.get("value") for r in entry["responses"].get("comment", [])}
    for name, responses in entry["responses"].items():
        for response in responses:
            submitted = response.get("status", "submitted") == "submitted"
            if submitted and isinstance(response.get("value"), int):
                rater = response.get("user_id")
                comment = comments.get(rater) or ""
                yield f"{place}, {name}", {**base, "score": response["value"], "rater": rater, "comment": comment}


@needs("engineer")
def import_ratings(session: Session, records: list[RatingRecord]) -> int:
    """Add ratings to the store, and their prompts and completions if those are new; returns the number of ratings.

    An earlier rating of the same completion by the same rater is replaced, so importing a file twice changes nothing.
    """
    in_turn(session, "raters")
    in_turn(session, "ratings")
    completions = _completions(session, records, _prompts(session, records))
    scores = [ImportedScore(completions[r.task, r.prompt, r.completion], r.rater, r.score, r.comment) for r in records]
    import_scores(session, scores)
    return len(records)


def _prompts(session: Session, records: list[RatingRecord]) -> dict[tuple[str, str], str]:
    """(task, text) -> id of the stored prompt, the oldest if there are several; missing prompts are added."""
    wanted = list(dict.fromkeys((r.task, r.prompt) for r in records))
    found: dict[tuple[str, str], str] = {}
    for part in in_parts(wanted):
        texts = {text for _, text in part}
        query = select(Prompt.task, Prompt.user_text, Prompt.id).where(Prompt.user_text.in_(texts))
        for task, text, prompt_id in session.execute(query.order_by(Prompt.created_at, Prompt.id)):
            found.setdefault((task, text), prompt_id)
    new = {
        (task, text): PromptRecord(
            task=task, messages=(Message(role="user", content=text),), split="eval", source="imported ratings"
        )
        for task, text in wanted
        if (task, text) not in found
    }
    save_prompts(session, list(new.values()))
    return found | {key: prompt.id for key, prompt in new.items()}


def _completions(
    session: Session, records: list[RatingRecord], prompts: dict[tuple[str, str], str]
) -> dict[tuple[str, str, str], int]:
    """(task, prompt, text) -> id of the stored completion; missing completions are added."""
    wanted = {(r.task, r.prompt, r.completion): (prompts[r.task, r.prompt], r.completion) for r in records}
    pairs = list(dict.fromkeys(wanted.values()))
    found: dict[tuple[str, str], int] = {}
    for part in in_parts(pairs):
        ids, texts = (set(column) for column in zip(*part, strict=True))
        query = select(Completion.prompt_id, Completion.text, Completion.id).where(
            Completion.prompt_id.in_(ids), Completion.text.in_(texts)
        )
        for prompt_id, text, completion_id in session.execute(query.order_by(Completion.id)):
            found.setdefault((prompt_id, text), completion_id)
    finds = {wanted[r.task, r.prompt, r.completion] for r in records if r.origin == ATTACK}
    new = {
        (prompt_id, text): Completion(
            prompt_id=prompt_id,
            text=text,
            tokens=0,
            truncated=False,
            policy=ATTACK if (prompt_id, text) in finds else "imported",
            generation={},
            sample=0,
        )
        for prompt_id, text in pairs
        if (prompt_id, text) not in found
    }
    session.add_all(new.values())
    session.flush()
    found |= {pair: completion.id for pair, completion in new.items()}
    return {key: found[pair] for key, pair in wanted.items()}


@needs("engineer")
def rating_rows(session: Session) -> pd.DataFrame:
    """Every score with ``COLUMNS``, raters as rater-1, rater-2, ... in order of their first rating."""
    origin = case((made_by_attack(), ATTACK), else_="")
    query = scored_ratings(
        Prompt.task, Prompt.user_text, Completion.text, Rating.score, Rating.rater_id, Rating.comment, origin
    ).order_by(Rating.id)
    frame = read_frame(session, COLUMNS, query)
    names = {rater: f"rater-{i}" for i, rater in enumerate(frame["rater"].unique(), start=1)}
    return frame.assign(rater=frame["rater"].map(names))


def as_jsonl(frame: pd.DataFrame) -> str:
    """The ratings as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in frame.to_dict("records"))


def as_csv(frame: pd.DataFrame) -> str:
    """The ratings as CSV, with every cell safe to open in a spreadsheet."""
    return frame.map(lambda cell: neutralised(cell) if isinstance(cell, str) else cell).to_csv(index=False)


def neutralised(cell: str) -> str:
    """The cell, with an apostrophe in front if a spreadsheet would run it as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) or (cell.startswith("'") and cell[1:2] in (*_FORMULA, "'")) else cell


def unneutralised(cell: str) -> str:
    """The cell without the apostrophe that ``neutralised`` puts in front."""
    return cell[1:] if cell.startswith("'") and cell[1:2] in (*_FORMULA, "'") else cell


def write_ratings(session: Session, path: Path) -> int:
    """Write every rating to a .csv or .jsonl file; returns how many.

    Raises:
        UserError: the name ends in neither.
    """
    frame = rating_rows(session)
    writers = {".csv": as_csv, ".jsonl": as_jsonl}
    if path.suffix.lower() not in writers:
        raise UserError(f"{path} should end in .csv or .jsonl")
    write_whole(path, writers[path.suffix.lower()](frame))
    return len(frame)
