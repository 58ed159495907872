"""The fingerprint of a reward: it changes when the reward's behaviour can change, and only then.

Everything that a function can reach in its team's own files is collected: its code and that of the helpers it names, what its
closures and partials hold, the constants of its modules. Comments, docstrings, annotations and layout are left out. Code from
elsewhere (the standard library, installed packages) counts by its name, and an installed package by its version too.
"""

import ast
import hashlib
import inspect
import re
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import cache, lru_cache, partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import rewards.scoring
from rewards.types import Profile, Reward

_HERE = Path(__file__).resolve().parent
_PLAIN = (str, bytes, int, float, complex, bool, type(None))


def reward_fingerprint(reward: Reward, profile: Profile) -> str:
    """Twelve hex digits of everything a task's scores can depend on.

    Hashed are the profile's flags, the components' maxima, the code that scoring reaches (word lists included) and the
    version of json-repair. A profile's name, other tasks' code, and other editions of the reward do not count.
    """
    reward = reward.under(profile)
    flags = {k: v for k, v in asdict(profile).items() if k not in ("name", "summary", "edition")}
    maxima = {"maxima": dict(reward.maxima), "measured": dict(reward.measured)}
    code = _reward_code(reward.components_of)
    return _hash([repr(sorted(flags.items())), repr(maxima), _package_version("json-repair"), code])


@lru_cache
def _reward_code(components_of: Callable[..., Any]) -> str:
    root = Path(inspect.getfile(inspect.unwrap(components_of))).resolve().parent
    return reachable_code([components_of, rewards.scoring.score_text], (_HERE, root))


def functions_fingerprint(functions: Mapping[str, Callable[..., Any]], settings: Mapping[str, Any], root: Path) -> str:
    """Twelve hex digits of a team's functions.

    Args:
        functions: name -> function.
        settings: what else the total depends on: weights, bounds.
        root: the folder of the team's own files.
    """
    code = [f"{name}\n{reachable_code([call], (root,))}" for name, call in sorted(functions.items())]
    return _hash([repr(sorted(settings.items())), *code])


def reachable_code(roots: Iterable[Callable[..., Any]], own: tuple[Path, ...]) -> str:
    """Normalised source and values of all that ``roots`` can reach.

    Args:
        roots: functions, partials, callable objects.
        own: folders whose code is followed; code from elsewhere counts by its name.
    """
    collected = _Collected(own)
    for root in roots:
        collected.add(root)
    return "\n".join(sorted(collected.pieces))


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]


