"""The shop as a prompt source, used by the Data page and by configurations with ``prompts = shop``."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
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
)
from backend.commerce.shop import shop_identity, shop_path
from backend.commerce.synthetic import ensure_shop
from backend.data import similarity, strata
from backend.data.jsonl import read_prompts, write_prompts
from backend.records import PromptRecord
from backend.settings import get_settings
from backend.suites.suite import FileImport, FormField, PromptSource
from rewards.commerce import BY_NAME
from rewards.types import Text

_KEPT = 4
"""So many of the prompts built last are kept on disk."""


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
    with shop.open("rb") as file:
        contents = hashlib.file_digest(file, "sha256").hexdigest()
    depends_on = (contents, *(tuple(counts.items()) for counts in wanted), seed, _written_by())
    key = hashlib.sha256(repr(depends_on).encode()).hexdigest()[:16]
    return list(_kept(_Asked(key, lambda: build_prompts(shop, *wanted, seed))))


@dataclass(frozen=True)
class _Asked:
    """Prompts to build, and a hash of all that they depend on."""

    key: str
    build: Callable[[], list[PromptRecord]] = field(compare=False)


@lru_cache(maxsize=_KEPT)
def _kept(asked: _Asked) -> tuple[PromptRecord, ...]:
    """Built once for all processes: it takes seconds, of a shop as large as Olist's half a minute."""
    file = get_settings().data_dir / "prompts" / f"{asked.key}.jsonl"
    if file.is_file():
        return tuple(read_prompts(file))
    built = asked.build()
    write_prompts(file, built)
    with suppress(FileNotFoundError):  # another process does the same
        for earlier in sorted(file.parent.glob("*.jsonl"), key=lambda f: f.stat().st_mtime)[:-_KEPT]:
            earlier.unlink()
    return tuple(built)


@lru_cache
def _written_by() -> str:
    """A hash of the files that determine what prompts a shop gives, phrasings and system prompts with them."""
    here = Path(__file__).parent
    files = [file for suffix in ("py", "txt", "md") for file in here.rglob(f"*.{suffix}")]
    digest = hashlib.sha256()
    for file in sorted((*files, Path(similarity.__file__), Path(strata.__file__))):
        digest.update(file.read_bytes())
    return digest.hexdigest()


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
