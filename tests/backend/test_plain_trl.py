"""TRL alone, without the workbench's trainer: it takes the commerce reward as it is, and its own log of completions comes in."""

from pathlib import Path

import pytest
from sqlalchemy import select

from backend.data.completions import import_completions
from backend.store.engine import reading
from backend.store.tables import Completion

pytestmark = [pytest.mark.slow]


def test_trl_trains_on_the_commerce_reward_and_its_log_is_read(workbench: Path, tiny_model: Path) -> None:
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    from rewards import commerce_reward_fn

    chats = [[{"role": "user", "content": f"Crie uma notificação push {i}"}] for i in range(4)]
    rows = [{"prompt": chat, "task": "push", "note": "a column that no reward reads"} for chat in chats]
    trainer = GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(tiny_model),
        processing_class=AutoTokenizer.from_pretrained(tiny_model),
        reward_funcs=commerce_reward_fn,
        train_dataset=Dataset.from_list(rows),
        args=GRPOConfig(
            output_dir=str(workbench / "trl"), max_steps=1, num_generations=2, per_device_train_batch_size=4,
            max_completion_length=8, log_completions=True, logging_steps=1, report_to="none", use_cpu=True, bf16=False,
            save_strategy="no",
        ),
    )  # fmt: skip
    trainer.train()
    (logged,) = {path.parent for path in (workbench / "trl").rglob("completions_*.parquet")}

    taken = import_completions(logged)
    assert (taken.rows, taken.new, set(taken.tasks)) == (4, 4, {"push"})
    assert import_completions(logged).new == 0
    with reading() as session:
        found = session.scalars(select(Completion)).all()
    assert {c.step for c in found} == {1}
    assert {"commerce_reward_fn", "advantage"} <= set(found[0].columns)
