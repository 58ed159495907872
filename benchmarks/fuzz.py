"""Fuzz the rewards: mutated completions must never raise, and never score outside [0, 1].

    python -m benchmarks.fuzz                 # 1,000,000 completions; minutes on one core
    python -m benchmarks.fuzz --count 20000   # a quick try

What goes wrong is printed with the seed that makes it again.
"""

import json
import random
from collections.abc import Callable
from typing import Annotated

import typer
from rich.progress import track

from rewards import BUILT_IN_TASKS, PROFILES, TASKS, score

HOSTILE: dict[str, Callable[[int], str]] = {
    "open braces": lambda n: "{" * n,
    "brace and quote": lambda n: '{"' * (n // 2),
    "nested keys": lambda n: '{"a":' * (n // 5),
    "open brackets": lambda n: '{"a":' + "[" * n,
    "escaped quotes": lambda n: '{"a": "' + '\\"' * (n // 2),
    "empty objects": lambda n: "{" + "{}" * (n // 2),
    "bad objects": lambda n: '{"a":1 "b":}' * (n // 12),
    "fences": lambda n: "\n```{" * (n // 5),
    "think": lambda n: "<think>" * (n // 7),
    "select": lambda n: "select " * (n // 7),
    "select from": lambda n: "select a from " * (n // 14),
    "select list": lambda n: "select x," * (n // 9) + "from",
    "with as": lambda n: "with as ( " * (n // 10),
    "comments": lambda n: "select a --" * (n // 11),
    "quotes": lambda n: "'" * n,
    "digits": lambda n: "1" * n,
    "dots": lambda n: "1." * (n // 2),
    "colons": lambda n: '{"a":' + ": " * (n // 2),
    "money": lambda n: "R$ " * (n // 3),
    "nota": lambda n: "nota 1.." * (n // 8),
    "bullets": lambda n: "- a\n" * (n // 4),
    "bold": lambda n: "**a" * (n // 3),
    "blank lines": lambda n: "\n \n" * (n // 3),
    "zero width": lambda n: "\u200b" * n,
    "accents": lambda n: "ção " * (n // 4),
    "every character": lambda n: "".join(map(chr, range(32, 0xD800))) * (n // 55_000 + 1),
    "prose": lambda n: "recomendamos melhorar a entrega do cliente. " * (n // 44),
}
PIECES = ["{", "}", "[", "]", '"', "'", ",", ":", "\\", "\n", "```", "<think>", "</think>", "4,5", "R$ 1.234,56", "NaN"]
PIECES += [
    "SELECT ",
    " FROM ",
    "nota 5",
    "\u200b",
    "🎁",
    "\ud800",
    "\x00",
    "- ",
    "## ",
    "true",
    "//",
    "/*",
    "é",
    "\u202e",
]


def seeds() -> list[str]:
    """Completions to start from: the probes, a good object, a query, hostile text."""
    texts = [p.completion[:2000] for task in BUILT_IN_TASKS.values() for p in task.probes] + [
        make(400) for make in HOSTILE.values()
    ]
    texts.append(json.dumps({"sentiment": "positivo", "nota": 4.5, "itens": [1, 2], "obs": 'aspas " e {chaves}'}))
    texts.append("```sql\nSELECT uf, COUNT(*) FROM pedidos GROUP BY uf;\n```\nForam 35% em SP, com R$ 12,90 de frete.")
    return texts


def mutate(rng: random.Random, text: str) -> str:
    """A few random edits: cut, repeat, delete, insert, shuffle a slice."""
    for _ in range(rng.randint(1, 6)):
        a, b = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
        kind = rng.randint(0, 4)
        if kind == 0:
            text = text[:a]
        elif kind == 1:
            text = text[:b] + text[a : min(b, a + 200)] * rng.randint(1, 3) + text[b:]
        elif kind == 2:
            text = text[:a] + text[min(b, a + 20) :]
        elif kind == 3:
            text = text[:a] + rng.choice(PIECES) * rng.randint(1, 4) + text[a:]
        else:
            piece = list(text[a : min(b, a + 40)])
            rng.shuffle(piece)
            text = text[:a] + "".join(piece) + text[a + len(piece) :]
    return text[:4000]


def main(count: Annotated[int, typer.Option(min=1)] = 1_000_000, seed: int = 0) -> None:
    """Score ``count`` mutated completions; exit with 1 if one raised or scored outside [0, 1]."""
    texts, profiles, broken = seeds(), list(PROFILES), 0
    for i in track(range(count), description="fuzzing"):
        rng = random.Random(f"{seed}-{i}")
        text, task, profile = mutate(rng, rng.choice(texts)), rng.choice(TASKS), rng.choice(profiles)
        try:
            total = score(task, text, rng.choice(texts), profile).total
            problem = None if 0 <= total <= 1 else f"total {total}"
        except Exception as error:  # exceptions are what this search is for
            problem = repr(error)
        if problem:
            broken += 1
            print(f"seed {seed}-{i}: {task} {profile}: {problem}: {text[:200]!r}")
    print(f"{count} completions, {broken} broke a promise")
    raise typer.Exit(1 if broken else 0)


if __name__ == "__main__":
    typer.run(main)
