"""The policy's token entropy: how open it still is about its next token, measured in the same way on every backend.

Unsloth's trainer logs no entropy, so the collapse that ended V4.2 (final report §3) would go unseen there.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from backend.records import Chat

if TYPE_CHECKING:
    import torch

    from backend.models.load import Policy

_POSITIONS = 1024
"""Positions whose distributions over the vocabulary are in memory at once."""


def token_entropy(model: Any, ids: "torch.Tensor", attended: "torch.Tensor", asked: "torch.Tensor") -> float:
    """Mean entropy of the next-token distribution at temperature 1, in nats per token.

    Reads the decoder and the output layer, not the model's own forward pass, which Unsloth replaces by one that returns no
    logits. Neither the model's mode nor the random state changes.

    Args:
        model: a causal language model, with or without an adapter.
        ids: (rows, length) token ids.
        attended: (rows, length) 1 where a position is not padding.
        asked: (rows, length) 1 for the tokens whose distributions count: those of the completions.

    Returns:
        NaN when no token counts.
    """
    import torch

    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            positions = (attended.long().cumsum(-1) - 1).clamp(min=0)
            hidden = whole.get_decoder()(
                input_ids=ids, attention_mask=attended, position_ids=positions, use_cache=False
            ).last_hidden_state
            before = hidden[:, :-1][asked[:, 1:].bool()]  # the distribution of a token stands at the position before it
            total = 0.0
            for part in before.split(_POSITIONS):
                logs = whole.get_output_embeddings()(part).float().log_softmax(-1)
                total -= float((logs.exp() * logs).sum())
    finally:
        model.train(training)
    return total / len(before) if len(before) else float("nan")


def entropy_of_texts(policy: "Policy", chats: Sequence[Chat], texts: Sequence[str]) -> float:
    """``token_entropy`` over completions given as texts; each is counted with its end token."""
    import torch

    prompts = [policy.tokenizer.apply_chat_template(c, add_generation_prompt=True, tokenize=False) for c in chats]
    asked = [policy.token_ids(prompt) for prompt in prompts]
    rows = [(p, [*policy.token_ids(text), *policy.end_ids[:1]]) for p, text in zip(asked, texts, strict=True)]
    width = max(len(p) + len(c) for p, c in rows)
    pad = policy.tokenizer.pad_token_id

    def tensor(values: list[list[int]]) -> torch.Tensor:
        return torch.tensor(values, device=policy.model.device)

    return token_entropy(
        policy.model,
        tensor([[pad] * (width - len(p) - len(c)) + p + c for p, c in rows]),
        tensor([[0] * (width - len(p) - len(c)) + [1] * (len(p) + len(c)) for p, c in rows]),
        tensor([[0] * (width - len(c)) + [1] * len(c) for _, c in rows]),
    )
