"""A small extension of GRPOTrainer: our per-task evaluation in place of TRL's, and raw per-task reward metrics.

``evaluate`` returns ``eval_mean_reward``, so transformers' own early stopping, best checkpoint and checkpoint limit are
used. Import this module after ``load_policy``: Unsloth patches TRL's trainers when it is imported.
"""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import broadcast_object_list, gather_object
from transformers import Trainer, TrainerState
from trl import GRPOConfig, GRPOTrainer

from backend.data.rollouts import Rollouts
from backend.errors import UserError
from backend.files import write_json
from backend.models.entropy import token_entropy
from backend.suites import get_task
from backend.training.callbacks import anywhere, gpu_memory
from backend.training.config import TrainConfig
from backend.training.reward_functions import Component, component_weights, text_of
from backend.training.sampled import gather_sampled, rollout_columns
from backend.training.sampling import PromptSampler
from backend.training.shadow import Shadow, shadow_means
from backend.training.task_weights import TaskWeights

Evaluate = Callable[[int], dict[str, float]]
"""step -> metrics, ``mean_reward`` among them."""


class NotFinite(Exception):
    """The loss or the gradient is no finite number; raised before the optimizer's step, so the weights are whole."""

    def __init__(self, step: int, numbers: str) -> None:
        super().__init__(f"step {step}: {numbers}")
        self.step, self.numbers = step, numbers


