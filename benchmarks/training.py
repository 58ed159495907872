"""How much slower our trainer is than plain TRL, and how much time batched evaluation saves, as ratios of one run.

python -m benchmarks.training                    # both; about ten minutes on two cores
python -m benchmarks.training --only steps --pairs 12
python -m benchmarks.training --only evaluation

Seconds per step and peak memory: our trainer against trl.GRPOTrainer with the same model, prompts, seed, rewards and
settings. A pair is a process of each, and they take their steps by turns, one at a time, in an order that alternates (A B,
B A, ...), so that a slow moment of the machine affects both. The ratio is the median over at least eight pairs, with its
spread; two processes of plain TRL beside one another say how much of that is the machine's. Run it on a machine at rest.
Evaluation: batched against the seed's loop of one prompt at a time, greedy, with the texts compared.
"""

import json
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated, Any

import typer

FEWEST_PAIRS = 8
MOST_OVERHEAD = 1.03
"""What our trainer may cost over plain TRL."""
READY = "ready"
"""What a turn prints before each step."""


def main(
    only: Annotated[str, typer.Option(help="steps or evaluation; both when left out.")] = "",
    pairs: Annotated[int, typer.Option(min=FEWEST_PAIRS, help="Pairs of turns.")] = FEWEST_PAIRS,
) -> None:
    """Measure."""
    results = {}
    if only in ("", "steps"):
        results |= _compare_steps(pairs)
    if only in ("", "evaluation"):
        results |= _compare_evaluation()
    path = Path(__file__).parent / "results" / "training.json"
    path.parent.mkdir(exist_ok=True)
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**kept, **results}, indent=2) + "\n", encoding="utf-8")


def _compare_steps(pairs: int) -> dict[str, Any]:
    found = [_side_by_side("ours", "plain", swapped=i % 2 == 1) for i in range(pairs)]
    same = [_side_by_side("plain", "plain", swapped=i % 2 == 1) for i in range(pairs // 2)]
    ratios = {clock: [_ratio(*pair, clock) for pair in found] for clock in ("seconds", "cpu")}
    noise = [_ratio(*pair, "seconds") for pair in same]
    own = median(ours["own"] for ours, _ in found)
    memory = [median(turn["peak_gb"] for turn in turns) for turns in zip(*found, strict=True)]
    texts = {json.dumps(turn["lengths"]) for pair in found + same for turn in pair}
    for clock, values in ratios.items():
        print(f"ours to plain TRL, {clock} per step, median of {pairs} pairs: {_in_words(values)}")
    print(f"plain TRL to itself, seconds per step: {_in_words(noise)}")
    print(f"at most {MOST_OVERHEAD}: {median(ratios['seconds']) <= MOST_OVERHEAD}")
    print(f"what only our trainer does: {own:.1%} of a step")
    print(f"peak memory: ours {memory[0]:.2f} GB, plain TRL {memory[1]:.2f} GB")
    print(f"the same completion lengths in every turn: {len(texts) == 1}")
    return {
        "pairs": pairs,
        "step_ratio": _summary(ratios["seconds"]),
        "step_ratio_cpu": _summary(ratios["cpu"]),
        "plain_to_itself": _summary(noise),
        "own_share_of_step": round(own, 5),
        "peak_gb_ours": round(memory[0], 3),
        "peak_gb_plain": round(memory[1], 3),
    }


def _side_by_side(one: str, other: str, swapped: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """A turn of each in a process of its own, step by step: never both at work.

    Args:
        one, other: whose turn.
        swapped: start the second one first: the one that starts first was found a little slower (1.6 %), whichever it is.
    """
    turns = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.training_turn", kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for kind in ((other, one) if swapped else (one, other))
    ]
    said = [_next_line(turn) for turn in turns]
    for step in count():
        for i in (0, 1) if step % 2 == 0 else (1, 0):
            if said[i] != READY:
                continue
            turns[i].stdin.write("go\n")  # type: ignore[union-attr]
            turns[i].stdin.flush()  # type: ignore[union-attr]
            said[i] = _next_line(turns[i])
        if READY not in said:
            break
    for turn in turns:
        turn.wait()
    first, second = map(json.loads, said)
    return (second, first) if swapped else (first, second)


def _next_line(turn: subprocess.Popen[str]) -> str:
    """Its next line that is ours: it is ready for a step, or its results."""
    for line in turn.stdout or ():
        if (found := line.strip()) == READY or found.startswith('{"own"'):
            return found
    raise SystemExit(f"a turn ended with code {turn.wait()}; run python -m benchmarks.training_turn ours by hand")


def _ratio(one: dict[str, Any], other: dict[str, Any], clock: str) -> float:
    """The median over the steps of (one / other). The same seed gives both the same completions, so a step is compared with
    the same step of the other."""
    return median(a / b for a, b in zip(one[clock], other[clock], strict=True))


def _summary(ratios: list[float]) -> dict[str, float]:
    """Median, quartiles and extremes."""
    low, middle, high = quantiles(ratios, n=4)
    found = {"median": middle, "q1": low, "q3": high, "min": min(ratios), "max": max(ratios)}
    return {name: round(value, 3) for name, value in found.items()}


def _in_words(ratios: list[float]) -> str:
    s = _summary(ratios)
    return f"{s['median']:.3f} (half of them {s['q1']:.3f} to {s['q3']:.3f}, all {s['min']:.3f} to {s['max']:.3f})"


def _compare_evaluation() -> dict[str, float]:
    from backend.models.generate import generate
    from backend.models.load import PolicyConfig, load_policy
    from backend.records import Sampling
    from backend.runs.create import run_prompts
    from backend.training.config import get_preset

    config = get_preset("nano")
    chats = [p.chat for p in run_prompts(config) if p.split == "eval"]
    policy = load_policy(PolicyConfig())
    sampling = Sampling(temperature=0, max_new_tokens=config.max_completion_length)
    batched_seconds, seeds_seconds = [], []
    for _ in range(3):
        began = time.perf_counter()
        batched = [group[0].text for group in generate(policy, chats, sampling, batch_size=config.eval_batch_size)]
        batched_seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
        one_by_one = [_seed_generate(policy, chat, sampling.max_new_tokens) for chat in chats]
        seeds_seconds.append(time.perf_counter() - began)
    ratio = min(seeds_seconds) / min(batched_seconds)
    same = sum(a == b for a, b in zip(batched, one_by_one, strict=True))
    print(
        f"evaluation of {len(chats)} prompts: batched {min(batched_seconds):.1f} s, one by one {min(seeds_seconds):.1f} s"
    )
    print(f"ratio {ratio:.1f}; identical greedy texts: {same} of {len(chats)}")
    return {"evaluation_ratio": round(ratio, 2), "identical_texts": same, "prompts": len(chats)}


def _seed_generate(policy: object, chat: list[dict[str, str]], limit: int) -> str:
    """Generate for one prompt at a time, as the seeds' evaluation loop did."""
    import torch

    model, tokenizer = policy.model, policy.tokenizer  # type: ignore[attr-defined]
    text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    inputs = tokenizer(text, return_tensors="pt", add_special_tokens=False).to(model.device)
    inputs.pop("token_type_ids", None)
    with torch.no_grad():
        output = model.generate(**inputs, max_new_tokens=limit, do_sample=False)
    return tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)


if __name__ == "__main__":
    typer.run(main)
