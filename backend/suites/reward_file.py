"""A team's reward functions as they are: a file, a module, or ``module:function``. Loaded here, in whichever process asks.

    # my_rewards.py
    def correct(completions, answer, **kwargs): ...      # batch style (TRL): a list of numbers or None
    def polite(completion, prompt): ...                   # row style: one number; async def is fine too
    WEIGHTS = {"correct": 1.0, "polite": 0.2}             # optional
    GUIDELINE = "1 useless … 3 usable … 5 excellent"      # optional, or my_rewards.md beside it

``WEIGHTS`` names the rewards: functions of the file, imported ones, or ``"module:function"``. Without it they are the file's own
public functions that name ``completion`` or ``completions``. ``TASKS = {"task": {"function": weight}}`` gives each task its own;
``CRITERIA = {"key": ("label", "when it is met")}`` lets raters score criteria beside the overall score; ``SCALE = (1, 5)`` says what raters' numbers range over, ``BOUNDS = (low, high)`` what the total does.
"""

import ast
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from inspect import getmodule
from pathlib import Path
from types import ModuleType
from typing import Any

from backend.errors import UserError
from rewards.calling import RewardFault, RewardFunction, check_name, is_reward_function, name_of, reward_function
from rewards.fingerprint import functions_fingerprint
from rewards.types import MOST_CRITERIA, Criterion, Task, Text

EXAMPLE = """def correct(completions, answer, **kwargs):  # a batch, as TRL's
    return [1.0 if a in c else 0.0 for c, a in zip(completions, answer)]

def short(completion):  # one row
    return float(len(completion) < 200)"""

TEMPLATE = '''"""Reward functions for `workbench audit`, `open` and `train`; TRL calls the same ones in GRPO."""


def correct(completions, answer=None, **kwargs):
    """A batch, as TRL calls it: one number for each completion, None where it does not apply."""
    answers = answer or [None] * len(completions)
    return [None if a is None else float(a.lower() in c.lower()) for c, a in zip(completions, answers)]


def short(completion):
    """One row: the parameters' names say what is handed over (prompt, or any column of the data)."""
    return 1.0 if len(completion.split()) <= 80 else 0.0


WEIGHTS = {"correct": 1.0, "short": 0.2}
GUIDELINE = "Would you send this answer as it is? 1 useless … 3 usable after correction … 5 excellent"
'''
"""What `workbench init` writes."""


@dataclass(frozen=True)
class RewardFile:
    """A team's functions, loaded.

    Attributes:
        name: of the suite: the file's stem, or the module's name.
        root: the folder of the team's own files.
        module: where the functions are.
        functions: every reward function by its name.
        tasks: task -> function -> weight; one task named like the suite where the file names none.
        is_open: whether any other task name in the data is scored by the same functions.
        guideline: what raters are asked; "" for the general one.
        criteria: what raters may score beside the overall score.
        scale: the lowest and highest number a rater gives.
        bounds: the least and the most a total can be; None for any finite number.
    """

    name: str
    root: Path
    module: ModuleType
    functions: Mapping[str, RewardFunction]
    tasks: Mapping[str, Mapping[str, float]]
    is_open: bool
    guideline: str
    criteria: tuple[Criterion, ...]
    scale: tuple[float, float]
    bounds: tuple[float, float] | None

    def weights(self, task: str) -> Mapping[str, float]:
        """A task's functions and their weights."""
        return self.tasks[task] if task in self.tasks else next(iter(self.tasks.values()))

    def fingerprint(self, task: str) -> str:
        """Twelve hex digits of what the task's value can depend on."""
        weights = self.weights(task)
        functions = {name: self.functions[name].call for name in weights}
        return functions_fingerprint(functions, {"weights": dict(weights), "bounds": self.bounds}, self.root)

    def own_files(self) -> list[Path]:
        """The team's own source files that are loaded now, and the guideline beside them."""
        loaded = [getattr(m, "__file__", None) for m in list(sys.modules.values())]
        paths = {Path(file).resolve() for file in loaded if file}
        own = {p for p in paths if self.root in p.parents and "site-packages" not in p.parts}
        beside = Path(self.module.__file__ or "").with_suffix(".md")
        return sorted(own | ({beside.resolve()} if beside.is_file() else set()))