class WorkbenchTrainer(GRPOTrainer):
    """GRPOTrainer with our evaluation and per-task metrics, and task weights on the advantages."""

    def __init__(
        self,
        *,
        components: list[Component],
        evaluate: Evaluate,
        config: TrainConfig,
        shadow: Shadow,
        rollouts: Rollouts,
        resume_from: Path | None = None,
        **arguments: Any,
    ) -> None:
        self._config = config
        kept = _kept_state(resume_from)
        tasks = tuple(dict.fromkeys(c.task for c in components))
        self._task_weights = _task_weights(config, tasks, kept)
        self._draws: list[list[int]] = kept.get("draws", [])
        self._sampler: PromptSampler | None = None
        self._prompt_tasks: list[str] = list(arguments["train_dataset"]["task"])
        self._steps_per_generation = int(arguments["args"].steps_per_generation)
        self._task_scale: dict[str, float] = {}
        self._bad_loss: float | None = None
        super().__init__(**arguments)
        self._components = components
        self._shadow, self._rollouts = shadow, rollouts
        self._evaluate_policy = evaluate
        self._columns = {task: [i for i, c in enumerate(components) if c.task == task] for task in tasks}
        self._component_weights = torch.tensor([c.weight for c in components])
        self._bounds = {task: get_task(task).bounds for task in tasks}

    def _get_train_sampler(self, dataset: Any = None) -> PromptSampler:
        """Our prompt order in place of TRL's, so that a resumed run sees the same prompts (see ``sampling``)."""
        by_weight = self._task_weights if self._config.task_weighting == "sampling" else None
        self._sampler = PromptSampler(
            self._prompt_tasks,
            self._config.prompts_per_step,
            self._config.num_generations,
            int(self.num_iterations * self._steps_per_generation),
            self._config.max_steps,
            self._config.seed,
            by_weight.sampling_weights if by_weight else None,
            self._draws,
        )
        return self._sampler

    def load_best(self, checkpoint: Path) -> None:
        """Load a checkpoint's state and the best adapter so far, without more training."""
        self.state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
        self._load_best_model()

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Run our evaluation; log and return its metrics under ``eval_``."""
        found = self._evaluate_policy(self.state.global_step) if self.is_world_process_zero() else {}
        metrics = {f"eval_{k}": v for k, v in broadcast_object_list([found])[0].items()}
        Trainer.log(self, dict(metrics))  # not TRL's log, which would add the training metrics to these
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        """TRL's; remembers a loss that is no finite number until all processes have come to the optimizer's step."""
        loss: torch.Tensor = super().training_step(model, inputs, num_items_in_batch)
        if not torch.isfinite(loss):
            self._bad_loss = float(loss)
        return loss

    def _clip_grad_norm(self, model: Any) -> Any:
        """transformers' clipping, the last thing before the optimizer's step.

        Raises:
            NotFinite: the loss of a part of this step, or the norm of its gradient, is no finite number.
        """
        norm = super()._clip_grad_norm(model)
        bad_norm = norm is not None and not torch.isfinite(torch.as_tensor(norm)).all()
        if anywhere(self._bad_loss is not None or bad_norm):
            numbers = f"loss {self._bad_loss}" if self._bad_loss is not None else f"gradient norm {float(norm)}"
            raise NotFinite(self.state.global_step + 1, numbers)
        return norm

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        """TRL's; the task weights are applied to the advantages, and what was sampled is kept.

        Not to the components (TRL's ``reward_weights``): GDPO's batch step, which comes after those, would undo them
        wherever all prompts of a step are of one task.
        """
        batch: dict[str, Any] = super()._generate_and_score_completions(inputs)
        if self._task_scale:
            scale = torch.tensor([self._task_scale[row["task"]] for row in inputs])
            batch["advantages"] = batch["advantages"] * scale.to(batch["advantages"])
        for name, value in self._rollout_entropy(batch, [row["task"] for row in inputs]).items():
            self._metrics["train"][name].append(value)
        if self._config.rollout_share:
            self._keep_rollouts(batch)
        return batch

    def _keep_rollouts(self, batch: dict[str, Any]) -> None:
        """Keep what this step sampled, with the advantages that the policy is trained with."""
        tokenizer: Any = self.processing_class
        prompts = tokenizer.batch_decode(batch["prompt_ids"], skip_special_tokens=True)
        advantages = batch["advantages"].tolist()
        columns = rollout_columns(self._sampled, prompts, advantages, self._components, self._bounds)
        if self.is_world_process_zero():
            self._rollouts.add(self.state.global_step + 1, columns)

    def _rollout_entropy(self, batch: dict[str, Any], tasks: Sequence[str]) -> dict[str, float]:
        """Our own token entropy of one rollout, another one at each step: mean over all processes, in nats per token.

        Also by the rollout's task: a task's usual entropy can be a hundred times another's, so the mean of a step says first of
        all which task it was of.
        """
        row = self.state.global_step % len(batch["completion_ids"])
        prompt, completion = (batch[f"{name}_ids"][row : row + 1] for name in ("prompt", "completion"))
        masks = [batch[f"{name}_mask"][row : row + 1] for name in ("prompt", "completion")]
        asked = torch.cat([torch.zeros_like(masks[0]), masks[1]], dim=1)
        model = self.accelerator.unwrap_model(self.model)
        found = token_entropy(model, torch.cat([prompt, completion], dim=1), torch.cat(masks, dim=1), asked)
        known = [(task, value) for task, value in gather_object([(tasks[row], found)]) if not math.isnan(value)]
        of = {"entropy/rollouts": [value for _, value in known]}
        for task, value in known:
            of.setdefault(f"entropy/rollouts/{task}", []).append(value)
        return {name: sum(values) / len(values) if values else math.nan for name, values in of.items()}

    def _calculate_rewards(self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any) -> torch.Tensor:
        """TRL's rewards; also logs our metrics, because under GDPO TRL's ``reward`` metric is a sum of z-scores."""
        per_component = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        weighted = per_component * self._component_weights.to(per_component.device)
        found = task_metrics(weighted, self._columns, int(self.num_generations or 1), self._bounds)
        found |= distinct_share(completions, int(self.num_generations or 1))
        if self._task_weights is not None:
            found |= self._weigh_tasks(self._task_weights, found)
        found |= gpu_memory()
        found["epochs"] = (self.state.global_step + 1) * self._config.prompts_per_step / len(self._prompt_tasks)
        self._sampled = gather_sampled(inputs, completions, completion_ids_list, per_component, self._shadow)
        found |= shadow_means(self._sampled.tasks, self._sampled.shadow)
        for name, value in found.items():
            self._metrics["train"][name].append(value)
        return per_component

    def _weigh_tasks(self, weights: TaskWeights, found: dict[str, float]) -> dict[str, float]:
        z = weights.weights()
        if self._config.task_weighting == "reward":
            self._task_scale = {task: weight * len(z) for task, weight in z.items()}
        weights.observe_flat({task: found[f"zero_variance/{task}"] for task in z if f"zero_variance/{task}" in found})
        weights.update({task: found[f"task_reward/{task}"] for task in z if f"task_reward/{task}" in found})
        logged = {f"task_weight/{task}": weight for task, weight in z.items()}
        if self._config.task_weighting == "sampling":
            logged |= {f"sampling_weight/{task}": weight for task, weight in weights.sampling_weights().items()}
        return logged

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Write our state, then transformers' files; its trainer_state.json is last and shows that all is complete."""
        if self.args.should_save and self._sampler is not None:
            folder = Path(self._get_output_dir(trial=trial)) / f"checkpoint-{self.state.global_step}"
            weights = self._task_weights.state() if self._task_weights else None
            draws = self._sampler.history if self._config.task_weighting == "sampling" else []
            write_json(folder / STATE_FILE, {**self._identity, "task_weights": weights, "draws": draws})
        super()._save_checkpoint(model, trial)

    @property
    def _identity(self) -> dict[str, Any]:
        return policy_identity(self._config.model, self.model)


STATE_FILE = "workbench.json"


def policy_identity(name: str, model: Any) -> dict[str, Any]:
    """What identifies a checkpoint's policy: model name and number of parameters."""
    return {"model": name, "parameters": sum(p.numel() for p in model.parameters())}


def check_checkpoint(checkpoint: Path, name: str, model: Any) -> None:
    """Check that a checkpoint belongs to this policy.

    Raises:
        UserError: it was written for another model, or for one of another size.
    """
    kept, now = _kept_state(checkpoint), policy_identity(name, model)
    for key, value in now.items():
        if kept.get(key) != value:
            raise UserError(
                f"{checkpoint} belongs to another policy: its {key} is {kept.get(key)}, this run's {value}. "
                f"Start a new run, or resume with the configuration it was started with."
            )


def _kept_state(checkpoint: Path | None) -> dict[str, Any]:
    if checkpoint is None:
        return {}
    path = checkpoint / STATE_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _task_weights(config: TrainConfig, tasks: tuple[str, ...], kept: dict[str, Any]) -> TaskWeights | None:
    if config.task_weighting == "none":
        return None
    if kept.get("task_weights"):
        return TaskWeights.from_state(tasks, kept["task_weights"])
    return TaskWeights(tasks, config.iwu_lambda, config.iwu_beta)


def distinct_share(completions: list[Any], group_size: int) -> dict[str, float]:
    """``distinct/mean``: the share of a group's completions that differ from one another, over all processes.

    1.0 when all differ, 1/group_size when all are the same. It shows entropy collapse where no entropy is logged.
    """
    texts = [text_of(c) for c in gather_object(completions)]
    groups = [texts[i : i + group_size] for i in range(0, len(texts), group_size)]
    return {"distinct/mean": sum(len(set(g)) / len(g) for g in groups) / len(groups)}


def task_metrics(
    per_component: torch.Tensor,
    columns: dict[str, list[int]],
    group_size: int,
    bounds: Mapping[str, tuple[float, float] | None],
) -> dict[str, float]:
    """Mean raw reward per task, and the share of its groups without signal (equal rewards).

    Args:
        per_component: (completions, components), weighted; NaN where a component does not apply; groups are consecutive rows.
        columns: each task's component columns.
        group_size: completions per group.
        bounds: each task's least and most total; None for any number.

    Returns:
        ``task_reward/<task>``, ``zero_variance/<task>`` for the tasks in the batch, and both over all of it.
    """
    found: dict[str, float] = {}
    totals, flat = [], []
    for task, indices in columns.items():
        if not indices:
            continue
        groups = per_component[:, indices].view(-1, group_size, len(indices))
        groups = groups[~torch.isnan(groups).flatten(1).all(dim=1)]
        if not len(groups):
            continue
        total = groups.nansum(dim=2).flatten()
        if (within := bounds[task]) is not None:
            total = total.clamp(*within)
        missing = torch.isnan(groups)
        spread = groups.masked_fill(missing, -torch.inf).amax(1) - groups.masked_fill(missing, torch.inf).amin(1)
        no_signal = (spread <= 1e-6).all(dim=1).float()
        found[f"task_reward/{task}"] = total.mean().item()
        found[f"zero_variance/{task}"] = no_signal.mean().item()
        totals.append(total)
        flat.append(no_signal)
    if totals:
        found["task_reward/mean"] = torch.cat(totals).mean().item()
        found["zero_variance/mean"] = torch.cat(flat).mean().item()
    return found


def machine_arguments(config: TrainConfig, backend: str) -> dict[str, Any]:
    """Arguments that SFT and GRPO share: seeds, the optimizer, the machine's precision, no progress bar."""
    cuda = torch.cuda.is_available()
    return {
        "seed": config.seed,
        "data_seed": config.seed,
        "logging_nan_inf_filter": False,  # it would log a loss that is no number as 0
        "optim": "adamw_torch",
        "weight_decay": 0.0,
        "max_grad_norm": config.max_grad_norm,
        "bf16": cuda and torch.cuda.is_bf16_supported(),
        "fp16": False,
        "use_cpu": not cuda,
        "gradient_checkpointing": cuda and backend != "unsloth",
        "dataloader_pin_memory": cuda,
        "disable_tqdm": True,
    }


def grpo_arguments(config: TrainConfig, components: list[Component], output_dir: str, backend: str) -> GRPOConfig:
    """TRL's configuration. Every value that Unsloth or a model's defaults could change is set explicitly."""
    return GRPOConfig(
        **machine_arguments(config, backend),
        output_dir=output_dir,
        # optimisation
        max_steps=config.max_steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.lr_scheduler_type,
        warmup_steps=round(config.warmup_ratio * config.max_steps),
        per_device_train_batch_size=config.prompts_per_step
        * config.num_generations
        // (config.gradient_accumulation_steps * int(os.environ.get("WORLD_SIZE", "1"))),
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        # GRPO
        num_generations=config.num_generations,
        max_completion_length=config.max_completion_length,
        temperature=config.temperature,
        top_p=1.0,
        top_k=0,
        repetition_penalty=1.0,
        beta=config.beta,
        epsilon_high=config.epsilon_high,
        entropy_coef=config.entropy_coef,
        use_adaptive_entropy=config.adaptive_entropy,
        entropy_target=config.entropy_target,
        entropy_coef_delta=config.entropy_coef_delta,
        entropy_coef_max=config.entropy_coef_max,
        top_entropy_quantile=config.top_entropy_quantile,
        loss_type=config.loss_type,
        scale_rewards=config.scale_rewards,
        multi_objective_aggregation=config.aggregation,
        reward_weights=reward_weights(config, components),
        mask_truncated_completions=False,
        # generation
        use_vllm=config.use_vllm,
        vllm_mode=config.vllm_mode,
        vllm_server_base_url=config.vllm_server_base_url if config.vllm_mode == "server" else None,
        vllm_gpu_memory_utilization=config.vllm_gpu_memory_utilization,
        vllm_max_model_length=config.max_seq_length,
        vllm_enable_sleep_mode=config.vllm_enable_sleep_mode,
        vllm_importance_sampling_correction=config.vllm_importance_sampling_correction,
        vllm_importance_sampling_mode="sequence_mask",
        vllm_importance_sampling_clip_max=3.0,
        vllm_importance_sampling_clip_min=None,
        shuffle_dataset=True,
        # evaluation and checkpoints
        per_device_eval_batch_size=config.num_generations,  # TRL checks it, although our evaluate() does not use it
        eval_strategy="steps",
        eval_steps=config.eval_steps,
        save_strategy="steps",
        save_steps=config.eval_steps,
        save_total_limit=config.keep_checkpoints,
        load_best_model_at_end=True,
        metric_for_best_model="eval_mean_reward",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        # logging
        logging_strategy="steps",
        logging_steps=1,
        log_completions=False,
        report_to=list(config.report_to) or "none",
    )


def reward_weights(config: TrainConfig, components: list[Component]) -> list[float]:
    """Under GDPO see ``component_weights``; otherwise 1 for each component, because its size is in its values, and its
    weight for a team's function."""
    if config.aggregation == "normalize_then_sum":
        return component_weights(components)
    return [c.weight for c in components]