class _Collected:
    """What has been reached so far."""

    def __init__(self, own: tuple[Path, ...]) -> None:
        self._own, self._seen = own, set[int]()
        self._kept: list[Any] = []  # so that no id is used twice
        self.pieces: set[str] = set()

    def add(self, value: Any) -> None:
        """Follow one thing: code to its names, containers to what they hold, an object to its class and its state."""
        if isinstance(value, _PLAIN):
            self.pieces.add(repr(value))
            return
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        self._kept.append(value)
        if isinstance(value, types.MethodType):
            self.add(value.__func__)
            self.add(value.__self__)
        elif isinstance(value, partial):
            self.add(value.func)
            self.pieces.add(f"partial {_written((value.args, value.keywords))}")
            self._add_all((*value.args, *value.keywords.values()))
        elif isinstance(value, types.ModuleType):
            self._add_module(value)
        elif isinstance(value, types.FunctionType):
            self._add_function(value)
        elif inspect.isclass(value):
            self._add_class(value)
        elif callable(wrapped := getattr(value, "__wrapped__", None)):  # a cache, for one
            self.add(wrapped)
        elif isinstance(value, types.BuiltinFunctionType):
            self.pieces.add(f"built-in {value.__module__}.{value.__qualname__}")
        else:
            self._add_data(value)

    def _add_all(self, values: Iterable[Any]) -> None:
        for value in values:
            if not isinstance(value, _PLAIN):
                self.add(value)

    def _is_own(self, file: str | None) -> bool:
        if file is None or "site-packages" in Path(file).parts:
            return False
        path = Path(file).resolve()
        return any(folder == path.parent or folder in path.parents for folder in self._own)

    def _add_elsewhere(self, module: str, name: str) -> None:
        self.pieces.add(f"from elsewhere: {module}.{name} {_package_version(module.split('.', maxsplit=1)[0])}")

    def _add_module(self, module: types.ModuleType) -> None:
        """A module used as a whole: all of its code, where it is the team's own."""
        if not self._is_own(getattr(module, "__file__", None)):
            self._add_elsewhere(module.__name__, "*")
            return
        for name, node in _definitions(module.__name__).items():
            self.pieces.add(f"{name}: {ast.unparse(node)}")

    def _add_function(self, function: types.FunctionType) -> None:
        if not self._is_own(function.__code__.co_filename):
            self._add_elsewhere(function.__module__ or "", function.__qualname__)
            return
        node, source = _source_of(function)
        self.pieces.add(f"{function.__name__}: {source}")
        self._add_all(function.__defaults__ or ())
        self._add_all((function.__kwdefaults__ or {}).values())
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self._add_value(name, cell.cell_contents)
        for name in _names_in(node) if node is not None else set(function.__code__.co_names):
            if name in function.__globals__:
                self._add_named(name, function.__globals__[name], node)
        for name, value in self._imported_in(function, node):
            self._add_named(name, value, node)
        if (wrapped := getattr(function, "__wrapped__", None)) is not None:
            self.add(wrapped)

    def _imported_in(self, function: types.FunctionType, node: ast.AST | None) -> list[tuple[str, Any]]:
        """What a function imports when it runs, where that is the team's own: (its name there, the thing)."""
        found: list[tuple[str, Any]] = []
        package = function.__globals__.get("__package__") or ""
        for statement in ast.walk(node) if node is not None else ():
            if isinstance(statement, ast.Import):
                wanted = [(a.name, "", a.asname or a.name.split(".", maxsplit=1)[0]) for a in statement.names]
            elif isinstance(statement, ast.ImportFrom):
                start = package.split(".")[: len(package.split(".")) - statement.level + 1] if statement.level else []
                source = ".".join(filter(None, [*start, statement.module or ""]))
                wanted = [(source, a.name, a.asname or a.name) for a in statement.names]
            else:
                continue
            for source, attribute, name in wanted:
                if (module := self._own_module(source)) is not None:
                    found.append((name, getattr(module, attribute, module) if attribute else module))
        return found

    def _own_module(self, name: str) -> types.ModuleType | None:
        """A module of the team's own, imported if it has not been; None for one from elsewhere or one that fails."""
        try:
            spec = sys.modules[name].__spec__ if name in sys.modules else find_spec(name)
            return import_module(name) if spec is not None and self._is_own(spec.origin) else None
        except Exception:
            return None

    def _add_named(self, name: str, value: Any, node: ast.AST | None) -> None:
        """What a function's global name stands for; of a module of the team's own, only the attributes it names."""
        attributes = _attributes_of(name, node) if isinstance(value, types.ModuleType) and node is not None else None
        if attributes and self._is_own(getattr(value, "__file__", None)):
            for attribute in attributes:
                if hasattr(value, attribute):
                    self._add_value(f"{name}.{attribute}", getattr(value, attribute))
        else:
            self._add_value(name, value)

    def _add_value(self, name: str, value: Any) -> None:
        if not (callable(value) or isinstance(value, types.ModuleType)):
            self.pieces.add(f"{name} = {_written(value)}")
        self._add_all((value,))

    def _add_class(self, cls: type) -> None:
        module = sys.modules.get(cls.__module__)
        if not self._is_own(getattr(module, "__file__", None)):
            self._add_elsewhere(cls.__module__, cls.__qualname__)
            return
        node = _definitions(cls.__module__).get(cls.__name__)
        self.pieces.add(f"class {cls.__qualname__}: {ast.unparse(node) if node is not None else sorted(vars(cls))}")
        self._add_all(base for base in cls.__bases__ if base is not object)
        for value in vars(cls).values():
            inner = getattr(value, "__func__", getattr(value, "fget", value))
            if isinstance(inner, types.FunctionType):
                self.add(inner)

    def _add_data(self, value: Any) -> None:
        """A container's contents, or an object's class and state."""
        if isinstance(value, Mapping):
            self._add_all((*value.keys(), *value.values()))
        elif isinstance(value, list | tuple | set | frozenset):
            self._add_all(value)
        elif callable(depends_on := getattr(value, "depends_on", None)):  # an object that says itself what counts
            self.pieces.add(f"{type(value).__qualname__} {_written(depends_on())}")
        else:
            self.add(type(value))
            state = vars(value) if hasattr(value, "__dict__") else {}
            self.pieces.add(f"{type(value).__qualname__} {_written(state)}")
            self._add_all(state.values())


