"""General ability by lm-eval, on a small task of our own and models that are there."""

import json
from pathlib import Path

import pytest

from backend.errors import UserError
from backend.evaluation.external import benchmark, read_external
from backend.models.load import load_policy
from backend.training.config import TrainConfig

pytestmark = pytest.mark.slow

TASK = """
task: {name}
dataset_path: json
dataset_kwargs:
  data_files: {data}
test_split: train
output_type: multiple_choice
doc_to_text: "Avaliação: {{{{review}}}}\\nSentimento:"
doc_to_choice: ["negativo", "positivo"]
doc_to_target: "{{{{label}}}}"
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
"""


@pytest.fixture
def tasks_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one task of 24 documents, and one whose data are nowhere."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    folder = tmp_path / "tasks"
    folder.mkdir()
    rows = [{"review": f"veio {w} {i}", "label": n} for i in range(12) for n, w in enumerate(("quebrado", "ótimo"))]
    (folder / "shop.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    for name, data in (("shop_pt", folder / "shop.jsonl"), ("nowhere_pt", folder / "nowhere.jsonl")):
        (folder / f"{name}.yaml").write_text(TASK.format(name=name, data=data), encoding="utf-8")
    return folder


@pytest.fixture
def folder(tiny_config: TrainConfig, tmp_path: Path) -> Path:
    """A run's folder with an adapter that changes much."""
    import torch

    policy = load_policy(tiny_config, trainable=True)
    torch.manual_seed(3)
    for name, weight in policy.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    policy.model.save_pretrained(tmp_path / "run" / "best")
    return tmp_path / "run"


def test_base_and_tuned_answer_the_same_documents(folder: Path, tiny_config: TrainConfig, tasks_dir: Path) -> None:
    assert read_external(folder) is None
    found = benchmark(folder, tiny_config, ["shop_pt"], tasks_dir=tasks_dir)
    task, overall = found.tasks
    assert (task.task, task.n, overall.task) == ("shop_pt", 24, "overall") and found.metrics == {"shop_pt": "acc"}
    assert task.wins + task.ties + task.losses == 24
    assert task.base == pytest.approx(round(task.base * 24) / 24), "a share of documents"
    assert read_external(folder) == found
    assert benchmark(folder, tiny_config, ["shop_pt"], limit=10, tasks_dir=tasks_dir).tasks[0].n == 10

    with pytest.raises(UserError, match="no task 'poem' among the tasks in"):
        benchmark(folder, tiny_config, ["poem"], tasks_dir=tasks_dir)
    with pytest.raises(UserError, match="cannot be had"):
        benchmark(folder, tiny_config, ["nowhere_pt"], tasks_dir=tasks_dir)
    with pytest.raises(UserError, match="no adapter"):
        benchmark(folder / "best", tiny_config, ["shop_pt"], tasks_dir=tasks_dir)
