"""vLLM as what a policy generates with, in training, in evaluations and in preflight alike.

Two kinds, because vLLM is reached in two ways: Unsloth and TRL keep one in their own process (colocate), and TRL can speak
to one on a server. Neither has run here: it needs a GPU. What is handed to it is held against its own signatures
(tests/backend/test_vllm.py).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from backend.records import Sampling


class Engine(Protocol):
    """Something that completes prompts with the policy's present weights."""

    def complete(self, prompts: Sequence[list[int]], n: int, sampling: Sampling, end_ids: list[int]) -> list[list[int]]:
        """Token ids of ``n`` completions of each prompt, a prompt's in a row; each with its end token, unless it was cut."""
        ...


def sampling_arguments(sampling: Sampling, end_ids: list[int], seed: int | None) -> dict[str, Any]:
    """Keyword arguments for ``vllm.SamplingParams``. Nothing is left to the model's own generation_config."""
    return {
        "n": 1,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": 0.0,
        "repetition_penalty": sampling.repetition_penalty,
        "max_tokens": sampling.max_new_tokens,
        "stop_token_ids": end_ids,
        "seed": seed,
        "skip_special_tokens": False,
    }


@dataclass(frozen=True)
class Colocated:
    """A vLLM in this process.

    Attributes:
        llm: ``vllm.LLM``.
        lora: the adapter's present weights as a request; None where ``sync`` puts them into the engine's own.
        sync: brings the policy's present weights into the engine.
        rest: lets the engine give its memory back after use; None where it stays awake.
    """

    llm: Any
    lora: Callable[[], Any] = lambda: None
    sync: Callable[[], None] = lambda: None
    rest: Callable[[], None] | None = None

    def complete(self, prompts: Sequence[list[int]], n: int, sampling: Sampling, end_ids: list[int]) -> list[list[int]]:
        """See ``Engine``. Each completion has a seed of its own, so that an evaluation can be repeated."""
        from vllm import SamplingParams

        rows = [ids for ids in prompts for _ in range(n)]
        seeds = [sampling.seed * 1_000_003 + row for row in range(len(rows))]
        with self._awake():
            outputs = self.llm.generate(
                [{"prompt_token_ids": ids} for ids in rows],
                sampling_params=[SamplingParams(**sampling_arguments(sampling, end_ids, seed)) for seed in seeds],
                use_tqdm=False,
                lora_request=self.lora(),
            )
        return [_ended(one.outputs[0], end_ids) for one in outputs]

    @contextmanager
    def _awake(self) -> Iterator[None]:
        self.sync()
        if self.rest is not None:
            self.llm.wake_up(tags=["kv_cache"])
        try:
            yield
        finally:
            if self.rest is not None:
                self.rest()


@dataclass(frozen=True)
class OnServer:
    """A vLLM on a server, through TRL's client.

    Attributes:
        client: ``trl.generation.vllm_client.VLLMClient``.
        sync: brings the policy's present weights to the server.
    """

    client: Any
    sync: Callable[[], None]

    def complete(self, prompts: Sequence[list[int]], n: int, sampling: Sampling, end_ids: list[int]) -> list[list[int]]:
        """See ``Engine``."""
        self.sync()
        arguments = sampling_arguments(sampling, end_ids, sampling.seed)
        named = {key: arguments.pop(key) for key in SERVER_ARGUMENTS}
        arguments.pop("n")
        found = self.client.generate(prompts=list(prompts), n=n, **named, generation_kwargs=arguments)
        return [list(ids) for ids in found["completion_ids"]]


SERVER_ARGUMENTS = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "max_tokens")
"""What ``VLLMClient.generate`` takes by name; the rest goes into its ``generation_kwargs``."""


def engine_of_unsloth(model: Any) -> Engine | None:
    """The engine that Unsloth has loaded with the model (``fast_inference``); None without one."""
    llm = getattr(model, "vllm_engine", None)
    if llm is None:
        return None
    adapted = hasattr(model, "peft_config")
    return Colocated(llm, lora=lambda: model.load_lora("workbench", load_tensors=True) if adapted else None)


def engine_of_trainer(trainer: Any) -> Engine | None:
    """The engine that TRL's trainer has made; None without one."""
    generation = getattr(trainer, "vllm_generation", None)
    if generation is None:
        return None
    if generation.mode == "server":
        return OnServer(generation.vllm_client, generation.sync_weights)

    def rest() -> None:
        generation.llm.sleep(level=2)
        generation._llm_weights_sleeping = True  # TRL then brings the weights back before it generates itself

    return Colocated(generation.llm, sync=generation.sync_weights, rest=rest if generation.enable_sleep_mode else None)


def _ended(output: Any, end_ids: list[int]) -> list[int]:
    """A completion's ids, with an end token where it ended by itself."""
    ids = list(output.token_ids)
    stopped = output.finish_reason == "stop" and (not ids or ids[-1] not in end_ids)
    return [*ids, end_ids[0]] if stopped else ids
