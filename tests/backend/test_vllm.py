"""Generation with vLLM, which needs a GPU to run: what is set, how an engine is asked, and its real signatures.

``make vllm-files`` puts the few files of vLLM's wheel that are read here into .venv-vllm, without installing it.
"""

import ast
import importlib.util
import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from backend.models.engine import SERVER_ARGUMENTS, OnServer, engine_of_trainer, engine_of_unsloth, sampling_arguments
from backend.models.generate import generate
from backend.models.load import PolicyConfig, load_policy, unsloth_load_arguments
from backend.records import Sampling
from backend.settings import ROOT
from backend.training.config import get_preset, override

FILES = ROOT / ".venv-vllm"
wheel = pytest.mark.skipif(not FILES.is_dir(), reason="`make vllm-files` fetches the files of vLLM's wheel")
ON = {"use_vllm": True, "vllm_gpu_memory_utilization": 0.4, "vllm_enable_sleep_mode": True}


def parameters(path: str, of: str, function: str = "__init__") -> set[str]:
    """The parameters of a class's function, or the fields of a class, read from the source."""
    for node in ast.walk(ast.parse((FILES / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and node.name == of:
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and member.name == function:
                    return {a.arg for a in (*member.args.args, *member.args.kwonlyargs)}
            return {m.target.id for m in node.body if isinstance(m, ast.AnnAssign) and isinstance(m.target, ast.Name)}
    raise AssertionError(f"{path} has no {of}")


@wheel
def test_what_we_hand_over_is_what_vllm_takes() -> None:
    assert sampling_arguments(Sampling(), [1], 7).keys() <= parameters(
        "vllm/sampling_params.py", "SamplingParams", "none"
    )
    asked = {"prompts", "sampling_params", "use_tqdm", "lora_request"}
    assert asked <= parameters("vllm/entrypoints/llm.py", "LLM", "generate")
    assert "level" in parameters("vllm/entrypoints/llm.py", "LLM", "sleep")
    assert "tags" in parameters("vllm/entrypoints/llm.py", "LLM", "wake_up")


@wheel
def test_what_trl_hands_over_is_what_this_vllm_takes() -> None:
    spec = importlib.util.find_spec("trl")
    assert spec is not None and spec.origin is not None
    source = (Path(spec.origin).parent / "generation" / "vllm_generation.py").read_text(encoding="utf-8")
    (call,) = [
        n for n in ast.walk(ast.parse(source))
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "LLM"
    ]  # fmt: skip
    taken = parameters("vllm/entrypoints/llm.py", "LLM") | parameters("vllm/engine/arg_utils.py", "EngineArgs", "none")
    assert {k.arg for k in call.keywords} <= taken


@wheel
def test_the_files_are_of_the_pinned_version() -> None:
    pinned = re.search(r"^vllm==(\S+)", (ROOT / "requirements-vllm.txt").read_text(encoding="utf-8"), re.M)
    assert pinned and list(FILES.glob(f"vllm-{pinned[1]}.dist-info"))


def test_it_is_on_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it was on for Unsloth wherever the package could be imported."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: object() if name == "vllm" else find(name, *rest)
    )
    off = unsloth_load_arguments(PolicyConfig(), "somewhere")
    assert off["fast_inference"] is False and "unsloth_vllm_standby" not in off
    on = unsloth_load_arguments(PolicyConfig(**ON), "somewhere")
    assert (on["fast_inference"], on["gpu_memory_utilization"], on["unsloth_vllm_standby"]) == (True, 0.4, True)
    assert unsloth_load_arguments(PolicyConfig(**ON, vllm_mode="server"), "somewhere")["fast_inference"] is False


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["transformers", "unsloth"])
def test_trl_is_told_everything(backend: str) -> None:
    from backend.training.trainer import grpo_arguments

    nano = get_preset("nano")
    off, on = (grpo_arguments(c, [], "unused", backend) for c in (nano, override(nano, ON)))
    assert off.use_vllm is False
    assert (on.use_vllm, on.vllm_mode, on.vllm_gpu_memory_utilization) == (True, "colocate", 0.4)
    assert (on.vllm_enable_sleep_mode, on.vllm_importance_sampling_correction) == (True, True)
    assert on.vllm_max_model_length == nano.max_seq_length and on.vllm_server_base_url is None
    server = grpo_arguments(override(nano, {**ON, "vllm_mode": "server", "vllm_importance_sampling_correction": False}), [], "unused", backend)  # fmt: skip
    assert (server.vllm_mode, server.vllm_server_base_url) == ("server", "http://127.0.0.1:8000")
    assert server.vllm_importance_sampling_correction is False


def test_which_engine_a_policy_has() -> None:
    assert engine_of_unsloth(object()) is None and engine_of_trainer(object()) is None
    generation = SimpleNamespace(
        mode="colocate",
        llm=SimpleNamespace(sleep=lambda level: None),
        enable_sleep_mode=True,
        sync_weights=lambda: None,
    )
    colocated = engine_of_trainer(SimpleNamespace(vllm_generation=generation))
    colocated.rest()  # type: ignore[union-attr]
    assert generation._llm_weights_sleeping is True, "else TRL would generate with weights that are gone"
    generation = SimpleNamespace(mode="server", vllm_client=None, sync_weights=lambda: None)
    assert isinstance(engine_of_trainer(SimpleNamespace(vllm_generation=generation)), OnServer)


@pytest.mark.slow
def test_a_server_is_asked_through_trls_client_with_what_it_takes() -> None:
    from trl.generation.vllm_client import VLLMClient

    assert {"prompts", "n", "generation_kwargs", *SERVER_ARGUMENTS} <= set(
        inspect.signature(VLLMClient.generate).parameters
    )
    asked: list[dict] = []

    class Client:
        def generate(self, **arguments: object) -> dict[str, list[list[int]]]:
            inspect.signature(VLLMClient.generate).bind(self, **arguments)
            asked.append(arguments)
            return {"completion_ids": [[1], [2], [3], [4]]}

    synced: list[int] = []
    engine = OnServer(Client(), lambda: synced.append(1))
    assert engine.complete([[5], [6]], 2, Sampling(temperature=0.1, seed=3), [0]) == [[1], [2], [3], [4]]
    assert synced == [1] and asked[0]["temperature"] == 0.1
    assert asked[0]["generation_kwargs"] == {"stop_token_ids": [0], "seed": 3, "skip_special_tokens": False}


@pytest.mark.slow
def test_a_policy_with_an_engine_generates_through_it(tiny_model: Path) -> None:
    """Evaluations, preflight and samples all call ``generate``."""
    policy = load_policy(PolicyConfig(model=str(tiny_model)))
    end = policy.end_ids[0]

    class Engine:
        def complete(
            self, prompts: Sequence[list[int]], n: int, sampling: Sampling, end_ids: list[int]
        ) -> list[list[int]]:
            return [[*policy.token_ids("push"), *([end] if row == 0 else [])] for _ in prompts for row in range(n)]

    policy.engine = Engine()
    chats = [[{"role": "user", "content": text}] for text in ("Oi", "Crie um push")]
    groups = generate(policy, chats, Sampling(max_new_tokens=len(policy.token_ids("push"))), n=2)
    assert [[c.text for c in group] for group in groups] == [["push"] * 2] * 2
    assert [[c.truncated for c in group] for group in groups] == [[False, True]] * 2
