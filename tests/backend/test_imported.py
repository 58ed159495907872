"""Runs from elsewhere, and curves of a million points."""

import json
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import insert

from backend.errors import UserError
from backend.runs.imported import import_run
from backend.store.engine import reading, writing
from backend.store.runs import all_runs, drawn_metrics, load_metrics
from backend.store.tables import Metric


def test_a_trainer_state_becomes_a_run(workbench: Path, tmp_path: Path) -> None:
    history = [
        {"step": 10, "epoch": 0.1, "loss": 0.5, "grad_norm": 1.25},
        {"step": 10, "eval_push": 0.4, "eval_mean_reward": 0.5},
        {"step": 20, "loss": 0.3, "note": "text is left out"},
    ]
    path = tmp_path / "trainer_state.json"
    path.write_text(json.dumps({"global_step": 20, "log_history": history}))
    run_id = import_run(path, "old run")
    with reading() as session:
        (run,) = all_runs(session)
        metrics = load_metrics(session, [run_id])
    assert (run.name, run.status, run.config["max_steps"]) == ("old run", "finished", 20)
    found = {(m.step, m.name): m.value for m in metrics.itertuples()}
    assert found == {(10, "loss"): 0.5, (10, "grad_norm"): 1.25, (10, "eval/push"): 0.4, (10, "eval/mean_reward"): 0.5,
                     (20, "loss"): 0.3}  # fmt: skip


def test_json_lines_and_our_own_metrics_file(workbench: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1, "loss": 2.0}\n\n{"step": 2, "time": 5.0, "metrics": {"loss": 1.0}}\n')
    with reading() as session:
        metrics = load_metrics(session, [import_run(path)])
    assert metrics["value"].tolist() == [2.0, 1.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"step": 1, "loss": 2}\n{"loss": 3}\n{broken',
            r"2 of 3 entries are bad.*\n.*:2: step must.*\n.*:3: not JSON",
        ),
        (
            '[{"step": -1}, 5]',
            r"entry 1: step must be a whole number from 0 to 2147483647, not -1\n.*entry 2: not an object",
        ),
        ('{"step": 1, "loss": "high"}', "no logged number"),
        ("", "no logged number"),
        ('{"step": true, "loss": 1}', "not True"),
        ('{"step": 1, "a\\tb": 1}', r"'a\\tb'"),
        ('{"step": 1, "": 1}', "the metric name ''"),
        (f'{{"step": 1, "{130 * "a"}": 1}}', "130 characters; at most 120 are kept"),
    ],
)
def test_bad_files_are_refused_whole(workbench: Path, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        import_run(path)
    with reading() as session:
        assert all_runs(session) == []
    assert not list((workbench / "runs").glob("*"))


def test_drawing_a_long_run_keeps_its_extremes(any_workbench: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 0, "loss": 0}\n')
    run_id = import_run(path)
    values = np.random.default_rng(0).normal(size=20_000)
    values[7_777], values[15_001] = 40.0, -50.0
    with writing() as session:
        rows = [{"run_id": run_id, "name": "loss", "step": i + 1, "value": float(v)} for i, v in enumerate(values)]
        session.execute(insert(Metric), rows)
    with reading() as session:
        drawn = drawn_metrics(session, run_id, ["loss"], points=200)
        short = drawn_metrics(session, run_id, ["loss"], points=30_000)
    assert len(short) == 20_001 and len(drawn) <= 404
    assert drawn["value"].max() == 40.0 and drawn["value"].min() == -50.0
    assert abs(drawn.loc[drawn["value"].idxmax(), "step"] - 7_778) <= 100
    assert drawn["step"].is_monotonic_increasing and drawn["step"].iloc[-1] == 20_000
