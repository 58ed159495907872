"""SFT warm-up before GRPO: one or more passes over prompts with reference answers; only the answer has a loss.

For a model that cannot write the format at all: GRPO only reinforces what a model already writes (handoff, Scenario B).
"""

from pathlib import Path
from typing import Any

from backend.errors import UserError
from backend.files import write_json
from backend.models.load import Policy
from backend.progress import Reporter
from backend.records import PromptRecord
from backend.suites import get_task
from backend.training.callbacks import StepCount, publish_adapter
from backend.training.config import TrainConfig

ADAPTER = "sft"
"""The folder of the warmed-up adapter in the run's folder; if it exists, the warm-up is done."""
PHASE = "warm-up"
"""Its name in the run's progress."""


def reference_answer(prompt: PromptRecord) -> str | None:
    """The right answer to ``prompt``: ``facts["answer"]`` (your own pairs), or what its task derives from the facts; or None."""
    if isinstance(given := prompt.facts.get("answer"), str):
        return given
    reference = get_task(prompt.task).reference
    return reference(prompt.facts) if reference is not None else None


def pairs(prompts: list[PromptRecord], tasks: tuple[str, ...]) -> list[dict[str, Any]]:
    """Prompt-completion pairs in TRL's form, from the train prompts that have a reference answer.

    Raises:
        UserError: there are none.
    """
    found = [
        {"prompt": p.chat, "completion": [{"role": "assistant", "content": answer}]}
        for p in prompts
        if (not tasks or p.task in tasks) and p.split == "train" and (answer := reference_answer(p)) is not None
    ]
    if not found:
        raise UserError(
            f"the SFT warm-up found no train prompt of {', '.join(tasks) or 'any task'} with a reference answer; "
            'give some facts {"answer": "..."} or set sft_epochs=0'
        )
    return found


def warm_up(folder: Path, config: TrainConfig, policy: Policy, prompts: list[PromptRecord], progress: Reporter) -> None:
    """Train the policy's adapter on the pairs; save it in ``folder/sft``, and the losses in sft.json."""
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    from backend.training.trainer import machine_arguments

    examples = pairs(prompts, config.sft_tasks)
    progress.phase(PHASE)
    print(f"SFT warm-up on {len(examples)} pairs of {', '.join(config.sft_tasks) or 'all tasks'}", flush=True)
    arguments = SFTConfig(
        **machine_arguments(config, policy.backend),
        output_dir=str(folder / "sft-checkpoints"),
        num_train_epochs=config.sft_epochs,
        per_device_train_batch_size=config.sft_batch_size,
        gradient_accumulation_steps=1,
        learning_rate=config.sft_learning_rate,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=0.05,
        max_length=config.max_seq_length,
        completion_only_loss=True,
        packing=False,
        save_strategy="no",
        logging_steps=10,
        report_to="none",
    )
    trainer = SFTTrainer(
        model=policy.model,
        args=arguments,
        train_dataset=Dataset.from_list(examples),
        processing_class=policy.tokenizer,
        callbacks=[StepCount(progress, PHASE)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    losses = [{"step": row["step"], "loss": row["loss"]} for row in trainer.state.log_history if "loss" in row]
    if losses:
        print(f"SFT loss {losses[0]['loss']:.3f} -> {losses[-1]['loss']:.3f} in {trainer.state.global_step} steps")
    write_json(folder / "sft.json", {"pairs": len(examples), "losses": losses})
    policy.tokenizer.padding_side = "left"
    aside = folder / "sft-checkpoints"
    policy.model.save_pretrained(aside)
    policy.tokenizer.save_pretrained(aside)
    publish_adapter(aside, folder / ADAPTER)
