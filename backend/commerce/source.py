"""The shop as a prompt source, used by the Data page and by configurations with ``prompts = shop``."""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from backend.commerce.prompts import (
    EVAL_COUNTS,
    TEST,
    TRAIN_COUNTS,
    build_prompts,
    counts_for,
    counts_for_test,
    system_prompt,
)
from backend.commerce.shop import shop_identity, shop_path
from backend.commerce.synthetic import ensure_shop
from backend.records import PromptRecord
from backend.suites.suite import FileImport, FormField, PromptSource
from rewards.commerce import BY_NAME
from rewards.types import Text


def shop_now() -> str:
    """Where the shop's data come from, and their hash.

    Raises:
        UserError: there is no shop.
    """
    source, data_hash = shop_identity(shop_path())
    return f"{source} ({data_hash})"


def shop_prompts(eval_scale: int = 1, test: int = TEST, seed: int = 42, **train: int) -> list[PromptRecord]:
    """Prompts from the shop's data; if there is no shop, the synthetic one is built.

    Args:
        eval_scale: the number of eval prompts is 65 times this.
        test: the number of test prompts.
        seed: the seed of every draw.
        train: train prompts per task; the default number for tasks left out.
    """
    shop = ensure_shop(shop_path())
    wanted = counts_for(**train), {task: eval_scale * n for task, n in EVAL_COUNTS.items()}, counts_for_test(test)
    depends_on = (
        hashlib.sha256(shop.read_bytes()).digest(),
        *(system_prompt(task) for task in TRAIN_COUNTS),
        *(tuple(counts.items()) for counts in wanted),
        seed,
    )
    return list(_built(_Asked(depends_on, lambda: build_prompts(shop, *wanted, seed))))


@dataclass(frozen=True)
class _Asked:
    """Prompts to build, and all that they depend on."""

    depends_on: tuple[Hashable, ...]
    build: Callable[[], list[PromptRecord]] = field(compare=False)


@lru_cache(maxsize=4)
def _built(asked: _Asked) -> tuple[PromptRecord, ...]:
    """Built once in a process: it takes seconds, and pages ask for the same prompts again and again."""
    return tuple(asked.build())


def take_olist(folder: Path, on_progress: Callable[[str], None]) -> Sequence[str]:
    """Replace the shop by Olist's files; returns the report's lines."""
    from backend.commerce.olist import import_olist

    return import_olist(folder, shop_path(), on_progress=on_progress).lines()


SHOP = PromptSource(
    name="shop",
    label=Text("the shop", "a loja"),
    now=shop_now,
    build=shop_prompts,
    fields=(
        *(FormField(task, BY_NAME[task].label, count, 0, 50_000) for task, count in TRAIN_COUNTS.items()),
        FormField(
            "eval_scale", Text("Eval × 65", "Aval. × 65"), 1, 1, 20, Text("20 / 15 / 15 / 15", "20 / 15 / 15 / 15")
        ),
        FormField("test", Text("Test", "Teste"), TEST, 0, 10_000, Text("40 / 30 / 30 / 30", "40 / 30 / 30 / 30")),
        FormField("seed", Text("Seed", "Semente"), 42, 0, 2**31 - 1),
    ),
    files=FileImport(
        label=Text("Import a shop", "Importar uma loja"),
        what=Text(
            "The nine CSV files of the public Olist data, or your own in that layout; the orders are needed. "
            "Names, addresses, phone numbers, e-mails and documents in reviews are masked.",
            "Os nove CSVs públicos da Olist, ou os seus nesse formato; os pedidos são necessários. Nomes, endereços, telefones, "
            "e-mails e documentos nas avaliações são mascarados.",
        ),
        files=("*.csv", "*.tsv", "*.txt"),
        take=take_olist,
        done=Text(
            "Make prompts from it under New set. SQL prompts of another shop no longer fit profiles v5-exec and v5.",
            "Gere prompts em Novo conjunto. Prompts de SQL de outra loja não servem mais aos perfis v5-exec e v5.",
        ),
    ),
    aliases=("synthetic",),
)
