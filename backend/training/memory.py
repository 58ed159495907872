"""A rough estimate of the memory a run needs, and the free memory. In gigabytes (1e9 bytes)."""

from typing import Any

from backend.training.config import TrainConfig
from backend.wording import Text, fill


def needed_memory(config: TrainConfig, model: Any, longest_prompt: int | None = None) -> float:
    """A rough upper estimate of a run's peak memory.

    Weights as they are loaded; for what is trained: gradients and Adam's two moments in 32 bits; then the larger of
    the key-value cache (of a step's rollouts, or of a batch of an evaluation, whichever has more rows) and the logits of
    a step's completions, of which training holds about three copies at once (values, log-probabilities, gradient).
    Activations are recomputed, so they count little.

    Args:
        config: the run.
        model: the loaded model.
        longest_prompt: in tokens; None when it is not known, and then every row is ``max_seq_length`` long.
    """
    parameters = list(model.parameters())
    weights = sum(p.numel() * p.element_size() for p in parameters)
    trained = sum(p.numel() for p in parameters if p.requires_grad)
    shape = model.config
    rows = config.prompts_per_step * config.num_generations
    heads = getattr(shape, "num_key_value_heads", shape.num_attention_heads)
    head_dim = getattr(shape, "head_dim", None) or shape.hidden_size // shape.num_attention_heads
    bytes_each = 2 if next(model.parameters()).dtype.itemsize <= 2 else 4
    length = config.max_seq_length
    if longest_prompt is not None:
        length = min(length, longest_prompt + config.max_completion_length)
    batch = max(rows, config.eval_batch_size)
    cache = 2 * shape.num_hidden_layers * heads * head_dim * batch * length * bytes_each
    slice_rows = rows // config.gradient_accumulation_steps
    logits = 3 * slice_rows * config.max_completion_length * shape.vocab_size * 4
    return (weights + 12 * trained + max(cache, logits)) / 1e9


def available_memory() -> tuple[float, Text]:
    """(free gigabytes, of what): the GPU's, or the machine's where there is none."""
    import psutil
    import torch

    if torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        where = fill("on {gpu}", "em {gpu}", gpu=torch.cuda.get_device_name(0))
        return free / 1e9 + torch.cuda.memory_reserved() / 1e9, where
    return psutil.virtual_memory().available / 1e9, Text("of RAM", "de RAM")
