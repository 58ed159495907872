"""What our trainer costs over plain TRL, and what batched evaluation saves, as ratios within one run.

python -m benchmarks.training                    # all three; about six minutes on two cores
python -m benchmarks.training --only evaluation

Seconds per step and peak memory: our trainer against trl.GRPOTrainer with the same model, prompts, seed, rewards and
settings, in processes that take turns (A B B A ...), so that a slow moment of the machine hits both. Evaluation: batched
against the seed's loop of one prompt at a time, greedy, with the texts compared.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

TURNS = ("ours", "plain", "plain", "ours", "ours", "plain", "plain", "ours")
STEPS = 8
SKIPPED = 2
"""The first steps of a process warm up its allocator and are not counted."""


def main(
    only: Annotated[str, typer.Option(help="steps or evaluation; both when left out.")] = "",
    worker: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Measure."""
    if worker:
        print(json.dumps(_train(worker)))
        return
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
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.training", "--worker", kind], capture_output=True, text=True, check=True
        )
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
    """Median over the steps of (the quickest of our turns) / (the quickest of plain TRL's)."""
    ours, plain = (list(zip(*(r[clock] for r in runs[kind]), strict=True)) for kind in ("ours", "plain"))
    return median(min(a) / min(b) for a, b in zip(ours, plain, strict=True))


def _train(kind: str) -> dict[str, object]:
    """A few steps of nano under one of the trainers: seconds of each step, peak memory, mean completion lengths."""
    import resource

    import torch
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOTrainer

    from backend.models.load import load_policy
    from backend.runs.create import run_prompts
    from backend.training.config import get_preset, override
    from backend.training.reward_functions import components_of, reward_functions
    from backend.training.sampling import PromptSampler
    from backend.training.trainer import WorkbenchTrainer, grpo_arguments

    class Clock(TrainerCallback):
        def __init__(self) -> None:
            self.seconds: list[float] = []
            self.cpu: list[float] = []
            self.lengths: list[float] = []

        def on_step_begin(self, *_: object, **__: object) -> None:
            self.began, self.cpu_began = time.perf_counter(), time.process_time()

        def on_step_end(self, *_: object, **__: object) -> None:
            self.seconds.append(time.perf_counter() - self.began)
            self.cpu.append(time.process_time() - self.cpu_began)

        def on_log(self, args: object, state: object, control: object, logs: dict | None = None, **_: object) -> None:
            self.lengths += [logs["completions/mean_length"]] if logs and "completions/mean_length" in logs else []

    class Metered(WorkbenchTrainer):
        """Ours, with the time spent in our part of a step: what surrounds TRL's own computing of the rewards."""

        def _calculate_rewards(self, *arguments: object) -> object:
            began = time.perf_counter()
            try:
                return super()._calculate_rewards(*arguments)
            finally:
                spent["ours"] += time.perf_counter() - began

    def metered(trainer: object, *arguments: object) -> object:
        began = time.perf_counter()
        try:
            return trls(trainer, *arguments)
        finally:
            spent["trl"] += time.perf_counter() - began

    spent = {"ours": 0.0, "trl": 0.0}
    trls = GRPOTrainer._calculate_rewards
    GRPOTrainer._calculate_rewards = metered
    config = override(get_preset("nano"), {"max_steps": STEPS, "eval_steps": 1000})
    prompts = [p for p in run_prompts(config) if p.split == "train"]
    components = components_of(tuple(dict.fromkeys(p.task for p in prompts)))
    rows = [{"prompt": p.chat, "task": p.task, "user_text": p.user_text} for p in prompts]
    torch.manual_seed(config.seed)
    policy = load_policy(config, trainable=True)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        arguments = grpo_arguments(config, components, folder, policy.backend)
        arguments.load_best_model_at_end = False
        arguments.save_strategy = arguments.eval_strategy = "no"
        order = PromptSampler([r["task"] for r in rows], config.prompts_per_step, 1, 1, STEPS, config.seed)
        if kind == "plain":  # plain TRL, given the prompts in the order in which ours draws them
            rows = [rows[i] for i in order]
            arguments.shuffle_dataset = False
        extra = {"components": components, "evaluate": lambda step: {"mean_reward": 0.0}, "config": config}
        trainer = (Metered if kind == "ours" else GRPOTrainer)(
            model=policy.model,
            processing_class=policy.tokenizer,
            args=arguments,
            reward_funcs=reward_functions(components, config.profile),
            train_dataset=Dataset.from_list(rows),
            callbacks=[clock],
            **(extra if kind == "ours" else {}),
        )
        trainer.train()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    own = (spent["ours"] - spent["trl"]) / sum(clock.seconds)
    return {
        "own": own,
        "seconds": clock.seconds[SKIPPED:],
        "cpu": clock.cpu[SKIPPED:],
        "peak_gb": peak,
        "lengths": clock.lengths,
    }


def _compare_evaluation() -> dict[str, float]:
    from backend.models.generate import Sampling, generate
    from backend.models.load import PolicyConfig, load_policy
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
    """One prompt, as the seeds' evaluation loop generates it."""
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
