"""Shared fixtures: a store of one's own, and a tiny model that trains in seconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.settings import get_settings
from backend.store.engine import get_engine

TINY_PROMPTS = [
    {"task": task, "prompt": f"{text} {i}", "facts": facts, "split": "train" if i < 4 else "eval"}
    for i in range(6)
    for task, text, facts in (
        ("extraction", "Extraia o JSON. Nota: 5/5 Avaliação: ótimo", {"nota": 5}),
        ("push", "Crie um push para o app", {}),
    )
]


@pytest.fixture
def workbench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workbench of one's own: empty store, data and runs under a temporary folder, which is returned."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'annotations.db'}")
    monkeypatch.setenv("WORKBENCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WORKBENCH_RUNS_DIR", str(tmp_path / "runs"))
    get_settings.cache_clear()
    get_engine.cache_clear()
    yield tmp_path
    get_settings.cache_clear()
    get_engine.cache_clear()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random two-layer Qwen3 of a few thousand parameters and a tokenizer with a chat template."""
    from transformers import Qwen3Config, Qwen3ForCausalLM, set_seed

    from backend.models.nano import _train_tokenizer

    set_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    chat = [{"role": "user", "content": 'Extraia o JSON. Nota: 5/5 {"sentiment": "positivo"} Crie um push'}]
    tokenizer = _train_tokenizer([(chat, '{"sentiment": "positivo", "nota": 5}')])
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        intermediate_size=64,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def tiny_prompts(tmp_path: Path) -> Path:
    """A JSONL file of a dozen prompts for two tasks, both splits."""
    import json

    path = tmp_path / "tiny.jsonl"
    path.write_text("".join(json.dumps(p, ensure_ascii=False) + "\n" for p in TINY_PROMPTS), encoding="utf-8")
    return path
