"""How fast the rewards are, as ratios: the parser against the seed's algorithm and json-repair, the rest per second.

    python -m benchmarks.rewards            # everything; about two minutes
    python -m benchmarks.rewards --quick    # fewer repetitions, no re-scoring of 100,000

Baselines are measured in the same run, interleaved with ours. A ratio above 1 means that ours is faster.
"""

import json
import random
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Annotated, Any

import json_repair
import typer
from rich.progress import track

from benchmarks.fuzz import HOSTILE, mutate, seeds
from benchmarks.seed_parser import seed_extract_json
from rewards import TASKS, extract_json, score

GOOD = json.dumps(
    {
        "sentiment": "positivo",
        "sentiment_score": 5,
        "churn_risk": 0.1,
        "delivery_issue": False,
        "main_complaint": None,
        "complaint_category": "nenhuma",
    },
    ensure_ascii=False,
)
PROSE = "O cliente elogiou o produto e a entrega, mas reclamou do preço do frete e do atendimento. "
INPUTS: dict[str, str] = {
    "short, valid": GOOD,
    "short, 4,5": GOOD.replace("0.1", "4,5"),
    "fenced": f"```json\n{GOOD}\n```",
    "wrapped in prose": PROSE * 2 + GOOD + "\n" + PROSE * 8,
    "long, valid": json.dumps({f"campo_{i}": "texto " * 10 for i in range(60)}),
    "cut": GOOD[:-30],
    "no object, 2 kB": PROSE * 22,
    "hostile, 40 kB of prose and digits": ("12,5 sem objeto algum " * 1900)[:40_000],
    "hostile, 40 kB of open braces": "{" * 40_000,
}


def seconds(function: Callable[[str], Any], text: str, least: float) -> float:
    """Seconds per call: the best of three rounds of at least ``least`` seconds."""
    best = float("inf")
    for _ in range(3):
        began, calls = time.perf_counter(), 0
        while (spent := time.perf_counter() - began) < least or calls == 0:
            function(text)
            calls += 1
        best = min(best, spent / calls)
    return best


def repair_alone(text: str) -> Any:
    try:
        return json_repair.loads(text)
    except (ValueError, RecursionError):
        return None


def parser(least: float) -> None:
    print(f"{'parser input':<38}{'ours':>11}{'seed':>11}{'json-repair':>13}{'seed/ours':>11}{'repair/ours':>13}")
    for name, text in INPUTS.items():
        ours, seed = seconds(extract_json, text, least), seconds(seed_extract_json, text, least)
        repair = seconds(repair_alone, text[:4000] if name.endswith("braces") else text, least)
        print(
            f"{name:<38}{_time(ours):>11}{_time(seed):>11}{_time(repair):>13}{seed / ours:>10.1f}x{repair / ours:>12.1f}x"
        )
    print("(json-repair alone gets only the first 4 kB of the braces: it is quadratic there)\n")


def throughput(least: float) -> None:
    query = "```sql\nSELECT uf, SUM(price) AS total FROM orders_enriched WHERE month = '2018-05' GROUP BY uf;\n```\n"
    starts = {"extraction": GOOD.replace("0.1", "0,1"), "sql_qa": query + "São 1.240 pedidos e R$ 12,90, 35%. "}
    batch = {task: [(starts.get(task, "") + PROSE * 30)[:2000]] * 32 for task in TASKS}
    mix = {"extraction": 13, "sql_qa": 13, "insights": 3, "push": 3}  # a training step's 32, in the seeds' task mix
    rounds = {task: [(task, text) for text in texts] for task, texts in batch.items()}
    rounds["mixed"] = [(task, batch[task][0]) for task, count in mix.items() for _ in range(count)]
    print(f"{'reward':<14}{'32 x 2,000 characters':>24}{'completions/s':>16}")
    for name, completions in rounds.items():

        def run(_: str, completions: list[tuple[str, str]] = completions) -> None:
            for task, text in completions:
                score(task, text, "Nota: 5/5")

        spent = seconds(run, "", least)
        print(f"{name:<14}{_time(spent):>24}{32 / spent:>16,.0f}")
    print()


def hostile() -> None:
    worst = 0.0
    for name, make in HOSTILE.items():
        text = make(1_000_000)
        for task in TASKS:
            began = time.perf_counter()
            score(task, text, text, "v4.3")
            spent = time.perf_counter() - began
            if spent > worst:
                worst, what = spent, f"{task} on {name}"
    print(f"1 MB of hostile text, {len(HOSTILE)} kinds x {len(TASKS)} rewards: slowest {_time(worst)} ({what})\n")


def _score_batch(batch: list[tuple[str, str]]) -> float:
    return sum(score(task, text, "Nota: 5/5").total for task, text in batch)


def rescore(count: int = 100_000) -> None:
    rng = random.Random(1)
    texts = [(rng.choice(TASKS), mutate(rng, rng.choice(seeds()))) for _ in range(2000)]
    work = [texts[i % len(texts)] for i in range(count)]
    began = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        parts = [work[i : i + 2000] for i in range(0, count, 2000)]
        for _ in track(pool.map(_score_batch, parts), total=len(parts), description=f"re-scoring {count:,}"):
            pass
    print(f"{count:,} completions re-scored on two cores in {time.perf_counter() - began:.1f} s")


def _time(value: float) -> str:
    return f"{value * 1e6:.0f} µs" if value < 1e-3 else f"{value * 1e3:.1f} ms"


def main(quick: Annotated[bool, typer.Option(help="Fewer repetitions, no re-scoring.")] = False) -> None:
    """Print the tables."""
    least = 0.02 if quick else 0.2
    parser(least)
    throughput(least)
    hostile()
    if not quick:
        rescore()


if __name__ == "__main__":
    typer.run(main)
