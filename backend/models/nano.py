"""nano: the embedded default policy, a Qwen3 model of about 5M parameters taught from scratch on a CPU in two to three minutes.

It exists so that every path of the real model (chat template, sampling, LoRA, GRPO, evaluation, merging) runs for
real on any machine. It knows the built-in suite's tasks on synthetic data, badly, and nothing else.

    workbench nano            # build it, or say where it already is
    workbench nano --rebuild
"""

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from backend.files import name_aside
from backend.models.nano_cache import nano_is_ready, nano_path, progress_path
from backend.records import Chat
from backend.suites.registry import nano_corpus

SEED = 7
PAIRS = 1200
EPOCHS = 3
BATCH = 8
LEARNING_RATE = 2e-3
VOCABULARY = 3072
SHAPE: dict[str, Any] = {
    "hidden_size": 256,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "intermediate_size": 640,
    "max_position_embeddings": 1024,
}
Pair = tuple[Chat, str]
"""A prompt and its answer."""
Example = tuple[list[int], int]
"""Token ids of a whole turn, and how many of them are the prompt."""
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PAD, START, END = "<|pad|>", "<|im_start|>", "<|im_end|>"


def ensure_nano(show_progress: bool = True) -> Path:
    """The folder of the nano model, built first if it is not cached. Deterministic by ``SEED``.

    Two processes that ask at once wait for one build.
    """
    path = nano_path()
    if nano_is_ready():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if nano_is_ready():
            return path
        aside = name_aside(path)
        shutil.rmtree(aside, ignore_errors=True)
        try:
            _build(aside, show_progress)
            aside.rename(path)
        finally:
            progress_path().unlink(missing_ok=True)
            shutil.rmtree(aside, ignore_errors=True)
    return path


def _build(path: Path, show_progress: bool) -> None:
    import torch
    from transformers import set_seed

    path.mkdir(parents=True)
    pairs = nano_corpus().pairs(path, PAIRS, SEED)
    set_seed(SEED)
    tokenizer = train_tokenizer(pairs)
    model = _new_model(tokenizer)
    examples = [_encode(tokenizer, chat, answer) for chat, answer in pairs]
    steps = EPOCHS * (len(examples) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.95), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.08)
    columns = (
        TextColumn("teaching nano"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% loss {task.fields[loss]:.2f}"),
    )
    with Progress(*columns, TimeElapsedColumn(), disable=not show_progress) as progress:
        bar = progress.add_task("nano", total=steps, loss=0.0)
        for step, batch in enumerate(_batches(examples)):
            ids, labels, mask = _collate(batch, tokenizer.pad_token_id)
            loss = _answer_loss(model, ids, labels, mask)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            progress.update(bar, advance=1, loss=loss.item())
            if step % 10 == 0:
                progress_path().write_text(json.dumps({"done": step, "total": steps}), encoding="utf-8")
    model.eval()
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)


def train_tokenizer(pairs: Sequence[Pair]) -> Any:
    """A byte-level BPE of the pairs' texts, with the chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (text for chat, answer in pairs for text in (*(m["content"] for m in chat), answer))
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token=PAD, eos_token=END, padding_side="left", model_max_length=1024
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _new_model(tokenizer: Any) -> Any:
    from transformers import GenerationConfig, Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=len(tokenizer),
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        **SHAPE,
    )
    model = Qwen3ForCausalLM(config)
    model.generation_config = GenerationConfig(
        pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id, do_sample=True, temperature=1.0
    )
    return model


def _encode(tokenizer: Any, chat: Chat, answer: str) -> tuple[list[int], int]:
    """Token ids of the whole turn, and how many of them are the prompt (which carry no loss)."""
    prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    prompt_ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    return prompt_ids + tokenizer(answer + END, add_special_tokens=False)["input_ids"], len(prompt_ids)


def _batches(examples: Sequence[Example]) -> Iterator[list[Example]]:
    """Every epoch in a new order; a batch holds examples of similar length, so that little is padding."""
    rng = random.Random(SEED)
    for _ in range(EPOCHS):
        order = sorted(range(len(examples)), key=lambda i: len(examples[i][0]) + 24 * rng.random())
        batches = [order[i : i + BATCH] for i in range(0, len(order) - BATCH + 1, BATCH)]
        rng.shuffle(batches)
        for batch in batches[: len(examples) // BATCH]:
            yield [examples[i] for i in batch]


def _answer_loss(model: Any, ids: Any, labels: Any, mask: Any) -> Any:
    """Mean cross-entropy of the answers' tokens; logits are computed for those alone."""
    import torch

    hidden = model.model(input_ids=ids, attention_mask=mask).last_hidden_state[:, :-1]
    answers = labels[:, 1:] != -100
    return torch.nn.functional.cross_entropy(model.lm_head(hidden[answers]), labels[:, 1:][answers])


def _collate(batch: Sequence[Example], pad: int) -> tuple[Any, Any, Any]:
    import torch

    width = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([row + [pad] * (width - len(row)) for row, _ in batch])
    labels = torch.tensor([[-100] * n + row[n:] + [-100] * (width - len(row)) for row, n in batch])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row, _ in batch])
    return ids, labels, mask


if __name__ == "__main__":
    from backend.cli import run_command

    run_command("nano")
