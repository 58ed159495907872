"""Loading a policy and generating from it, on a tiny real model."""

import json
from pathlib import Path
from typing import Any

import pytest

from backend.errors import UserError
from backend.models.generate import generate, generate_stream
from backend.models.load import LINEAR_LAYERS, Policy, PolicyConfig, load_policy
from backend.records import Sampling

pytestmark = pytest.mark.slow

CHATS = [[{"role": "user", "content": text}] for text in ("Crie um push", "Extraia o JSON da avaliação: ótimo", "Oi")]


@pytest.fixture(scope="module")
def policy(tiny_model: Path) -> Policy:
    return load_policy(PolicyConfig(model=str(tiny_model)), trainable=True)


def test_the_models_own_generation_defaults_are_replaced(tiny_model: Path, tmp_path: Path) -> None:
    """V1: temperature 0.1 in generation_config.json made every rollout the same."""
    copy = tmp_path / "cold"
    copy.mkdir()
    for file in tiny_model.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "generation_config.json").write_text(
        json.dumps({"do_sample": True, "temperature": 0.1, "repetition_penalty": 1.2})
    )
    cold = load_policy(PolicyConfig(model=str(copy)))
    assert cold.model.generation_config.temperature == 1.0
    assert cold.model.generation_config.repetition_penalty == 1.0
    groups = generate(cold, CHATS[:1], Sampling(max_new_tokens=8), n=8)
    assert len({c.text for c in groups[0]}) > 4


def test_only_the_adapter_trains(policy: Policy) -> None:
    trained = [name for name, p in policy.model.named_parameters() if p.requires_grad]
    assert trained and all("lora_" in name for name in trained)
    assert {layer for name in trained for layer in LINEAR_LAYERS if layer in name} == set(LINEAR_LAYERS)


def test_generation_is_seeded_and_ordered(policy: Policy) -> None:
    sampling = Sampling(max_new_tokens=8, seed=3)
    first, again = (generate(policy, CHATS, sampling, n=2) for _ in range(2))
    assert first == again
    assert [len(group) for group in first] == [2, 2, 2]
    assert first != generate(policy, CHATS, Sampling(max_new_tokens=8, seed=4), n=2)


def test_batched_greedy_text_is_the_one_by_one_text(policy: Policy) -> None:
    sampling = Sampling(temperature=0, max_new_tokens=10)
    together = [g[0].text for g in generate(policy, CHATS, sampling)]
    alone = [generate(policy, [chat], sampling)[0][0].text for chat in CHATS]
    assert together == alone


def test_a_stream_is_the_whole_text_and_ends_with_its_reader(policy: Policy) -> None:
    sampling = Sampling(temperature=0, max_new_tokens=10)
    ((whole,),) = generate(policy, CHATS[:1], sampling)
    assert "".join(generate_stream(policy, CHATS[0], sampling)) == whole.text

    steps: list[int] = []
    hook = policy.model.get_input_embeddings().register_forward_hook(lambda *_: steps.append(1))
    pieces = generate_stream(policy, CHATS[0], Sampling(max_new_tokens=5000))
    next(pieces)
    pieces.close()  # waits until the generation has ended
    hook.remove()
    assert 0 < len(steps) < 5000
    assert "".join(generate_stream(policy, CHATS[0], sampling)) == whole.text


def test_an_error_in_a_stream_is_raised_where_it_is_read(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(policy.model, "generate", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        list(generate_stream(policy, CHATS[0], Sampling(max_new_tokens=4)))


def test_generation_leaves_random_state_mode_and_cache_as_they_were(policy: Policy) -> None:
    policy.model.train()
    policy.model.config.use_cache = False
    import torch

    before = torch.get_rng_state()
    generate(policy, CHATS, Sampling(max_new_tokens=4))
    assert torch.equal(before, torch.get_rng_state())
    assert policy.model.training and policy.model.config.use_cache is False


def test_a_completion_that_hits_the_ceiling_is_marked(policy: Policy) -> None:
    (group,) = generate(policy, CHATS[:1], Sampling(max_new_tokens=1, seed=1))
    assert group[0].tokens == 1
    assert group[0].truncated == (group[0].text != "")


def test_progress_is_told(policy: Policy) -> None:
    told = []
    generate(policy, CHATS, Sampling(max_new_tokens=2), n=2, batch_size=4, on_progress=lambda *a: told.append(a))
    assert told == [(4, 6), (6, 6)]


def test_four_bit_weights_train_on_a_cpu(tiny_model: Path) -> None:
    quantised = load_policy(PolicyConfig(model=str(tiny_model), four_bit=True), trainable=True)
    assert any(type(p).__name__ == "Params4bit" for p in quantised.model.parameters())
    ids = quantised.tokenizer("Crie um push", return_tensors="pt").to(quantised.model.device)
    generate(quantised, CHATS[:1], Sampling(max_new_tokens=2))  # an evaluation first: it must not freeze the weights
    quantised.model.train()
    quantised.model(**ids, labels=ids["input_ids"]).loss.backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in quantised.model.parameters())


@pytest.mark.parametrize(
    ("model", "message"),
    [("/no/such/folder", "does not exist"), ("./neither", "does not exist")],
)
def test_a_missing_folder_says_so(model: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_policy(PolicyConfig(model=model))


def test_a_folder_without_a_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no config\.json"):
        load_policy(PolicyConfig(model=str(tmp_path)))


def test_a_hub_model_that_cannot_be_had_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="hf download Polygl0t/no-such-model"):
        load_policy(PolicyConfig(model="Polygl0t/no-such-model", revision="main"))


def test_a_folder_that_is_no_adapter_says_so(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no LoRA adapter"):
        load_policy(PolicyConfig(model=str(tiny_model)), adapter=tmp_path)


def test_unsloth_is_refused_without_cuda(tiny_model: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UserError, match="needs a CUDA GPU"):
        load_policy(PolicyConfig(model=str(tiny_model), backend="unsloth"))


def test_counting_completions_on_the_way_changes_no_text(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.models.generate._COUNT_SECONDS", 0.0)
    policy = load_policy(PolicyConfig(model=str(tiny_model)))
    chats, sampling = [[{"role": "user", "content": text}] for text in "abc"], Sampling(max_new_tokens=12, seed=3)
    said: list[tuple[int, int]] = []
    counted = generate(policy, chats, sampling, 2, 4, on_progress=lambda done, total: said.append((done, total)))
    assert counted == generate(policy, chats, sampling, 2, 4)
    assert len(said) > 2 and said == sorted(said) and said[-1] == (6, 6)
