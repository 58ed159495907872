"""The parser against the seed's on json-repair's own test inputs, class by class, as ratios.

    git clone https://github.com/mangiucugna/json_repair
    python -m benchmarks.parser json_repair/tests        # a minute; figures go to benchmarks/results/parser.json

The inputs are every string with a bracket in that folder's test files, and its JSON files; nothing of them is kept here. A ratio
is ours / seed in the same run, in processor time: below 1 ours is the faster. Three kinds of input are told apart: the seed finds
an object (ours does too), only ours finds one, none does. In the second kind the seed gives up, and ours mostly asks json-repair;
what json-repair takes for these inputs by itself stands beside them.
"""

import ast
import gc
import json
import re
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from rich.progress import track

from benchmarks.rewards import repair_alone
from benchmarks.seed_parser import seed_extract_json
from rewards import extract_json

RESULTS = Path(__file__).parent / "results" / "parser.json"
KINDS = ("seed finds it", "only ours does", "none does")
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


def inputs(folder: Path) -> list[str]:
    """What json-repair's tests hold: every string with a bracket, and every JSON file."""
    found = dict.fromkeys(path.read_text("utf-8") for path in sorted(folder.rglob("*.json")))
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"[{[]", node.value):
                found[node.value] = None
    return list(found)


def class_of(text: str) -> str:
    """What is wrong with an input: the first of these that holds."""
    outside = _STRING.sub("§", text)
    signs = {
        "no object": "{" not in text,
        "valid JSON": _is_json(text),
        "fences": "```" in text,
        "prose around": _is_json(text[text.find("{") : text.rfind("}") + 1]),
        "comments": re.search(r"//|/\*|#", outside),
        "other quotation marks": re.search(r"['“”„‘’]", outside),
        "quotation marks missing or too many": re.search(r'"|§\s*[\w§]|\w\s*§', outside),
        "cut off": any(outside.count(a) > outside.count(b) for a, b in ("{}", "[]")),
        "words without quotation marks": re.search(r"\b(?!true|false|null|\d)[^\W\d]\w*", outside),
    }
    return next((name for name, found in signs.items() if found), "commas, colons and brackets")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def ratios(text: str, rounds: int) -> tuple[float, float]:
    """ours / seed and json-repair / seed: the median over interleaved rounds of about a millisecond each."""
    calls = max(3, int(1e-3 / max(_spent(seed_extract_json, text, 3), 1e-7)))
    ours, repair = [], []
    for _ in range(rounds):
        seed = _spent(seed_extract_json, text, calls)
        ours.append(_spent(extract_json, text, calls) / seed)
        repair.append(_spent(repair_alone, text, calls) / seed)
    return median(ours), median(repair)


def _spent(function: Callable[[str], Any], text: str, calls: int) -> float:
    began = time.process_time()
    for _ in range(calls):
        function(text)
    return (time.process_time() - began) / calls


def main(
    folder: Annotated[Path | None, typer.Argument(help="The tests of json-repair, from its repository.")] = None,
    rounds: Annotated[int, typer.Option(min=1)] = 7,
) -> None:
    """Measure, print, and write the results."""
    if folder is None or not (texts := inputs(folder)):
        print(
            "No inputs: json-repair's tests are in its repository alone, not in its packages. Clone it, and name its tests."
        )
        raise typer.Exit(1)
    print(f"{len(texts)} inputs from {folder.resolve()}; json-repair {version('json-repair')}\n")
    gc.disable()
    measured: dict[str, dict[str, list[tuple[float, float]]]] = {}
    slower = []
    for text in track(texts, description="measuring"):
        ours, seed = extract_json(text), seed_extract_json(text)
        kind = KINDS[0] if seed is not None else KINDS[1] if ours is not None else KINDS[2]
        pair = ratios(text, rounds)
        measured.setdefault(class_of(text), {}).setdefault(kind, []).append(pair)
        if pair[0] > 1:
            slower.append((pair, kind, text))
    for pair, kind, text in sorted(slower, reverse=True):
        print(f"{pair[0]:5.2f}  json-repair {pair[1]:5.2f}  {kind}: {text[:90]!r}")
    print(f"\n{'ours / seed':<38}" + "".join(f"{kind:>24}" for kind in KINDS) + f"{'json-repair / seed':>22}")
    rows = {name: _row(kinds) for name, kinds in sorted(measured.items())}
    every = {kind: [pair for kinds in measured.values() for pair in kinds.get(kind, [])] for kind in KINDS}
    rows["all"] = _row(every)
    for name, row in rows.items():
        said = "".join(f"{_said(row.get(kind)):>24}" for kind in KINDS)
        print(f"{name:<38}{said}{row.get(KINDS[1], {}).get('json_repair', ''):>22}")
    print("(inputs: the median ratio, the largest)")
    results = {"inputs": len(texts), "json-repair": version("json-repair"), "ours / seed": rows}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", "utf-8")


def _row(kinds: dict[str, list[tuple[float, float]]]) -> dict[str, dict[str, float]]:
    return {
        kind: {
            "inputs": len(pairs),
            "median": round(median(ours for ours, _ in pairs), 2),
            "largest": round(max(ours for ours, _ in pairs), 2),
            "slower": sum(ours > 1 for ours, _ in pairs),
            "json_repair": round(median(repair for _, repair in pairs), 2),
        }
        for kind, pairs in kinds.items()
        if pairs
    }


def _said(row: dict[str, float] | None) -> str:
    return f"{row['inputs']}: {row['median']:.2f}, {row['largest']:.2f}" if row else "–"


if __name__ == "__main__":
    typer.run(main)
