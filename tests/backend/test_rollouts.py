"""Rollouts: TRL's columns, whole files, bounded, and a resume that neither doubles nor loses a step."""

from pathlib import Path

import pandas as pd
import pytest

from backend.data.jsonl import write_prompts
from backend.data.rollouts import Rollouts, find_in_rollouts, measures_of, read_rollouts, rewind_rollouts, rollout_steps
from backend.data.sources import raw_rows
from backend.data.sources.layout import Layout
from backend.records import Message, PromptRecord


def columns(step: int, text: str = "oi") -> dict[str, list]:
    return {
        "prompt": ["system\nuser\nAsk"] * 2,
        "completion": [f"{text} {step} a", f"{text} {step} b"],
        "push/length": [0.5, 0.25],
        "extraction/json_validity": [float("nan"), None],
        "shadow/truth": [None, 1.0],
        "prompt_id": ["p", "p"],
        "task": ["push", "push"],
        "reward": [0.5, 0.25],
        "advantage": [0.7, -0.7],
    }


def fill(folder: Path, steps: int, share: float = 1.0, most: int = 10**9, start: int = 1) -> Rollouts:
    rollouts = Rollouts(folder, share, most)
    for step in range(start, steps + 1):
        rollouts.add(step, columns(step))
    return rollouts


def test_the_columns_are_trls_with_step_first_and_advantage_last(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    frame = pd.read_parquet(tmp_path / "rollouts" / "completions_00001.parquet")
    assert list(frame.columns[:3]) == ["step", "prompt", "completion"]
    assert frame.columns[-1] == "advantage"
    assert frame["step"].tolist() == [1, 1]
    assert frame["extraction/json_validity"].isna().all()
    assert measures_of(frame) == ["push/length", "shadow/truth"]


@pytest.mark.parametrize("share", [1.0, 0.5, 0.25, 0.1, 0.3])
def test_a_share_of_the_steps_is_kept_evenly_with_the_first(tmp_path: Path, share: float) -> None:
    fill(tmp_path, 100, share)
    kept = rollout_steps(tmp_path)
    assert kept[0] == 1
    assert abs(len(kept) - 100 * share) <= 1
    gaps = pd.Series(kept).diff().dropna()
    assert gaps.max() - gaps.min() <= 1


def test_none_are_kept_where_the_share_is_zero(tmp_path: Path) -> None:
    fill(tmp_path, 5, 0.0)
    assert rollout_steps(tmp_path) == []


def test_the_folder_stays_within_its_limit_and_keeps_steps_of_the_whole_run(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    one = (tmp_path / "rollouts" / "completions_00001.parquet").stat().st_size
    most = 10 * one + 50
    fill(tmp_path, 64, most=most, start=2)
    kept = rollout_steps(tmp_path)
    assert sum(p.stat().st_size for p in (tmp_path / "rollouts").glob("*.parquet")) <= most
    assert kept[0] == 1 and kept[-1] > 48 and len(kept) >= 5
    assert len(set(pd.Series(kept).diff().dropna())) == 1
    again = Rollouts(tmp_path, 1.0, most)  # a resume goes on with the share that the folder has come to
    again.add(65, columns(65))
    assert [s for s in (64, 65) if again.wants(s)] == [s for s in rollout_steps(tmp_path) if s >= 64]


def test_a_step_that_alone_is_larger_than_the_limit_is_not_kept(tmp_path: Path) -> None:
    fill(tmp_path, 3, most=10)
    assert rollout_steps(tmp_path) == []


def test_a_rewind_takes_back_later_steps_and_half_written_files(tmp_path: Path) -> None:
    fill(tmp_path, 8)
    (tmp_path / "rollouts" / "completions_00009.parquet.1-2.part").write_bytes(b"half")
    rewind_rollouts(tmp_path, 5)
    assert sorted(p.name for p in (tmp_path / "rollouts").iterdir()) == [
        f"completions_{i:05d}.parquet" for i in range(1, 6)
    ]
    rewind_rollouts(tmp_path / "none", 5)


@pytest.mark.parametrize("which", ["", "rollouts", "rollouts/completions_00002.parquet"])
def test_the_audit_reads_a_runs_folder_with_the_prompts_as_the_data_had_them(tmp_path: Path, which: str) -> None:
    plain = PromptRecord(
        task="qa", messages=(Message(role="user", content="2 + 2?"),), facts={"answer": "4", "rating": 3}
    )
    chat = PromptRecord(
        task="qa",
        messages=(Message(role="system", content="Be\u2028short."), Message(role="user", content="3 + 3?")),
        facts={"answer": "6"},
        form="chat",
    )
    write_prompts(tmp_path / "prompts.jsonl", [plain, chat])
    rollouts = Rollouts(tmp_path, 1.0, 10**9)
    for step in (1, 2):
        rollouts.add(step, {**columns(step), "prompt_id": [plain.id, chat.id], "task": ["qa", "qa"]})
    rows = [row for _, row in raw_rows(tmp_path / which) if isinstance(row, dict)]
    assert [row["step"] for row in rows] == ([2, 2] if which.endswith("parquet") else [1, 1, 2, 2])
    first, second = (Layout().mapped(row) for row in rows[:2])
    assert first.messages == [{"role": "user", "content": "2 + 2?"}] and first.form == "text"
    assert [m["role"] for m in second.messages] == ["system", "user"] and second.form == "chat"
    assert first.columns["answer"] == "4" and first.columns["advantage"] == 0.7 and not first.ratings
    assert (first.task, second.columns["shadow/truth"]) == ("qa", 1.0)


def test_rollouts_that_lie_alone_are_read_with_the_text_the_model_saw(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    ((_, row), *_) = raw_rows(tmp_path / "rollouts")
    assert isinstance(row, dict) and Layout().mapped(row).messages[0]["content"] == "system\nuser\nAsk"


def test_a_text_is_found_in_all_steps(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    Rollouts(tmp_path, 1.0, 10**9).add(4, columns(4, "Frete GRÁTIS ("))
    found = find_in_rollouts(tmp_path, "grátis (")
    assert found["step"].tolist() == [4, 4]
    assert found["matches"].tolist() == [2, 2]
    assert len(find_in_rollouts(tmp_path, "oi", most=3)) == 3
    assert find_in_rollouts(tmp_path, "nothing like it").empty


def test_a_step_that_is_not_kept_is_empty(tmp_path: Path) -> None:
    assert read_rollouts(tmp_path, 7).empty
