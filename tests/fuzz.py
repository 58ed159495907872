"""Ten thousand broken files for every import: each is taken, or refused with a message and nothing left behind.

    python -m tests.fuzz                 # about two minutes; ends at the first case that breaks the promise
    python -m tests.fuzz --cases 500 --seed 3

A case is a good file with bytes flipped, cut, doubled or replaced by what has broken importers before: NUL, half characters,
byte order marks, numbers too large, deep nesting, quotes, formulas, paths, terminal escapes.
"""

import random
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import func, select

from backend.errors import UserError
from backend.store.engine import reading, writing
from backend.store.tables import Base
from benchmarks.workbenches import workbench_at

NASTY = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\\u0000", b"\\ud800", b"\\udc00\\ud800", b"1e999", b"-1e999", b"NaN", b"Infinity",
    b"9" * 5000, b"0.1e-400", b"[" * 3000, b'{"a":' * 3000, b"null", b"true", b'""', b"[]", b"{}", b'"', b"'", b",", b";", b"\r", b"\n",
    b"\r\n", b"\xe2\x80\xa8", b"\xc2\x85", b"=cmd|' /C calc'!A0", b"../../../../etc/passwd", b"\x1b[2J\x1b]0;x\x07", b"<script>",
    b"\xf0\x9f\x8e\x81", b"\xd9\x85", b"%s%n", b"{}{}", b"-1", b"6", b"4.5", b'"5"', b"1" * 400, b"\t", b"\\", b"/*", b"$(id)",
]  # fmt: skip
PROMPTS = (
    b'{"task": "extraction", "prompt": "Nota: 2/5 chegou quebrado", "facts": {"nota": 2}, "split": "train"}\n'
    b'{"task": "push", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "Crie um push"}]}\n'
)
RATINGS = (
    b'{"task": "push", "prompt": "Crie um push", "completion": "Oi!", "score": 4, "rater": "Ana", "comment": "bom"}\n'
    b'{"task": "push", "prompt": "Crie um push", "completion": "Tchau", "score": 1, "rater": "Bia"}\n'
)
RATINGS_CSV = (
    b'task,prompt,completion,score,rater,comment\npush,Crie um push,Oi!,4,Ana,"bom, sim"\npush,Crie,Tchau,1,Bia,\n'
)
ARGILLA = (
    b'[{"id": "1", "fields": {"prompt": "Crie um push", "completion": "Oi"}, "metadata": {"task": "push"}, "responses": '
    b'{"rating": [{"value": 4, "user_id": "u1"}], "comment": [{"value": "bom", "user_id": "u1"}]}}]'
)
LABEL_STUDIO = (
    b'[{"id": 1, "data": {"task": "push", "prompt": "Crie um push", "completion": "Oi"}, "annotations": [{"id": 7, '
    b'"completed_by": {"id": 3, "email": "ana@example.com"}, "result": [{"type": "rating", "value": {"rating": 4}}, '
    b'{"type": "textarea", "value": {"text": ["bom"]}}]}]}]'
)
LOGS = b'{"log_history": [{"step": 1, "loss": 0.5, "epoch": 0.1}, {"step": 2, "loss": 0.4, "reward": 0.3}]}'
LOG_LINES = b'{"step": 1, "loss": 0.5}\n{"step": 2, "metrics": {"loss": 0.4}}\n'


def _prompts(path: Path) -> None:
    from backend.data.jsonl import read_prompts
    from backend.store.prompts import save_prompt_set

    records = read_prompts(path)
    with writing() as session:
        save_prompt_set(session, records, path.name)


def _ratings(path: Path) -> None:
    from backend.audit.exchange import import_ratings, read_ratings

    records = read_ratings(path)
    with writing() as session:
        import_ratings(session, records)


def _logs(path: Path) -> None:
    from backend.runs.imported import import_run

    import_run(path)


def _olist(path: Path) -> None:
    """One of the files is broken, the others are good."""
    from backend.commerce.olist import import_olist

    import_olist(path.parent, path.parent / "shop.db")


def mutated(rng: random.Random, good: bytes) -> bytes:
    """The file after one to four accidents."""
    data = bytearray(good)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((1, 1, 2, 5, 20)))
        kind = rng.randrange(6)
        if kind == 0:
            data[at:at] = rng.choice(NASTY)
        elif kind == 1:
            data[at:end] = rng.choice(NASTY)
        elif kind == 2:
            del data[at:end]
        elif kind == 3:
            del data[at:]
        elif kind == 4 and data:
            data[at % len(data)] = rng.randrange(256)
        else:
            data[at:at] = data[:end]
    return bytes(data)


def rows() -> dict[str, int]:
    """How many rows each table has."""
    with reading() as session:
        return {t.name: session.scalar(select(func.count()).select_from(t)) or 0 for t in Base.metadata.sorted_tables}


def targets(folder: Path) -> list[tuple[str, bytes, Callable[[Path], None]]]:
    """(file name, good content, importer) of everything that can be imported."""
    from benchmarks.olist_files import write_olist

    files = write_olist(folder / "olist", orders=6, geolocation=3)
    found: list[tuple[str, bytes, Callable[[Path], None]]] = [
        ("prompts.jsonl", PROMPTS, _prompts),
        ("ratings.jsonl", RATINGS, _ratings),
        ("ratings.csv", RATINGS_CSV, _ratings),
        ("argilla.json", ARGILLA, _ratings),
        ("label_studio.json", LABEL_STUDIO, _ratings),
        ("trainer_state.json", LOGS, _logs),
        ("log.jsonl", LOG_LINES, _logs),
    ]
    return found + [(f"olist/{path.name}", path.read_bytes(), _olist) for path in sorted(files.iterdir())]


def run_cases(folder: Path, cases: int, seed: int) -> Counter[str]:
    """Try so many cases; returns how many were taken and refused, by file.

    Raises:
        AssertionError: something else than a ``UserError`` came out, or a refused file left rows behind.
    """
    rng = random.Random(seed)
    told: Counter[str] = Counter()
    every = targets(folder)
    for name, good, take in every:  # the good ones are taken
        (folder / name).write_bytes(good)
        take(folder / name)
    for case in range(cases):
        # One in eight is a shop: it takes longer than all the others together.
        name, good, take = rng.choice([e for e in every if (e[2] is _olist) == (case % 8 == 0)])
        path, data = folder / name, mutated(rng, good)
        path.write_bytes(data)
        before = rows()
        try:
            take(path)
            told[f"{name} taken"] += 1
        except UserError as error:
            told[f"{name} refused"] += 1
            assert str(error).strip() and rows() == before, (
                f"case {case} of seed {seed} left something behind: {data!r}"
            )
        except Exception as error:
            raise AssertionError(
                f"case {case} of seed {seed}, {name}: {type(error).__name__}: {error}\n{data!r}"
            ) from error
        finally:
            path.write_bytes(good)
    return told


def main(cases: Annotated[int, typer.Option(min=1)] = 10_000, seed: Annotated[int, typer.Option()] = 0) -> None:
    """Run the fuzz."""
    with tempfile.TemporaryDirectory() as name, workbench_at(Path(name)) as folder:
        told = run_cases(folder, cases, seed)
    for what, count in sorted(told.items()):
        print(f"{count:6} {what}")


if __name__ == "__main__":
    typer.run(main)
