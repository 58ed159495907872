"""A run of several seeds: train its children one after the other, each in its own process, then compare over seeds."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from backend.errors import UserError
from backend.evaluation.seeds import compare_seeds, seed_table
from backend.evaluation.stored import base_and_tuned, compare_stored
from backend.evaluation.words import chosen_words, on_prompts
from backend.files import write_json
from backend.runs.attempt import End
from backend.runs.lock import HELD
from backend.runs.processes import child_environment
from backend.store.engine import reading
from backend.store.tables import Run


def train_seeds(parent_id: str, children: list[str]) -> End:
    """Train every child that has not finished; returns how the whole ended.

    When a child fails or is stopped, the later ones are not started; resuming the parent continues with that child.
    """
    stopped = _forward_signals()
    for child in children:
        status = _run(child).status
        if status == "finished":
            continue
        if stopped.name:
            return End("stopped", f"stopped by {stopped.name} before {child}", 0)
        print(f"\n--- {child}", flush=True)
        flag = "--run" if status == "queued" else "--resume"
        stopped.process = subprocess.Popen(
            [sys.executable, "-m", "run_training", flag, child], env={**child_environment(), HELD: parent_id}
        )
        stopped.process.wait()
        ended = _run(child)
        if ended.status == "stopped":
            return End("stopped", f"{child}: {ended.reason}", 0)
        if ended.status != "finished":
            return End("failed", f"{child}: {ended.reason or 'its process died'}", 1)
    comparison = aggregate(children)
    write_json(Path(_run(parent_id).folder) / "comparison_over_seeds.json", comparison)
    print(f"\n{seed_table(comparison)}\n{comparison['prompts']}. {comparison['caution']}".rstrip(), flush=True)
    return End("finished", f"{len(children)} seeds", 0)


def aggregate(children: list[str]) -> dict[str, Any]:
    """The comparison over the finished runs of several seeds, from the store; see ``compare_seeds``.

    Returns:
        Its result, and in words ``prompts`` (what it is on) and ``caution`` (empty where no step was chosen on them).
    """
    of_seeds = {}
    with reading() as session:
        for child in children:
            pair = base_and_tuned(session, child)
            if pair is None:
                raise UserError(f"run {child} has no tuned evaluation in the store, so the seeds cannot be compared")
            of_seeds[session.get_one(Run, child).seed] = compare_stored(session, *pair)
    one = next(iter(of_seeds.values()))
    words = {"prompts": str(on_prompts(one)), "caution": str(chosen_words(one) or "")}
    return compare_seeds({seed: compared.paired for seed, compared in of_seeds.items()}) | words


class _Forward:
    """A signal handler that stores the received signal and sends SIGTERM to the running child."""

    name = ""
    process: subprocess.Popen[bytes] | None = None

    def __call__(self, number: int, _frame: Any) -> None:
        self.name = signal.Signals(number).name
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)


def _forward_signals() -> _Forward:
    forward = _Forward()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, forward)
    return forward


def _run(run_id: str) -> Run:
    with reading() as session:
        return session.get_one(Run, run_id)
