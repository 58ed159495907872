"""The suites of this installation (``WORKBENCH_SUITES``), and the look-ups through which everything asks for tasks."""

import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from backend.errors import UserError
from backend.settings import get_settings
from backend.suites.suite import Corpus, Preset, PromptSource, Suite
from rewards.types import Profile, Task, Text

BUILT_IN = {"commerce": "backend.commerce.suite"}
"""Suites that come with the workbench, as module names: nothing here imports one before somebody asks for it."""
OVERALL = Text("Overall", "Geral")


def suites() -> tuple[Suite, ...]:
    """The installation's suites, in the order in which they are named.

    Raises:
        UserError: one cannot be loaded, or two have a task of the same name.
    """
    return _loaded(get_settings().suites)


@lru_cache
def _loaded(names: Sequence[str]) -> tuple[Suite, ...]:
    found = tuple(load_suite(name) for name in names)
    owners: dict[str, str] = {}
    for suite in found:
        for one in suite.tasks:
            if one.name in owners:
                raise UserError(f"suites {owners[one.name]} and {suite.name} both have a task {one.name!r}; rename one")
            owners[one.name] = suite.name
    return found


def load_suite(name: str) -> Suite:
    """One suite.

    Args:
        name: of a built-in one, a module on PYTHONPATH, or the path of a .py file. The module says ``SUITE = Suite(…)``,
            or only ``TASKS = (Task(…), …)``.

    Raises:
        UserError: there is no such module, it cannot be imported, or it defines neither.
    """
    module = _module(name)
    made = getattr(module, "SUITE", None)
    if isinstance(made, Suite):
        return made
    tasks = getattr(module, "TASKS", None)
    if isinstance(tasks, tuple) and tasks and all(isinstance(t, Task) for t in tasks):
        return Suite(Path(name).stem if name.endswith(".py") else name, tasks)
    raise UserError(
        f"{name} is no suite: it has to define TASKS = (Task(…), …) or SUITE = Suite(…); docs/new-task.md shows one"
    )


def _module(name: str) -> ModuleType:
    try:
        if not name.endswith(".py"):
            return import_module(BUILT_IN.get(name, name))
        spec = spec_from_file_location(f"suite_file_{Path(name).stem}", name)
        if spec is None or spec.loader is None or not Path(name).is_file():
            raise UserError(f"there is no suite file {name}; check WORKBENCH_SUITES")
        module = module_from_spec(spec)
        sys.modules[spec.name] = module  # where its functions look for their module
        spec.loader.exec_module(module)
        return module
    except ImportError as error:
        raise UserError(f"cannot import the suite {name} ({error}); check WORKBENCH_SUITES and PYTHONPATH") from error


def tasks() -> dict[str, Task]:
    """Every task by its name, suite after suite, in their order."""
    return {task.name: task for suite in suites() for task in suite.tasks}


def task_names() -> tuple[str, ...]:
    """The names of all tasks, in order."""
    return tuple(tasks())


def get_task(name: str) -> Task:
    """The task of that name.

    Raises:
        ValueError: no suite has it; the message lists the tasks there are.
    """
    found = tasks()
    if name not in found:
        raise ValueError(f"unknown task {name!r}; choose one of {', '.join(found)}")
    return found[name]


def suite_of(task: str) -> Suite:
    """The suite that has a task.

    Raises:
        ValueError: none has.
    """
    get_task(task)
    return next(suite for suite in suites() if any(t.name == task for t in suite.tasks))


def label_of(task: str) -> Text:
    """A task as people call it, ``overall`` among them; the name itself for a task that no suite has any more."""
    found = tasks().get(task)
    return OVERALL if task == "overall" else found.label if found else Text(task, task)


def in_order(names: Sequence[str]) -> list[str]:
    """These tasks in the suites' order; tasks that no suite has come last, by name."""
    order = {name: place for place, name in enumerate(task_names())}
    return sorted(dict.fromkeys(names), key=lambda name: (order.get(name, len(order)), name))


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
