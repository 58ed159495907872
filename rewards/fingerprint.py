"""The fingerprint of a task's reward: it changes when the reward's behaviour can change, and only then."""

import ast
import hashlib
import inspect
import sys
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import version
from types import ModuleType

import rewards.scoring
from rewards.types import Profile, Reward


def reward_fingerprint(reward: Reward, profile: Profile) -> str:
    """Twelve hex digits of everything a task's scores can depend on.

    Hashed are the profile's flags, the components' maxima, the code that scoring reaches (comments, docstrings,
    annotations and layout left out; word lists included, since they are code here) and the version of json-repair. What a
    profile is called, and other tasks' code, count nothing.
    """
    flags = {k: v for k, v in asdict(profile).items() if k not in ("name", "summary")}
    maxima = {"maxima": dict(reward.maxima), "measured": dict(reward.measured)}
    parts = [repr(sorted(flags.items())), repr(maxima), version("json-repair"), _scoring_code(), _reward_code(reward)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


@lru_cache
def _scoring_code() -> str:
    return reachable_code(rewards.scoring, ("score_text",))


def _reward_code(reward: Reward) -> str:
    function = reward.components_of
    module = inspect.getmodule(function)
    if module is None:
        raise ValueError(f"{function!r} belongs to no module, so its code cannot be read; define it in a file")
    return reachable_code(module, (function.__name__,))


@lru_cache
def reachable_code(module: ModuleType, roots: tuple[str, ...] | None = None) -> str:
    """Normalised source of every top-level statement that ``roots`` (default: the whole module) can reach.

    Names are followed inside the module and through ``from rewards.x import y`` into this package's other modules; the
    standard library and json-repair are not followed.
    """
    wanted = [(module.__name__, name) for name in (roots or _definitions(module.__name__))]
    found: dict[tuple[str, str], str] = {}
    while wanted:
        where, name = wanted.pop()
        if (where, name) in found:
            continue
        node = _definitions(where).get(name)
        if node is None:
            continue
        if isinstance(node, ast.ImportFrom):
            if (node.module or "").startswith("rewards."):
                original = next(a.name for a in node.names if (a.asname or a.name) == name)
                wanted.append((node.module or "", original))
            continue
        found[where, name] = ast.unparse(node)
        wanted += [(where, n.id) for n in ast.walk(node) if isinstance(n, ast.Name)]
    return "\n".join(sorted(found.values()))


@lru_cache
def _definitions(module_name: str) -> dict[str, ast.stmt]:
    """Top-level names of a module and the statements that bind them, without docstrings and annotations."""
    tree = _Behaviour().visit(ast.parse(inspect.getsource(sys.modules[module_name])))
    names: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names[node.name] = node
        elif isinstance(node, ast.ImportFrom):
            names.update({a.asname or a.name: node for a in node.names})
        elif isinstance(node, ast.Assign):
            names.update({n.id: node for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)})
    return names


class _Behaviour(ast.NodeTransformer):
    """Drops what cannot change behaviour: docstrings and annotations."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
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
