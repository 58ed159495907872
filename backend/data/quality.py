"""Check the quality of a prompt set before training: task mix, lengths, duplicates, leaks, labels, checkable facts."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import get_args

import numpy as np

from backend.data.similarity import LEAK, SAME, Neighbours
from backend.models.nano_cache import nano_path
from backend.records import PromptRecord, Split
from backend.suites import suite_of, tasks
from backend.wording import Text, fill

_CHARACTERS_PER_TOKEN = 3.2
"""For Portuguese prose and a 32k-token BPE tokenizer; used where no tokenizer is available."""
FEW_TRAIN = 100
"""Fewer train prompts of a task than this are reported as a problem: 150 were too few (final report §9)."""
FEW_EVAL = 6
"""Fewer pairs cannot give a signed-rank p under 0.05."""


@dataclass(frozen=True)
class TaskQuality:
    """One task's prompts.

    Attributes:
        task: its name.
        train, eval, test: prompts per split.
        share: of the train prompts, 0 to 1.
        tokens_median, tokens_p95, tokens_max: of a whole prompt, system prompt included.
        too_long: prompts over the limit.
        duplicates: prompts whose similarity to an earlier one is at least ``SAME``.
        nearest: the highest similarity (0 to 1) of two prompts of different splits; None if there is one split only.
        shared: values that should be in one split only (``Task.unique``) and are in several.
        mislabelled: prompts that the classifier assigns to another task.
        checkable: share of prompts with facts to check an answer against.
        difficulty: eval prompts per difficulty.
    """

    task: str
    train: int
    eval: int
    test: int
    share: float
    tokens_median: int
    tokens_p95: int
    tokens_max: int
    too_long: int
    duplicates: int
    nearest: float | None
    shared: int
    mislabelled: int
    checkable: float
    difficulty: dict[str, int]

    def problems(self) -> list[Text]:
        """What to fix before training, in words."""
        near = f"{self.nearest or 0:.2f}"
        possible = [
            (
                self.too_long,
                fill(
                    "{n} {n:prompt is|prompts are} longer than the limit and would be cut",
                    "{n} {n:prompt passa do limite e seria cortado|prompts passam do limite e seriam cortados}",
                    n=self.too_long,
                ),
            ),
            (
                self.duplicates,
                fill(
                    "{n} {n:prompt nearly repeats|prompts nearly repeat} another",
                    "{n} {n:prompt quase repete|prompts quase repetem} outro",
                    n=self.duplicates,
                ),
            ),
            (
                self.shared,
                fill(
                    "{n} {n:value that identifies a prompt stands|values that identify a prompt stand} in several splits",
                    "{n} {n:valor que distingue os prompts está|valores que distinguem os prompts estão} em mais de uma parte",
                    n=self.shared,
                ),
            ),
            (
                (self.nearest or 0) >= LEAK,
                fill(
                    "two prompts of different splits are {near} alike",
                    "dois prompts de partes diferentes têm semelhança {near}",
                    near=near,
                ),
            ),
            (
                self.mislabelled,
                fill(
                    "{n} {n:prompt reads|prompts read} like another task",
                    "{n} {n:prompt parece|prompts parecem} de outra tarefa",
                    n=self.mislabelled,
                ),
            ),
            (
                self.train < FEW_TRAIN,
                fill(
                    "only {n} train {n:prompt|prompts}; 150 have been too few to learn a task",
                    "só {n} {n:prompt|prompts} de treino; 150 já foram poucos para aprender uma tarefa",
                    n=self.train,
                ),
            ),
            (
                self.eval < FEW_EVAL,
                fill(
                    "only {n} eval {n:prompt|prompts}: no test could find a change",
                    "só {n} {n:prompt|prompts} de avaliação: nenhum teste acharia uma mudança",
                    n=self.eval,
                ),
            ),
            (
                0 < self.test < FEW_EVAL,
                fill(
                    "only {n} test {n:prompt|prompts}: no test could find a change",
                    "só {n} {n:prompt|prompts} de teste: nenhum teste acharia uma mudança",
                    n=self.test,
                ),
            ),
        ]
        return [words for wrong, words in possible if wrong]

    def as_dict(self) -> dict[str, object]:
        """The attributes by name."""
        return asdict(self)


def quality(
    prompts: list[PromptRecord], limit: int = 1024, count_tokens: Callable[[str], int] | None = None
) -> list[TaskQuality]:
    """The quality of a prompt set, one item per task.

    Args:
        prompts: of all splits.
        limit: the most tokens of a prompt (max_seq_length minus max_completion_length).
        count_tokens: a function that counts a text's tokens; they are estimated from its characters when left out.
    """
    count = count_tokens or (lambda text: round(len(text) / _CHARACTERS_PER_TOKEN))
    trained = max(1, sum(p.split == "train" for p in prompts))
    return [
        _of_task(task, [p for p in prompts if p.task == task], trained, limit, count)
        for task in dict.fromkeys(p.task for p in prompts)
    ]


def _of_task(
    task: str, prompts: list[PromptRecord], trained: int, limit: int, count: Callable[[str], int]
) -> TaskQuality:
    splits = {split: [p for p in prompts if p.split == split] for split in get_args(Split)}
    tokens = np.array([sum(count(m.content) + 4 for m in p.messages) for p in prompts])
    unique = tasks()[task].unique if task in tasks() else ()
    values = Counter(v for of in splits.values() for v in {(k, p.facts[k]) for p in of for k in unique if k in p.facts})
    return TaskQuality(
        task=task,
        train=len(splits["train"]),
        eval=len(splits["eval"]),
        test=len(splits["test"]),
        share=len(splits["train"]) / trained,
        tokens_median=int(np.median(tokens)),
        tokens_p95=int(np.quantile(tokens, 0.95)),
        tokens_max=int(tokens.max()),
        too_long=int((tokens > limit).sum()),
        duplicates=_duplicates(prompts),
        nearest=_nearest(list(splits.values())),
        shared=sum(n > 1 for n in values.values()),
        mislabelled=_mislabelled(task, prompts),
        checkable=sum(bool(p.facts) for p in prompts) / len(prompts),
        difficulty=dict(sorted(Counter(str(p.facts.get("difficulty", "–")) for p in splits["eval"]).items())),
    )


def _nearest(splits: list[list[PromptRecord]]) -> float | None:
    """The highest similarity of two prompts of different splits; None if there is one split only."""
    earlier, found = Neighbours(), []
    for split in splits:
        found += [earlier.nearest(p.user_text)[0] for p in split] if len(earlier) else []
        for p in split:
            earlier.add(p.user_text)
    return max(found, default=None)


def _mislabelled(task: str, prompts: list[PromptRecord]) -> int:
    classify = suite_of(task).classify if task in tasks() else None
    return sum(classify(p.user_text) != task for p in prompts) if classify is not None else 0


def _duplicates(prompts: list[PromptRecord]) -> int:
    seen, repeated = Neighbours(), 0
    for p in prompts:
        repeated += seen.nearest(p.user_text)[0] >= SAME
        seen.add(p.user_text)
    return repeated


def tokenizer() -> tuple[Callable[[str], int] | None, str]:
    """(a function that counts a text's tokens, the tokenizer's name): nano's if it is built, otherwise an estimate."""
    path = nano_path() / "tokenizer.json"
    if not path.is_file():
        return None, f"estimated, {_CHARACTERS_PER_TOKEN} characters each"
    from tokenizers import Tokenizer

    bpe = Tokenizer.from_file(str(path))
    return lambda text: len(bpe.encode(text).ids), "nano's"


