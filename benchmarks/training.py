"""How much slower our trainer is than plain TRL, and how much time batched evaluation saves, as ratios of one run.

python -m benchmarks.training                    # all three; about six minutes on two cores
python -m benchmarks.training --only evaluation

Seconds per step and peak memory: our trainer against trl.GRPOTrainer with the same model, prompts, seed, rewards and
settings, in alternating processes (A B B A ...), so that a slow moment of the machine affects both. Evaluation: batched
against the seed's loop of one prompt at a time, greedy, with the texts compared.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

TURNS = ("ours", "plain", "plain", "ours", "ours", "plain", "plain", "ours")


def main(
    only: Annotated[str, typer.Option(help="steps or evaluation; both when left out.")] = "",
) -> None:
    """Measure."""
    results = {}
    if only in ("", "steps"):
        results |= _compare_steps()
    if only in ("", "evaluation"):
        results |= _compare_evaluation()
    path = Path(__file__).parent / "results" / "training.json"
    path.parent.mkdir(exist_ok=True)
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**kept, **results}, indent=2) + "\n", encoding="utf-8")


def _compare_steps() -> dict[str, float]:
    runs: dict[str, list[dict]] = {"ours": [], "plain": []}
    for kind in TURNS:
        command = [sys.executable, "-m", "benchmarks.training_turn", kind]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        runs[kind].append(json.loads(done.stdout.splitlines()[-1]))
    # The same seed gives both the same completions, so a step is compared with the same step of the other.
    ratio = {clock: _step_ratio(runs, clock) for clock in ("seconds", "cpu")}
    noise = _step_ratio({"ours": runs["plain"][::2], "plain": runs["plain"][1::2]}, "seconds")
    own = median(r["own"] for r in runs["ours"])
    memory = {kind: median(r["peak_gb"] for r in found) for kind, found in runs.items()}
    texts = {json.dumps(r["lengths"]) for found in runs.values() for r in found}
    print(
        f"seconds per step, ours to plain TRL: {ratio['seconds']:.3f} by the clock, {ratio['cpu']:.3f} of processor time"
    )
    print(f"peak memory: ours {memory['ours']:.2f} GB, plain TRL {memory['plain']:.2f} GB")
    print(f"the same completion lengths in every turn: {len(texts) == 1}")
    return {
        "step_ratio": round(ratio["seconds"], 3),
        "step_ratio_cpu": round(ratio["cpu"], 3),
        "plain_to_itself": round(noise, 3),
        "own_share_of_step": round(own, 5),
        "peak_gb_ours": round(memory["ours"], 3),
        "peak_gb_plain": round(memory["plain"], 3),
    }


def _step_ratio(runs: dict[str, list[dict[str, list[float]]]], clock: str) -> float:
    """Median over the steps of (the fastest of our turns) / (the fastest of plain TRL's)."""
    ours, plain = (list(zip(*(r[clock] for r in runs[kind]), strict=True)) for kind in ("ours", "plain"))
    return median(min(a) / min(b) for a, b in zip(ours, plain, strict=True))


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
