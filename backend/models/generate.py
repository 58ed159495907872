"""Sample completions from any policy: batched, seeded, and without changing the state of a training run."""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from backend.records import Chat, Completion, Sampling

if TYPE_CHECKING:
    from backend.models.engine import Engine
    from backend.models.load import Policy

_COUNT_SECONDS = 1.0


def generate(
    policy: "Policy",
    chats: Sequence[Chat],
    sampling: Sampling,
    n: int = 1,
    batch_size: int = 32,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[list[Completion]]:
    """``n`` completions for each chat.

    Prompts are batched by length, or all given to the policy's engine (vLLM) where it has one. Each batch has its own seed. Afterwards the caller's random state, the model's mode
    and its KV-cache flag are restored.

    Args:
        policy: model and tokenizer.
        chats: prompts as chats.
        sampling: generation parameters.
        n: completions per chat.
        batch_size: sequences generated at once.
        on_progress: called with (sequences done, total number of sequences).

    Returns:
        For each chat, in order, its ``n`` completions.
    """
    import torch

    model = policy.model
    prompts = [_prompt(policy, chat) for chat in chats]
    if policy.engine is not None:
        return _by_engine(policy, policy.engine, prompts, sampling, n, on_progress)
    order = sorted((i for i in range(len(prompts)) for _ in range(n)), key=lambda i: -len(prompts[i]))
    config = _generation_config(policy, sampling)
    done: list[list[Completion]] = [[] for _ in prompts]
    with _undisturbed(model), torch.inference_mode():
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            torch.manual_seed(sampling.seed * 1_000_003 + start)
            inputs = _inputs(policy, [prompts[i] for i in rows])
            longest = inputs["input_ids"].shape[1]
            counted = [_counter(policy, longest, start, len(order), on_progress)] if on_progress else None
            output = model.generate(**inputs, generation_config=config, stopping_criteria=counted)
            for i, ids in zip(rows, output[:, longest:].tolist(), strict=True):
                done[i].append(_completion(policy.tokenizer, ids, policy.end_ids, sampling.max_new_tokens))
            if on_progress:
                on_progress(min(start + batch_size, len(order)), len(order))
    return done


def _counter(policy: "Policy", prompt: int, before: int, total: int, on_progress: Callable[[int, int], None]) -> Any:
    """A stopping criterion that stops nothing: it says how many completions of a batch have ended, once a second.

    Args:
        policy: that generates.
        prompt: the prompts' length in tokens.
        before: how many completions were done before this batch.
        total: how many there will be.
        on_progress: of ``generate``.
    """
    import torch

    said, ends = time.monotonic(), torch.tensor(policy.end_ids, device=policy.model.device)

    def count(ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
        nonlocal said
        if time.monotonic() - said >= _COUNT_SECONDS:
            said = time.monotonic()
            on_progress(before + int(torch.isin(ids[:, prompt:], ends).any(dim=1).sum()), total)
        return torch.zeros(len(ids), dtype=torch.bool, device=ids.device)

    return count


def _by_engine(
    policy: "Policy",
    engine: "Engine",
    prompts: list[str],
    sampling: Sampling,
    n: int,
    on_progress: Callable[[int, int], None] | None,
) -> list[list[Completion]]:
    """All at once: an engine batches by itself."""
    ids = policy.tokenizer(prompts, add_special_tokens=False)["input_ids"] if prompts else []
    made = [
        _completion(policy.tokenizer, one, policy.end_ids, sampling.max_new_tokens)
        for one in engine.complete(ids, n, sampling, policy.end_ids)
    ]
    if on_progress:
        on_progress(len(made), len(made))
    return [made[start : start + n] for start in range(0, len(made), n)]


def generate_stream(policy: "Policy", chat: Chat, sampling: Sampling) -> Generator[str]:
    """Yield one completion in pieces while it is generated. Closing the iterator ends the generation.

    Args:
        policy: model and tokenizer.
        chat: the prompt.
        sampling: generation parameters.
    """
    import torch
    from transformers import TextIteratorStreamer

    streamer = TextIteratorStreamer(policy.tokenizer, skip_prompt=True, skip_special_tokens=True)
    left, failed = threading.Event(), list[Exception]()

    def has_left(ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
        return torch.full((len(ids),), left.is_set(), device=ids.device)

    def work() -> None:
        try:
            with _undisturbed(policy.model), torch.inference_mode():
                torch.manual_seed(sampling.seed)
                policy.model.generate(
                    **_inputs(policy, [_prompt(policy, chat)]),
                    generation_config=_generation_config(policy, sampling),
                    streamer=streamer,
                    stopping_criteria=[has_left],
                )
        except Exception as error:  # raised again in the thread that reads the pieces
            failed.append(error)
            streamer.end()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield from (piece for piece in streamer if piece)
    finally:
        left.set()
        thread.join()
    if failed:
        raise failed[0]


def _prompt(policy: "Policy", chat: Chat) -> str:
    return str(policy.tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False))


def _inputs(policy: "Policy", prompts: list[str]) -> Any:
    inputs = policy.tokenizer(
        prompts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False
    ).to(policy.model.device)
    inputs.pop("token_type_ids", None)
    return inputs


def _generation_config(policy: "Policy", sampling: Sampling) -> Any:
    from transformers import GenerationConfig

    return GenerationConfig(
        **_arguments(sampling), pad_token_id=policy.tokenizer.pad_token_id, eos_token_id=policy.end_ids
    )


def _arguments(sampling: Sampling) -> dict[str, Any]:
    common = {"max_new_tokens": sampling.max_new_tokens, "repetition_penalty": sampling.repetition_penalty}
    if sampling.temperature == 0:
        return {**common, "do_sample": False}
    return {
        **common,
        "do_sample": True,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
    }


def _completion(tokenizer: Any, ids: list[int], end_ids: list[int], limit: int) -> Completion:
    length = next((i + 1 for i, token in enumerate(ids) if token in end_ids), None)
    ids = ids[: length or limit]
    return Completion(tokenizer.decode(ids, skip_special_tokens=True), len(ids), truncated=length is None)


@contextmanager
def _undisturbed(model: Any) -> Iterator[None]:
    """Eval mode with the KV cache on; at the end the model's mode, its cache flag and the random state are restored."""
    import torch

    training, use_cache = model.training, model.config.use_cache
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        model.eval()
        model.config.use_cache = True
        try:
            yield
        finally:
            model.config.use_cache = use_cache
            model.train(training)
