"""Choose some of many in fixed shares: per task in proportion, and within a task spread over difficulty."""

from collections.abc import Mapping, Sequence
from itertools import islice, zip_longest

from backend.records import PromptRecord


def in_proportion(total: int, shares: Mapping[str, int]) -> dict[str, int]:
    """``total`` divided in proportion to ``shares``; what rounding leaves over goes to the first ones."""
    whole = sum(shares.values())
    counts = {name: total * share // whole for name, share in shares.items()}
    for name in list(counts)[: total - sum(counts.values())]:
        counts[name] += 1
    return counts


def spread(strata: Sequence[str], count: int) -> list[int]:
    """Indices of ``count`` items, given each one's stratum: in turn one of each stratum, the earliest first."""
    members: dict[str, list[int]] = {}
    for i, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(i)
    turns = (i for turn in zip_longest(*(members[s] for s in sorted(members))) for i in turn if i is not None)
    return sorted(islice(turns, count))


def some_of(prompts: Sequence[PromptRecord], count: int) -> list[PromptRecord]:
    """``count`` of the prompts, in their order: per task in proportion, spread over difficulty, chosen by the prompts' ids.

    Chosen from the chosen again, the same ones are left. All, if there are no more than ``count``.
    """
    if len(prompts) <= count:
        return list(prompts)
    tasks: dict[str, list[PromptRecord]] = {}
    for prompt in sorted(prompts, key=lambda p: p.id):
        tasks.setdefault(prompt.task, []).append(prompt)
    wanted = in_proportion(count, {task: len(of_task) for task, of_task in sorted(tasks.items())})
    chosen = {
        of_task[i].id
        for task, of_task in tasks.items()
        for i in spread([str(p.facts.get("difficulty", "")) for p in of_task], wanted[task])
    }
    return [p for p in prompts if p.id in chosen]
