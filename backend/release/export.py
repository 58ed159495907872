"""Export a run's best adapter for use elsewhere: alone, merged into 16-bit weights, or as GGUF; each with a model card.

The merge is checked before the export is moved to its place: the merged weights, read back from disk, must give the same
logits as the adapter, and the same greedy text for every eval prompt of the run. An adapter that was trained on NF4
weights is merged into the base's 16-bit weights, and compared with the adapter on those. (Final report §11, step 7.)
"""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backend.access import needs
from backend.data.jsonl import read_prompts
from backend.errors import UserError
from backend.files import write_json, write_whole
from backend.models.generate import generate
from backend.models.load import Policy, choose_backend, load_policy, unsloth_load_arguments
from backend.records import Sampling
from backend.release.card import model_card
from backend.store.engine import writing
from backend.store.events import record
from backend.store.runs import run_folder
from backend.training.config import TrainConfig, config_from_json

KINDS = ("adapter", "merged", "gguf")
_LARGEST_DIFFERENCE = 0.02
"""The largest difference of a logit that rounding to 16 bits explains, as a share of the logits' standard deviation."""


@dataclass(frozen=True)
class MergeCheck:
    """How the merged weights compare with the adapter.

    Attributes:
        dtype: of the merged weights on disk.
        prompts: how many eval prompts were checked.
        same_text: for how many of them the greedy completions are exactly the same.
        difference: root mean square of the difference of all logits over prompts and completions, divided by the logits'
            standard deviation.
    """

    dtype: str
    prompts: int
    same_text: int
    difference: float

    def problem(self) -> str | None:
        """Why the merged model must not be used; None when it may be used."""
        if self.difference > _LARGEST_DIFFERENCE:
            return f"its logits differ by {self.difference:.2%} of their spread (at most {_LARGEST_DIFFERENCE:.0%} is rounding)"
        if self.same_text < self.prompts:
            return f"{self.prompts - self.same_text} of {self.prompts} eval prompts get another greedy completion"
        return None


@needs("engineer")
def export_run(run_id: str, to: Path, kinds: Sequence[str] = ("adapter", "merged"), quantization: str = "q8_0") -> Path:
    """Write a run's best adapter to ``to``, one folder per kind; on an error nothing is written there.

    Args:
        run_id: a run with a best/ folder.
        to: a folder that does not exist yet, or is empty.
        kinds: some of ``KINDS``; ``merged`` is 16-bit safetensors, ``gguf`` needs Unsloth on CUDA.
        quantization: of the GGUF file, in llama.cpp's names.

    Returns:
        ``to``.

    Raises:
        UserError: there is no such run or adapter, the folder is not empty, GGUF cannot be made here, or the merged
            weights do not behave like the adapter.
    """
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise UserError(f"unknown kind of export {unknown[0]!r}; choose from {', '.join(KINDS)}")
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UserError(f"{to} exists and is not an empty folder; give another")
    folder = run_folder(run_id)
    adapter, config = folder / "best", config_from_json((folder / "config.json").read_text(encoding="utf-8"))
    if not (adapter / "adapter_config.json").is_file():
        raise UserError(f"run {run_id} has no best adapter ({adapter}); it is written at a run's first evaluation")
    config = config.model_copy(update={"four_bit": False})
    if "gguf" in kinds and choose_backend(config) != "unsloth":
        raise UserError(
            "GGUF is written by Unsloth, which needs a CUDA GPU and requirements-gpu.txt; leave it out here"
        )
    part = to.with_name(f".{to.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        _write(run_id, folder, config, part, kinds, quantization)
        if to.exists():
            to.rmdir()
        part.replace(to)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    with writing() as session:
        record(session, "exported a model", run_id, to=str(to), kinds=", ".join(kinds))
    return to


def _write(run_id: str, folder: Path, config: TrainConfig, to: Path, kinds: Sequence[str], quantization: str) -> None:
    check: MergeCheck | None = None
    if "adapter" in kinds:
        shutil.copytree(folder / "best", to / "adapter")
    if "merged" in kinds:
        check = merge(config, folder / "best", to / "merged", folder / "prompts.jsonl")
        write_json(to / "merged" / "merge_check.json", asdict(check))
    if "gguf" in kinds:
        _write_gguf(config, folder / "best", to / "gguf", quantization)
    for kind in kinds:
        write_whole(to / kind / "README.md", model_card(run_id, folder, config, kind, check))


def merge(config: TrainConfig, adapter: Path, to: Path, prompts: Path) -> MergeCheck:
    """Write the model with the adapter merged into it, 16-bit safetensors and tokenizer, and check it.

    Raises:
        UserError: the merged weights do not behave like the adapter.
    """
    import torch

    policy = load_policy(config.model_copy(update={"backend": "transformers"}), adapter=adapter)
    chats = [p.chat for p in read_prompts(prompts) if p.split == "eval"]
    sampling = Sampling(temperature=0, max_new_tokens=config.max_completion_length)
    before = [group[0].text for group in generate(policy, chats, sampling)]
    logits = _logits(policy, chats, before)
    merged = policy.model.merge_and_unload()
    # fp32 weights lose least in float16; bfloat16 weights stay bfloat16.
    stored = getattr(merged.config, "dtype", None)
    dtype = torch.bfloat16 if stored == torch.bfloat16 else torch.float16
    merged.to(dtype).save_pretrained(to)
    policy.tokenizer.save_pretrained(to)

    written = load_policy(config.model_copy(update={"model": str(to), "backend": "transformers", "revision": None}))
    after = [group[0].text for group in generate(written, chats, sampling)]
    now = _logits(written, chats, before)
    off = torch.cat([(a - b).flatten() for a, b in zip(logits, now, strict=True)])
    spread = torch.cat([a.flatten() for a in logits]).std()
    check = MergeCheck(
        dtype=str(dtype).removeprefix("torch."),
        prompts=len(chats),
        same_text=sum(a == b for a, b in zip(before, after, strict=True)),
        difference=float(off.square().mean().sqrt() / spread),
    )
    if problem := check.problem():
        raise UserError(
            f"merged in {check.dtype}, the model is not the adapter's: {problem}. Serve the adapter instead."
        )
    return check


def _logits(policy: Policy, chats: Sequence[list[dict[str, str]]], completions: Sequence[str]) -> list[Any]:
    """The logits at every position of prompt and completion, one tensor [length, vocabulary] per chat, on the CPU.

    Only the first 4,096 columns of a large vocabulary; that is enough, because all come from the same matrix product.
    """
    import torch

    tokenizer, found = policy.tokenizer, []
    with torch.inference_mode():
        for chat, completion in zip(chats, completions, strict=True):
            text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False) + completion
            ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"].to(policy.model.device)
            found.append(policy.model(ids).logits[0, :, :4096].float().cpu())
    return found


def _write_gguf(config: TrainConfig, adapter: Path, to: Path, quantization: str) -> None:
    """Write GGUF with Unsloth, which merges and quantises by itself."""
    from unsloth import FastLanguageModel

    model, tokenizer = FastLanguageModel.from_pretrained(**unsloth_load_arguments(config, str(adapter)))
    to.mkdir(parents=True)
    model.save_pretrained_gguf(str(to), tokenizer, quantization_method=quantization)
