"""Simulate every claim and write the table: ``python -m benchmarks.coverage [audit picking comparison selection monitor gap]``.

Seeded; several minutes in all. The table is committed as docs/coverage.md; tests hold a small slice of each claim.
"""

import os
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

from benchmarks.coverage.claim import Measured

PARTS = ("audit", "picking", "comparison", "selection", "monitor", "gap")
"""Modules of this folder, each with a function ``simulate() -> Iterable[Measured]``."""
TABLE = Path(__file__).parents[2] / "docs" / "coverage.md"
_HEAD = "| claim | data | stated | measured | |\n|---|---|---|--:|---|\n"


def as_markdown(part: str, rows: Iterable[Measured]) -> str:
    """One part's table."""
    words = {True: "holds", False: "**does not hold**", None: ""}
    lines = [f"| {r.claim} | {r.shape} | {r.nominal} | {100 * r.value:.1f} % | {words[r.holds]} |" for r in rows]
    return f"<!-- {part} -->\n\n{_HEAD}" + "\n".join(lines) + f"\n\n<!-- end {part} -->"


def replaced(page: str, part: str, table: str) -> str:
    """The page with one part's table replaced."""
    start, end = f"<!-- {part} -->", f"<!-- end {part} -->"
    before, _, rest = page.partition(start)
    return before + table + rest.partition(end)[2]


def main(parts: Iterable[str]) -> None:
    """Simulate the named parts, print their tables and put them into the page."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: with small products, threads only wait
    for part in parts:
        simulate: Callable[[], Iterable[Measured]] = import_module(f"benchmarks.coverage.{part}").simulate
        table = as_markdown(part, simulate())
        print(table, flush=True)
        TABLE.write_text(replaced(TABLE.read_text(encoding="utf-8"), part, table), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:] or PARTS)