def _written(value: Any) -> str:
    """Data as text that is the same in every process: sets and dictionaries sorted, code by its name only."""
    said = repr(value)
    if isinstance(value, Mapping):
        said = "{" + ", ".join(sorted(f"{_written(k)}: {_written(v)}" for k, v in value.items())) + "}"
    elif isinstance(value, set | frozenset):
        said = "{" + ", ".join(sorted(map(_written, value))) + "}"
    elif isinstance(value, list | tuple):
        said = "[" + ", ".join(map(_written, value)) + "]"
    elif isinstance(value, re.Pattern):
        said = f"re.compile({value.pattern!r}, {value.flags})"  # its own repr cuts a long one
    elif not isinstance(value, _PLAIN) and (callable(value) or isinstance(value, types.ModuleType)):
        said = str(getattr(value, "__qualname__", getattr(value, "__name__", type(value).__name__)))
    return type(value).__qualname__ if " at 0x" in said and not isinstance(value, _PLAIN) else said


def _bytecode(code: types.CodeType) -> str:
    constants = [_bytecode(c) if isinstance(c, types.CodeType) else _written(c) for c in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {constants}"


@lru_cache
def _package_version(package: str) -> str:
    if package in sys.stdlib_module_names:
        return ""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def forget_sources() -> None:
    """Read source files anew; for tests that edit one."""
    for cached in (_tree, _functions, _behaviour_at, _definitions, _reward_code):
        cached.cache_clear()


@lru_cache
def _tree(file: str) -> ast.Module:
    """A file's syntax tree without docstrings and annotations."""
    return _Behaviour().visit(ast.parse(Path(file).read_text(encoding="utf-8")))


@lru_cache
def _functions(file: str) -> dict[tuple[int, str], list[ast.AST]]:
    """(first line, decorators included; name) -> the functions that begin there, in a file."""
    found: dict[tuple[int, str], list[ast.AST]] = {}
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Lambda):
            found.setdefault((node.lineno, "<lambda>"), []).append(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            line = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found.setdefault((line, node.name), []).append(node)
    return found


def _source_of(function: types.FunctionType) -> tuple[ast.AST | None, str]:
    """A function's own syntax tree without docstrings and annotations, and as text; None and the bytecode where its source
    cannot be read or is not alone."""
    code = function.__code__
    try:
        found = _behaviour_at(code.co_filename, code.co_firstlineno, code.co_name)
    except (OSError, SyntaxError, ValueError):
        found = None
    return found or (None, _bytecode(code))


@cache
def _behaviour_at(file: str, line: int, name: str) -> tuple[ast.AST, str] | None:
    """The one function of this name that begins there, by all rewards that reach it read once; None where there are several."""
    found = _functions(file).get((line, name), [])
    return (found[0], ast.unparse(found[0])) if len(found) == 1 else None


def _names_in(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _attributes_of(name: str, node: ast.AST | None) -> set[str]:
    """The attributes that code reads of a name; empty where it also uses the name as a whole."""
    if node is None:
        return set()
    read = [n for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)]
    found = {n.attr for n in read if isinstance(n.value, ast.Name) and n.value.id == name}
    uses = sum(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node))
    return found if uses == sum(isinstance(n.value, ast.Name) and n.value.id == name for n in read) else set()


@lru_cache
def _definitions(module_name: str) -> dict[str, ast.stmt]:
    """Top-level names of a module and the statements that bind them."""
    file = getattr(sys.modules[module_name], "__file__", None)
    tree = _tree(file) if file else ast.Module([], [])
    names: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names[node.name] = node
        elif isinstance(node, ast.Assign):
            names.update({n.id: node for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)})
    return names


class _Behaviour(ast.NodeTransformer):
    """Drops what cannot change behaviour: docstrings and annotations."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return self._without(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        return self._without(node)

    def _without(self, node: Any) -> Any:
        node.returns = None
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) else node
