"""Two hundred random things that happen to runs, with real processes, and after each the promises that must hold.

    python -m tests.soak                       # about ten minutes; ends at the first broken promise
    python -m tests.soak --events 50 --seed 3

Launch, stop, kill -9 of a run or of the dispatcher, resume, reorder, cancel, an app that looks (as a page does). Promises:
never two runs train at once; a run said to be running has a process within thirty seconds or is said to have died, with a
cause; what ended stays ended until it is resumed; in the end the queue is empty and everybody has left.
"""

import os
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import psutil
import typer

from backend.errors import UserError
from backend.store.tables import Run
from benchmarks.workbenches import workbench_at


def main(
    events: Annotated[int, typer.Option(min=1)] = 200,
    seed: Annotated[int, typer.Option()] = 0,
    minutes: Annotated[float, typer.Option(help="No event begins later than this.")] = 12,
) -> None:
    """Run the soak."""
    with tempfile.TemporaryDirectory() as name, workbench_at(Path(name), WORKBENCH_LOAD_EXAMPLE="false") as folder:
        Soak(folder, random.Random(seed)).run(events, time.monotonic() + 60 * minutes)


class Soak:
    """The world, the events, and the promises."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self._rng, self._happened = rng, Counter[str]()
        self._config = _tiny_config(folder)
        self._gone_since: dict[str, float] = {}

    def run(self, events: int, until: float) -> None:
        """Let things happen, then let everything end."""
        kinds = {
            self.launch: 6, self.stop: 3, self.kill_run: 4, self.kill_dispatcher: 3, self.resume: 4,
            self.cancel: 2, self.move: 2, self.look: 6,
        }  # fmt: skip
        for done in range(events):
            if time.monotonic() > until:
                print(f"out of time after {done} events")
                break
            (event,) = self._rng.choices(list(kinds), list(kinds.values()))
            try:
                happened = event()
            except UserError as error:  # refused with a reason: the world had moved on
                happened, _ = True, self._happened.update([f"refused: {str(error).split(';')[0][-40:]}"])
            if happened:
                self._happened[event.__name__] += 1
            time.sleep(self._rng.uniform(0, 3))
            self.check()
        self.finish()
        print(dict(self._happened))
        print("every promise held")

    # --- events ---
    def launch(self) -> bool:
        """A new run; not more than a few wait at a time."""
        from backend.runs.create import create_run
        from backend.runs.queue import enqueue

        if sum(run.place is not None for run in self._runs()) > 3:
            return False
        steps = self._rng.choice((2, 5000))
        enqueue(create_run(self._config.model_copy(update={"max_steps": steps})))
        return True

    def stop(self) -> bool:
        """Gracefully, or at once."""
        from backend.runs.processes import request_stop

        run = self._one("running")
        if run is not None:
            request_stop(run.id, force=self._rng.random() < 0.3)
        return run is not None

    def kill_run(self) -> bool:
        """As the system does when memory is out."""
        from backend.runs.processes import is_alive

        run = self._one("running")
        if run is None or not is_alive(run):
            return False
        psutil.Process(run.pid).kill()
        return True

    def kill_dispatcher(self) -> bool:
        """Whoever serves the queue."""
        found = _processes("backend.runs.dispatcher")
        for process in found:
            process.kill()
        return bool(found)

    def resume(self) -> bool:
        """A run that ended before its time."""
        from backend.runs.queue import enqueue

        run = self._one(self._rng.choice(("stopped", "failed", "cancelled")))
        if run is not None:
            enqueue(run.id)
        return run is not None

    def cancel(self) -> bool:
        """Out of the queue."""
        from backend.runs.queue import cancel

        waiting = [run for run in self._runs() if run.place is not None]
        if waiting:
            cancel(self._rng.choice(waiting).id)
        return bool(waiting)

    def move(self) -> bool:
        """Forward or back in the queue."""
        from backend.runs.queue import move

        waiting = [run for run in self._runs() if run.place is not None]
        if waiting:
            move(self._rng.choice(waiting).id, up=self._rng.random() < 0.5)
        return bool(waiting)

    def look(self) -> bool:
        """What a page does."""
        from backend.runs.watch import current_runs

        current_runs()
        return True

    # --- promises ---
    def check(self) -> None:
        """Everything that must hold at any moment."""
        from backend.runs.processes import is_alive
        from backend.runs.watch import current_runs

        training = {p.pid for p in _processes("run_training.py")}
        alive = [run for run in self._runs() if run.status == "running" and is_alive(run)]
        assert len(alive) <= 1, f"{[run.id for run in alive]} train at once"
        assert len(training) <= 1 or _settles(lambda: len(_processes("run_training.py")) <= 1), "two training processes"
        for run in current_runs():
            dead = run.status == "running" and not is_alive(run)
            since = (
                self._gone_since.setdefault(run.id, time.monotonic()) if dead else self._gone_since.pop(run.id, None)
            )
            assert not dead or time.monotonic() - (since or 0) < 30, f"{run.id} is dead and said to be running"
            if run.status in ("failed", "stopped", "cancelled"):
                assert run.reason and run.ended_at is not None and run.place is None, (
                    f"{run.id}: {run.status} without a reason"
                )
            if run.status == "queued":
                assert run.place is not None, f"{run.id} waits nowhere"

    def finish(self) -> None:
        """Empty the queue, stop what runs, and see everybody leave."""
        from backend.runs.processes import request_stop
        from backend.runs.queue import cancel
        from backend.runs.watch import current_runs

        deadline = time.monotonic() + 120
        while any(run.status in ("queued", "running") for run in current_runs()):
            assert time.monotonic() < deadline, [(r.id, r.status) for r in self._runs()]
            for run in self._runs():
                try:
                    if run.place is not None:
                        cancel(run.id)
                    elif run.status == "running":
                        request_stop(run.id, force=True)
                except UserError:
                    continue
            time.sleep(1)
        assert _settles(lambda: not _processes("run_training.py") and not _processes("backend.runs.dispatcher"))
        print(Counter(run.status for run in self._runs()))

    def _runs(self) -> list[Run]:
        from backend.store.engine import reading
        from backend.store.runs import all_runs

        with reading() as session:
            return all_runs(session)

    def _one(self, status: str) -> Run | None:
        found = [run for run in self._runs() if run.status == status]
        return self._rng.choice(found) if found else None


def _settles(condition, seconds: float = 30) -> bool:
    """Whether it comes true soon."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.3)
    return False


