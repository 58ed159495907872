"""A thin GRPOTrainer: our per-task evaluation in place of TRL's, and raw per-task reward metrics.

Because ``evaluate`` returns ``eval_mean_reward``, early stopping, the best checkpoint and the checkpoint limit are
transformers' own. Import this module after ``load_policy``: Unsloth patches TRL's trainers when it is imported.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer
from trl import GRPOConfig, GRPOTrainer

from backend.training.config import TrainConfig
from backend.training.reward_functions import Component, component_weights
from backend.training.task_weights import TaskWeights

Evaluate = Callable[[int], dict[str, float]]
"""step -> metrics, ``mean_reward`` among them."""


class WorkbenchTrainer(GRPOTrainer):
    """GRPOTrainer with our evaluation and per-task metrics."""

    def __init__(
        self,
        *,
        components: list[Component],
        evaluate: Evaluate,
        task_weights: TaskWeights | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self._task_weights = task_weights
        self._component_tasks = [c.task for c in components]
        self._base_weights = self.reward_weights.clone()
        self._evaluate_policy = evaluate
        self._columns = {
            task: [i for i, c in enumerate(components) if c.task == task] for task in {c.task: None for c in components}
        }

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Run our evaluation; log and return its metrics under ``eval_``."""
        metrics = {f"eval_{k}": v for k, v in self._evaluate_policy(self.state.global_step).items()}
        Trainer.log(self, dict(metrics))  # not TRL's log, which would flush the training metrics into these
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _calculate_rewards(self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any) -> torch.Tensor:
        """TRL's rewards, with our metrics logged beside them: under GDPO its ``reward`` is a sum of z-scores.

        TRL multiplies the normalised components by ``reward_weights`` after this, which is where task weights act.
        """
        per_component = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        found = task_metrics(per_component, self._columns, int(self.num_generations or 1))
        if self._task_weights is not None:
            z = self._task_weights.weights()
            scale = torch.tensor([z[task] * len(z) for task in self._component_tasks])
            self.reward_weights = self._base_weights * scale.to(self._base_weights.device)
            found |= {f"task_weight/{task}": weight for task, weight in z.items()}
            self._task_weights.update(
                {task: found[f"task_reward/{task}"] for task in z if f"task_reward/{task}" in found}
            )
        for name, value in found.items():
            self._metrics["train"][name].append(value)
        return per_component

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        if self._task_weights is not None and self.args.should_save:
            folder = Path(self._get_output_dir(trial=trial)) / f"checkpoint-{self.state.global_step}"
            (folder / "task_weights.json").write_text(json.dumps(self._task_weights.state()), encoding="utf-8")


def task_metrics(per_component: torch.Tensor, columns: dict[str, list[int]], group_size: int) -> dict[str, float]:
    """Mean raw reward per task and the share of its groups that carry no signal.

    Args:
        per_component: (completions, components), NaN where a component does not apply; groups are consecutive rows.
        columns: each task's component columns.
        group_size: completions per group.

    Returns:
        ``task_reward/<task>``, ``zero_variance/<task>`` for the tasks in the batch, and both over all of it.
    """
    found: dict[str, float] = {}
    totals, flat = [], []
    for task, indices in columns.items():
        values = per_component[:, indices]
        rows = ~torch.isnan(values).all(dim=1)
        if not rows.any():
            continue
        total = values[rows].nansum(dim=1).clamp(0, 1)
        spread = values[rows].view(-1, group_size, len(indices)).amax(1) - values[rows].view(
            -1, group_size, len(indices)
        ).amin(1)
        no_signal = (spread.nan_to_num() <= 1e-6).all(dim=1).float()
        found[f"task_reward/{task}"] = total.mean().item()
        found[f"zero_variance/{task}"] = no_signal.mean().item()
        totals.append(total)
        flat.append(no_signal)
    if totals:
        found["task_reward/mean"] = torch.cat(totals).mean().item()
        found["zero_variance/mean"] = torch.cat(flat).mean().item()
    return found


def grpo_arguments(config: TrainConfig, components: list[Component], output_dir: str, backend: str) -> GRPOConfig:
    """TRL's configuration, every value that Unsloth or a model's defaults could change set explicitly."""
    cuda = torch.cuda.is_available()
    return GRPOConfig(
        output_dir=output_dir,
        seed=config.seed,
        data_seed=config.seed,
        # optimisation
        max_steps=config.max_steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.lr_scheduler_type,
        warmup_steps=round(config.warmup_ratio * config.max_steps),
        per_device_train_batch_size=config.prompts_per_step
        * config.num_generations
        // config.gradient_accumulation_steps,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        optim="adamw_torch",
        weight_decay=0.0,
        max_grad_norm=config.max_grad_norm,
        bf16=cuda and torch.cuda.is_bf16_supported(),
        fp16=False,
        use_cpu=not cuda,
        gradient_checkpointing=cuda and backend != "unsloth",
        # GRPO
        num_generations=config.num_generations,
        max_completion_length=config.max_completion_length,
        temperature=config.temperature,
        top_p=1.0,
        top_k=0,
        repetition_penalty=1.0,
        beta=config.beta,
        epsilon_high=config.epsilon_high,
        loss_type=config.loss_type,
        scale_rewards=config.scale_rewards,
        multi_objective_aggregation=config.aggregation,
        reward_weights=reward_weights(config, components),
        mask_truncated_completions=False,
        shuffle_dataset=True,
        # evaluation and checkpoints
        eval_strategy="steps",
        eval_steps=config.eval_steps,
        save_strategy="steps",
        save_steps=config.eval_steps,
        save_total_limit=config.keep_checkpoints,
        load_best_model_at_end=True,
        metric_for_best_model="eval_mean_reward",
        greater_is_better=True,
        # logging
        logging_strategy="steps",
        logging_steps=1,
        log_completions=False,
        report_to=list(config.report_to) or "none",
        disable_tqdm=True,
        dataloader_pin_memory=cuda,
    )


def reward_weights(config: TrainConfig, components: list[Component]) -> list[float]:
    """Under GDPO the components' sizes as weights (see ``component_weights``); otherwise the values already carry them."""
    if config.aggregation == "normalize_then_sum":
        return component_weights(components)
    return [1.0] * len(components)