def print_quality(records: list[PromptRecord]) -> list[TaskQuality]:
    """Print a set's quality as a table, and what to fix; returns it."""
    from rich.console import Console
    from rich.table import Table

    count, tokens_by = tokenizer()
    found = quality(records, count_tokens=count)
    table = Table()
    table.add_column(f"tokens: {tokens_by}")
    for q in found:
        table.add_column(q.task, justify="right")
    for what, cells in {
        "train prompts": [f"{q.train} ({q.share:.0%})" for q in found],
        "eval prompts": [str(q.eval) for q in found],
        "test prompts": [str(q.test) for q in found],
        "tokens, median / 95 % / most": [f"{q.tokens_median} / {q.tokens_p95} / {q.tokens_max}" for q in found],
        "longer than the limit": [str(q.too_long) for q in found],
        "nearly repeat another": [str(q.duplicates) for q in found],
        "most alike of different splits": ["–" if q.nearest is None else f"{q.nearest:.2f}" for q in found],
        "in several splits, and may be in one": [str(q.shared) for q in found],
        "read like another task": [str(q.mislabelled) for q in found],
        "with facts to check": [f"{q.checkable:.0%}" for q in found],
        "eval difficulties": [str(len(q.difficulty)) for q in found],
    }.items():
        table.add_row(what, *cells)
    console = Console()
    console.print(table)
    for q in found:
        for problem in q.problems():
            console.print(f"{q.task}: {problem}", highlight=False, markup=False)
    return found
