"""Import of an Olist export into commerce.db: seconds and memory, against one pandas.read_csv and to_sql per file.

    python -m benchmarks.data --orders 100000

Each is measured in a process of its own. The baseline does not check, join or mask anything, so the ratio shows the cost
of these steps. Written to benchmarks/results/data.json.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "data.json"


def ours(folder: Path, out: Path) -> None:
    """The workbench's import."""
    from backend.commerce.olist import import_olist

    import_olist(folder, out)


def plain(folder: Path, out: Path) -> None:
    """Each file read as it is and written as a table."""
    import sqlite3

    import pandas as pd

    with sqlite3.connect(out) as db:
        for path in sorted(folder.glob("*.csv")):
            pd.read_csv(path).to_sql(path.stem, db, index=False)


def prompts(folder: Path, out: Path) -> None:
    """5,000 prompts from the shop."""
    from backend.commerce.prompts import build_prompts, counts_for

    build_prompts(out, counts_for(5000))


WAYS = {"plain": plain, "ours": ours, "prompts": prompts}


def _measured(way: str, folder: Path, out: Path) -> dict[str, float]:
    code = f"from benchmarks.data import _run; _run({way!r}, {str(folder)!r}, {str(out)!r})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _run(way: str, folder: str, out: str) -> None:
    began = time.perf_counter()
    WAYS[way](Path(folder), Path(out))
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))


def main() -> None:
    """Measure, print, and write the results."""
    from benchmarks.olist_files import write_olist

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    orders = parser.parse_args().orders
    with tempfile.TemporaryDirectory() as name:
        folder = write_olist(Path(name) / "olist", orders)
        size = sum(p.stat().st_size for p in folder.iterdir()) / 1e6
        found = {
            way: _measured(way, folder, Path(name) / ("plain.db" if way == "plain" else "shop.db")) for way in WAYS
        }
    result = {"orders": orders, "megabytes": round(size), "cpus": os.cpu_count(), **found}
    result["ours / plain, seconds"] = found["ours"]["seconds"] / found["plain"]["seconds"]
    for way, of in found.items():
        print(f"{way:8} {of['seconds']:6.1f} s  {of['gb']:.2f} GB")
    print(f"import against the plain way: {result['ours / plain, seconds']:.2f}x the time, for {size:.0f} MB of CSV")
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
