"""Shared fixtures: a store of one's own, and a tiny model that trains in seconds."""

import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from backend.commerce.prompts import build_prompts
from backend.commerce.synthetic import build_commerce_db
from backend.records import PromptRecord
from backend.training.config import TrainConfig, get_preset, override
from benchmarks.workbenches import postgres_database, workbench_at

TINY_PROMPTS = [
    {"task": task, "prompt": f"{text} {i}", "facts": facts, "split": "train" if i < 4 else "eval"}
    for i in range(6)
    for task, text, facts in (
        ("extraction", "Extraia o JSON. Nota: 5/5 Avaliação: ótimo", {"nota": 5}),
        ("push", "Crie um push para o app", {}),
    )
]


def pytest_configure() -> None:
    """One thread for each process: several test workers and what they start share few cores, and would only wait."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def components_once() -> Iterator[None]:
    """AppTest reads the metadata of every installed package for each run of a page, which takes longer than the page."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic shop, to be read alone."""
    return build_commerce_db(tmp_path_factory.mktemp("shop") / "commerce.db")


@pytest.fixture(scope="session")
def prompts(shop: Path) -> list[PromptRecord]:
    """The shop's usual prompts."""
    return build_prompts(shop)


@pytest.fixture
def warm_launches(workbench: Path) -> Iterator[None]:
    """What the test launches in its workbench starts warm (see ``tests.warm``)."""
    from tests import warm

    with warm.launching():
        yield


@pytest.fixture
def workbench(tmp_path: Path) -> Iterator[Path]:
    """A workbench of one's own: empty store, data and runs under a temporary folder, which is returned."""
    with workbench_at(tmp_path) as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def any_workbench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Like ``workbench``, once on SQLite and once on PostgreSQL (a database of its own; needs TEST_POSTGRES_URL)."""
    if request.param == "sqlite":
        with workbench_at(tmp_path) as folder:
            yield folder
        return
    with postgres_database() as url, workbench_at(tmp_path, url) as folder:
        yield folder


@pytest.fixture(scope="session")
def example_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with an early run and its ratings (tests/recorded), made once; to be copied."""
    from backend.store.engine import get_engine
    from tests.recorded import load_recorded

    with workbench_at(tmp_path_factory.mktemp("example")) as folder:
        load_recorded()
        get_engine().dispose()  # the last connection leaves one whole file
        return folder / "annotations.db"


@pytest.fixture
def example_workbench(workbench: Path, example_store: Path) -> Path:
    """Like ``workbench``, with an early run and its ratings in its store."""
    shutil.copy(example_store, workbench)
    return workbench


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random model that trains in seconds."""
    return build_tiny_model(tmp_path_factory.mktemp("tiny"))


def build_tiny_model(folder: Path) -> Path:
    """Write a random two-layer Qwen3 of a few thousand parameters and a tokenizer with a chat template to ``folder``."""
    from transformers import Qwen3Config, Qwen3ForCausalLM, set_seed

    from backend.models.nano import train_tokenizer

    set_seed(0)
    chat = [{"role": "user", "content": 'Extraia o JSON. Nota: 5/5 {"sentiment": "positivo"} Crie um push'}]
    tokenizer = train_tokenizer([(chat, '{"sentiment": "positivo", "nota": 5}')])
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


@pytest.fixture
def tiny_config(workbench: Path, tiny_model: Path, tiny_prompts: Path) -> TrainConfig:
    """A run of two steps of the tiny model in a workbench of its own."""
    changes = {
        "model": str(tiny_model),
        "prompts": str(tiny_prompts),
        "max_steps": 2,
        "eval_steps": 1,
        "prompts_per_step": 1,
        "num_generations": 2,
        "max_completion_length": 8,
        "name": "a 'tiny' run",
        "preflight_prompts": 2,
        "override_reason": "a random model fails preflight, rightly",
    }
    return override(get_preset("nano"), changes)