def _processes(what: str) -> list[psutil.Process]:
    """This soak's own processes of that kind."""
    mine, found = os.environ["WORKBENCH_RUNS_DIR"], []
    for process in psutil.process_iter(["cmdline", "status"]):
        command = " ".join(process.info["cmdline"] or [])
        if what in command and process.info["status"] != psutil.STATUS_ZOMBIE:
            try:
                if process.environ().get("WORKBENCH_RUNS_DIR") == mine:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
    return found


def _tiny_config(folder: Path):
    """A run of a tiny random model on a dozen prompts."""
    import json

    from backend.training.config import get_preset, override
    from tests.conftest import TINY_PROMPTS, build_tiny_model

    prompts = folder / "tiny.jsonl"
    prompts.write_text("".join(json.dumps(p, ensure_ascii=False) + "\n" for p in TINY_PROMPTS), encoding="utf-8")
    changes = {
        "model": str(build_tiny_model(folder / "model")), "prompts": str(prompts), "eval_steps": 5000,
        "prompts_per_step": 1, "num_generations": 2, "max_completion_length": 8, "preflight_prompts": 2,
        "override_reason": "a random model fails preflight, rightly", "stop_rules": False,
    }  # fmt: skip
    return override(get_preset("nano"), changes)


if __name__ == "__main__":
    typer.run(main)
