"""The suites of this installation (``WORKBENCH_SUITES``), and the look-ups through which everything asks for tasks."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from backend.errors import UserError
from backend.settings import get_settings
from backend.suites.reward_file import RewardFile, load_reward_file
from backend.suites.runner import FileSuite
from backend.suites.suite import Corpus, Preset, PromptSource, Suite
from rewards.types import GENERAL_GUIDELINE, Guideline, Profile, Task, Text

if TYPE_CHECKING:
    import pandas as pd

BUILT_IN = {"commerce": "backend.commerce.suite"}
"""Suites that come with the workbench, as module names: nothing here imports one before somebody asks for it."""
OVERALL = Text("Overall", "Geral")


def suites() -> tuple[Suite, ...]:
    """The installation's suites, in the order in which they are named; a team's file as it is now.

    Raises:
        UserError: one cannot be loaded, or two have a task of the same name.
    """
    found = tuple(load_suite(name) for name in get_settings().suites)
    _check_names(found)
    return found


@lru_cache(maxsize=32)
def _check_names(found: tuple[Suite, ...]) -> None:
    owners: dict[str, str] = {}
    for suite in found:
        for one in suite.tasks:
            if one.name in owners:
                raise UserError(f"suites {owners[one.name]} and {suite.name} both have a task {one.name!r}; rename one")
            owners[one.name] = suite.name


def load_suite(name: str) -> Suite:
    """One suite.

    Args:
        name: of a built-in one; or a module, the path of a .py file, or ``module:function``. A file of reward functions
            becomes a suite whose functions run in a worker process; a module that says ``SUITE = Suite(…)`` or
            ``TASKS = (Task(…), …)`` is one itself.

    Raises:
        UserError: there is no such module, it cannot be loaded, or it names no reward.
    """
    if name in BUILT_IN:
        return _of_module(BUILT_IN[name])
    return _file(name).suite() or _of_module(name)


@lru_cache
def _file(spec: str) -> FileSuite:
    return FileSuite(spec)


@lru_cache
def _of_module(name: str) -> Suite:
    """A suite of the workbench's own kind, which runs in this process."""
    module = import_module(name) if name in BUILT_IN.values() else load_reward_file(name)
    if isinstance(module, RewardFile):
        raise UserError(f"{name} is a file of reward functions now; try again")
    made = getattr(module, "SUITE", None)
    return made if isinstance(made, Suite) else Suite(Path(name).stem, module.TASKS)


def tasks() -> dict[str, Task]:
    """Every task by its name, suite after suite, in their order."""
    return {task.name: task for suite in suites() for task in suite.tasks}


def task_names() -> tuple[str, ...]:
    """The names of all tasks, in order."""
    return tuple(tasks())


def find_task(name: str) -> Task | None:
    """The task of that name; one that only the data name is the open suite's, where there is one. None where none has it."""
    found = tasks()
    if name in found:
        return found[name]
    opened = next((suite for suite in suites() if suite.is_open), None)
    return replace(opened.tasks[0], name=name, label=Text(name, name)) if opened is not None else None


def guideline_of(name: str) -> Guideline:
    """What raters of the task are asked; the general question where no suite has the task or it says nothing."""
    found = find_task(name)
    return (found.guideline if found is not None else None) or GENERAL_GUIDELINE


def get_task(name: str) -> Task:
    """The task of that name, as ``find_task``.

    Raises:
        ValueError: no suite has it; the message lists the tasks there are.
    """
    found = find_task(name)
    if found is None:
        raise ValueError(f"unknown task {name!r}; choose one of {', '.join(tasks())}")
    return found


def suite_of(task: str) -> Suite:
    """The suite that has a task.

    Raises:
        ValueError: none has.
    """
    get_task(task)
    mine = [suite for suite in suites() if any(t.name == task for t in suite.tasks)]
    return mine[0] if mine else next(suite for suite in suites() if suite.is_open)


def pay_from_0_to_1(names: Iterable[str]) -> bool:
    """Whether the rewards of all these tasks are from 0 to 1, as their suites say."""
    found = [find_task(name) for name in names]
    return bool(found) and all(task is not None and task.bounds == (0.0, 1.0) for task in found)


def counting_judges(task: str) -> list[str]:
    """The judges among a task's rewards whose weight is not 0: scoring a completion asks them."""
    scorer = suite_of(task).scorer
    return [] if scorer is None else [n for n, w in get_task(task).reward.maxima.items() if w and n in scorer.judges]


def label_of(task: str) -> Text:
    """A task as people call it, ``overall`` among them; the name itself for a task that no suite has any more."""
    found = find_task(task)
    return OVERALL if task == "overall" else found.label if found else Text(task, task)


def in_order(names: Sequence[str]) -> list[str]:
    """These tasks in the suites' order; tasks that no suite has come last, by name."""
    order = {name: place for place, name in enumerate(task_names())}
    return sorted(dict.fromkeys(names), key=lambda name: (order.get(name, len(order)), name))


def by_task(frame: "pd.DataFrame") -> "list[tuple[str, pd.DataFrame]]":
    """Each task of the column ``task`` with its rows, in the suites' order."""
    return [(task, frame[frame["task"] == task]) for task in in_order(frame["task"].unique())]


def profiles() -> dict[str, Profile]:
    """Every profile by its name, suite after suite; of two with the same name the first suite's."""
    found: dict[str, Profile] = {}
    for suite in suites():
        for profile in suite.profiles:
            found.setdefault(profile.name, profile)
    return found


def default_profile() -> str:
    """The default profile of the first suite; ``current`` where there is no suite."""
    return next((suite.default_profile for suite in suites()), "current")


def classify(user_text: str) -> str:
    """The task that a prompt without a label asks for.

    Raises:
        ValueError: no suite can tell.
    """
    for suite in suites():
        if suite.classify is not None:
            return suite.classify(user_text)
    names = task_names()
    if len(names) == 1:
        return names[0]
    raise ValueError(f"the prompt names no task; name one of {', '.join(names)}")


def unlabelled_task() -> str:
    """The task of data that name none, where no classifier has to be asked: the first suite's first; "" otherwise."""
    first = next(iter(suites()), None)
    return first.tasks[0].name if first is not None and first.classify is None else ""


def prompt_sources() -> dict[str, PromptSource]:
    """Every prompt source by its name; earlier names lead to it too."""
    found = [source for suite in suites() for source in suite.sources]
    return {name: source for source in found for name in (source.name, *source.aliases)}


def nano_corpus() -> Corpus:
    """What nano is taught: a built-in suite's corpus, whichever suites are installed.

    Raises:
        UserError: no built-in suite has one.
    """
    for name in BUILT_IN:
        if (corpus := load_suite(name).corpus) is not None:
            return corpus
    raise UserError("no built-in suite has a corpus for nano")


def presets() -> dict[str, Preset]:
    """The suites' presets by name."""
    return {name: preset for suite in suites() for name, preset in suite.presets.items()}