def load_reward_file(spec: str) -> "RewardFile | ModuleType":
    """Load a file, a module or ``module:function``.

    Returns:
        The team's functions; the module itself where it is a suite of the workbench's own kind (``SUITE``, or ``TASKS`` of
        ``Task``).

    Raises:
        UserError: it cannot be loaded, names no reward function, or says something that does not fit; the message says where.
    """
    if ":" in spec and not spec.endswith(".py"):
        function = _named_function(spec)
        module = getmodule(function) or sys.modules["builtins"]
        return _of_functions({name_of(function): function}, name_of(function), module, {})
    module = _module(spec)
    if hasattr(module, "SUITE") or _is_tasks(getattr(module, "TASKS", None)):
        return module
    name = Path(spec).stem if spec.endswith(".py") else spec.rpartition(".")[2]
    functions = _functions_of(module, spec)
    if not functions:
        raise UserError(
            f"{spec} has no reward function: none of its own public functions names `completions` or `completion`. "
            f"One looks like this:\n\n{EXAMPLE}"
        )
    return _of_functions(functions, name, module, vars(module))


def may_hold_rewards(path: Path) -> bool:
    """Whether a Python file defines a function that names ``completion`` or ``completions``; the file is not run."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return False
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    public = [f for f in functions if not f.name.startswith("_")]
    return any(a.arg in ("completion", "completions") for f in public for a in (*f.args.args, *f.args.kwonlyargs))


def _of_functions(
    functions: Mapping[str, Callable[..., Any]], name: str, module: ModuleType, said: Mapping[str, Any]
) -> RewardFile:
    where = str(module.__file__ or name)
    try:
        check_name(name)
        made = {key: reward_function(key, call) for key, call in functions.items()}
    except RewardFault as fault:
        raise UserError(f"{where}: {fault}") from fault
    weights = _weights(said.get("WEIGHTS") or dict.fromkeys(made, 1.0), made, where, "WEIGHTS")
    tasks = said.get("TASKS")
    if tasks is not None and (not isinstance(tasks, Mapping) or not tasks):
        raise UserError(f"{where}: TASKS is a dictionary of task -> {{function: weight}}")
    by_task = {str(t): _weights(w, made, where, f"TASKS[{t!r}]") for t, w in (tasks or {name: weights}).items()}
    for task in by_task:
        try:
            check_name(task)
        except RewardFault as fault:
            raise UserError(f"{where}: task {task!r}: {fault.what}") from fault
    beside = Path(where).with_suffix(".md")
    guideline = said.get("GUIDELINE") or (beside.read_text(encoding="utf-8") if beside.is_file() else "")
    return RewardFile(
        name=name,
        root=Path(where).resolve().parent,
        module=module,
        functions=made,
        tasks=by_task,
        is_open=tasks is None,
        guideline=str(guideline).strip(),
        criteria=_criteria(said.get("CRITERIA") or {}, where),
        scale=_range(said.get("SCALE", (1, 5)), where, "SCALE") or (1, 5),
        bounds=_range(said.get("BOUNDS"), where, "BOUNDS"),
    )


def _functions_of(module: ModuleType, spec: str) -> dict[str, Callable[..., Any]]:
    """The reward functions of a module by name: those it weighs, otherwise its own public ones."""
    said = vars(module)
    for what, of in (("WEIGHTS", "function -> weight"), ("TASKS", "task -> {function: weight}")):
        if not isinstance(said.get(what) or {}, Mapping):
            raise UserError(f"{spec}: {what} is a dictionary of {of}")
    named = [said.get("WEIGHTS") or {}, *(w for w in (said.get("TASKS") or {}).values() if isinstance(w, Mapping))]
    if any(named):
        found: dict[str, Callable[..., Any]] = {}
        for key in dict.fromkeys(key for weights in named for key in weights):
            call = _named_function(key) if ":" in str(key) else said.get(key)
            if not callable(call):
                raise UserError(f"{spec}: WEIGHTS names {key!r}, which is no function of the file")
            name = name_of(call) if ":" in str(key) else str(key)
            if name in found:
                raise UserError(f"{spec}: two reward functions are called {name!r}; give one another name")
            found[name] = call
        return found
    return {
        name: value
        for name, value in said.items()
        if not name.startswith("_") and is_reward_function(value) and _is_of(module, value)
    }


def _is_of(module: ModuleType, value: Any) -> bool:
    """Whether a module made a value itself, and did not only import it."""
    made_in = getattr(value, "__module__", None)
    return made_in == module.__name__ or not hasattr(value, "__name__")


def _weights(given: Any, functions: Mapping[str, RewardFunction], where: str, what: str) -> dict[str, float]:
    if not isinstance(given, Mapping) or not given:
        raise UserError(f"{where}: {what} is a dictionary of function -> weight")
    weights = {}
    for key, weight in given.items():
        name = str(key).rpartition(":")[2]
        if name not in functions:
            raise UserError(f"{where}: {what} names {key!r}, which is none of {', '.join(functions)}")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not abs(weight) < 1e9:
            raise UserError(f"{where}: {what}[{key!r}] is {weight!r}; a weight is a number")
        weights[name] = float(weight)
    return weights


def _criteria(given: Any, where: str) -> tuple[Criterion, ...]:
    """Key -> (label, when it is met), or these two in English and the same two in Portuguese."""
    form = "CRITERIA is a dictionary of key -> (label, when it is met); two more texts are the same in Portuguese"
    if not isinstance(given, Mapping) or len(given) > MOST_CRITERIA:
        raise UserError(f"{where}: {form}. There are at most {MOST_CRITERIA}")
    found = []
    for key, texts in given.items():
        is_texts = isinstance(texts, tuple | list) and all(isinstance(text, str) and text.strip() for text in texts)
        if not is_texts or len(texts) not in (2, 4) or not 0 < len(str(key)) <= 40:
            raise UserError(f"{where}: CRITERIA[{key!r}] is {texts!r}; {form}")
        label, what, label_pt, what_pt = (*texts, *texts)[:4]
        found.append(Criterion(str(key), Text(label, label_pt), Text(what, what_pt)))
    return tuple(found)


def _range(given: Any, where: str, what: str) -> tuple[float, float] | None:
    if given is None:
        return None
    numbers = isinstance(given, tuple | list) and len(given) == 2 and all(isinstance(x, int | float) for x in given)
    if not numbers or not given[0] < given[1]:
        raise UserError(f"{where}: {what} is (lowest, highest), two numbers, not {given!r}")
    return float(given[0]), float(given[1])


def _is_tasks(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and all(isinstance(t, Task) for t in value)


def _named_function(spec: str) -> Callable[..., Any]:
    module_name, _, name = spec.partition(":")
    found = getattr(_module(module_name), name, None)
    if not callable(found):
        raise UserError(f"{spec}: {module_name} has no function {name!r}")
    return found


def _module(spec: str) -> ModuleType:
    """Import a module, or a file by its path; what goes wrong in it is said with the team's own line."""
    if not spec.endswith(".py"):
        if str(Path.cwd()) not in sys.path:
            sys.path.append(str(Path.cwd()))  # last, so that a file there hides no installed package
        try:
            return import_module(spec)
        except Exception as error:
            raise UserError(f"cannot import {spec}: {_said(error, None)}; check the name and PYTHONPATH") from error
    path = Path(spec).resolve()
    if not path.is_file():
        raise UserError(f"there is no file {spec}")
    name = path.stem
    if name in sys.modules and getattr(sys.modules[name], "__file__", None) != str(path):
        name = f"rewards_of_{path.stem}"  # a module of that name is loaded already and is another
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))  # its helpers beside it
    made = spec_from_file_location(name, path)
    if made is None or made.loader is None:
        raise UserError(f"{spec} is no Python file")
    module = module_from_spec(made)
    sys.modules[name] = module
    wrote, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # cached code would hide an edit in the same second
    try:
        made.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        raise UserError(f"{spec} cannot be loaded: {_said(error, path)}") from error
    finally:
        sys.dont_write_bytecode = wrote
    return module


def _said(error: BaseException, path: Path | None) -> str:
    """An error as the team sees it: its kind, its words, and their own line."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return said
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if path is None or Path(frame.filename).resolve().parent == path.parent:
            return f"{said} (line {frame.lineno} of {Path(frame.filename).name}: {frame.line})" if path else said
    return said
