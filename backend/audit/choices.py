"""A file of choices between two completions, beside a file of completions."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from backend.data.completions import Taken
from backend.data.sources import raw_rows
from backend.errors import bad_rows
from backend.rating.pairs import import_pairs
from backend.store.imported import ids_of_keys


def read_choices(path: Path, taken: Taken) -> list[tuple[str, str, str, int]]:
    """A file of choices beside a file of completions: rows of first, second (ids), rater, and better: 1, 2, or 0 for neither.

    Returns:
        (the first one's key, the second one's, rater, better) of each.

    Raises:
        UserError: it cannot be read, or has bad rows (named by place).
    """
    found, bad = [], []
    for place, row in raw_rows(path):
        try:
            if isinstance(row, ValueError):
                raise row
            if missing := [name for name in ("first", "second", "rater", "better") if name not in row]:
                raise ValueError(f"lacks {', '.join(missing)}; a choice is a row of first, second, rater and better")
            keys = [taken.by_id.get(str(row[name])) for name in ("first", "second")]
            if keys[0] is None or keys[1] is None:
                name = "first" if keys[0] is None else "second"
                raise ValueError(f"no completion has the id {str(row[name])[:40]!r}")
            if str(row["better"]).strip() not in ("0", "1", "2"):
                raise ValueError(
                    f"better is 1 (the first), 2 (the second) or 0 (neither), not {str(row['better'])[:20]!r}"
                )
            found.append((keys[0], keys[1], str(row["rater"])[:120], int(row["better"])))
        except (TypeError, ValueError) as error:
            bad.append(f"{path}:{place}: {error}")
    if bad:
        raise bad_rows(f"of {len(found) + len(bad)} choices", bad)
    return found


def take_choices(session: Session, choices: Sequence[tuple[str, str, str, int]]) -> int:
    """Put the choices of a file into the store; returns how many."""
    ids = ids_of_keys(session, list(dict.fromkeys(key for first, second, *_ in choices for key in (first, second))))
    return import_pairs(session, [(ids[first], ids[second], rater, better) for first, second, rater, better in choices])
