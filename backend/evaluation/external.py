"""General ability: run lm-eval (EleutherAI's harness) on a run's base and tuned model, and compare them as in ``compare``.

    python -m backend.evaluation benchmark RUN --tasks assin2_rte,belebele_por_Latn --limit 200

A rising reward does not show what the model has forgotten. Both models answer the same documents, so the difference is
tested in pairs (Wilcoxon signed-rank, Holm over the tasks). A task's data must be on disk or reachable. You may name a
folder with your own tasks; their YAML files can contain code, so use only files you trust. Needs requirements-eval.txt.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from backend.errors import UserError
from backend.evaluation.compare import TaskComparison, compare
from backend.files import read_json, write_json

if TYPE_CHECKING:
    from backend.models.load import Policy, PolicyConfig

PORTUGUESE = ("assin2_rte", "belebele_por_Latn", "arc_challenge_mt_pt")
"""Tasks in Portuguese to begin with: entailment, reading, school science."""
_FILE = "external.json"


@dataclass(frozen=True)
class External:
    """The result of a benchmark.

    Attributes:
        tasks: a comparison per task, then overall; the scores are means of the task's metric over documents.
        metrics: task -> the metric, from 0 to 1, higher better.
        limit: documents per task at most; None for all.
        few_shot: worked examples before each document.
        harness: lm-eval's version.
    """

    tasks: list[TaskComparison]
    metrics: dict[str, str]
    limit: int | None
    few_shot: int
    harness: str


def benchmark(
    folder: Path,
    config: "PolicyConfig",
    tasks: Sequence[str] = PORTUGUESE,
    limit: int | None = None,
    few_shot: int = 0,
    tasks_dir: Path | None = None,
) -> External:
    """Run the harness on the base and the tuned model of a run, and save the result in the run's folder.

    Args:
        folder: the run's, with best/.
        config: the run's.
        tasks: tasks of the harness, or tasks that ``tasks_dir`` defines.
        limit: documents per task at most.
        few_shot: worked examples before each document.
        tasks_dir: a folder with tasks in the harness's format (YAML), in place of the harness's own.

    Raises:
        UserError: lm-eval is not installed, there is no adapter, a task is unknown, or its data cannot be loaded.
    """
    if importlib.util.find_spec("lm_eval") is None:
        raise UserError("lm-eval is not installed: pip install -r requirements-eval.txt")
    if not (folder / "best" / "adapter_config.json").is_file():
        raise UserError(f"there is no adapter in {folder / 'best'}; it is written at a run's first evaluation")
    from lm_eval.tasks import TaskManager

    from backend.models.load import load_policy

    manager = TaskManager(include_path=str(tasks_dir) if tasks_dir else None, include_defaults=tasks_dir is None)
    if unknown := [task for task in tasks if task not in manager.all_tasks]:
        known = f"the tasks in {tasks_dir}" if tasks_dir else "those that `lm-eval ls tasks` lists"
        raise UserError(f"there is no task {unknown[0]!r} among {known}")
    base, metrics = _documents(load_policy(config), manager, tasks, limit, few_shot)
    tuned, _ = _documents(load_policy(config, adapter=folder / "best"), manager, tasks, limit, few_shot)
    paired = base.merge(tuned, on=["prompt_id", "task"], suffixes=("_base", "_tuned"))
    paired = paired.rename(columns={"value_base": "base", "value_tuned": "tuned"})
    found = External(compare(paired), metrics, limit, few_shot, version("lm_eval"))
    shown = {"metrics": metrics, "limit": limit, "few_shot": few_shot, "harness": found.harness}
    write_json(folder / _FILE, {"tasks": [c.as_dict() for c in found.tasks], **shown})
    return found


def read_external(folder: Path) -> External | None:
    """The result of a run's last benchmark; None when there was none."""
    kept = read_json(folder / _FILE)
    if kept is None:
        return None
    tasks = [TaskComparison.from_dict(c) for c in kept["tasks"]]
    return External(tasks, kept["metrics"], kept["limit"], kept["few_shot"], kept["harness"])


def _documents(
    policy: "Policy", manager: Any, tasks: Sequence[str], limit: int | None, few_shot: int
) -> tuple[pd.DataFrame, dict[str, str]]:
    """One row per document: prompt_id, task, value; and each task's metric."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=policy.model, tokenizer=policy.tokenizer, batch_size=8)
    try:
        results: Any = simple_evaluate(
            model, tasks=list(tasks), limit=limit, num_fewshot=few_shot, task_manager=manager, bootstrap_iters=0
        )
    except (OSError, ConnectionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"the data of {', '.join(tasks)} cannot be had: {reason}. Download them on a machine with a network "
            "(HF_HOME keeps them), or choose tasks whose data are on disk."
        ) from error
    rows: list[dict[str, Any]] = []
    metrics: dict[str, str] = {}
    for task, samples in results["samples"].items():
        metrics[task] = _metric(results["configs"][task], samples[0])
        rows += [
            {"prompt_id": f"{task}:{s['doc_id']}", "task": task, "value": float(s[metrics[task]])} for s in samples
        ]
    return pd.DataFrame(rows, columns=["prompt_id", "task", "value"]), metrics


def _metric(config: dict[str, Any], sample: dict[str, Any]) -> str:
    """The task's first metric that is a number for every document."""
    named = [m["metric"] for m in config.get("metric_list") or []]
    for metric in (*named, "acc", "exact_match"):
        if isinstance(sample.get(metric), int | float):
            return str(metric)
    raise UserError(
        f"task {config.get('task')} has no metric per document, so base and tuned cannot be paired; leave it out"
    )
