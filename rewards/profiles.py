"""Profiles: which rules each historical version of the reward switched on, and the fingerprint of a profile.

A change to a rule is a new profile, never a silent edit: old profiles stay selectable, because scoring the same
completions under two profiles is how a fix is measured. (Seeds: final report §3, V4 to V4.2.1.)
"""

import ast
import hashlib
import inspect
import sys
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import version
from types import ModuleType

DEFAULT_PROFILE = "v4.2.1"


@dataclass(frozen=True)
class Profile:
    """The rules a reward version applies. Each flag names the rule it switches on."""

    name: str
    summary: str
    repair_json: bool = True
    """Portuguese decimals and json-repair in the parser (V4.1; before: strict JSON only)."""
    sql_statement: bool = True
    """Keywords count inside an actual statement (V4.2; before: any keywords anywhere)."""
    sql_words_30: bool = True
    """The 30-word business list (V4.2.1; before: its first ten words)."""
    strict_int: bool = True
    """``sentiment_score`` must be an int and not a bool (V4.2.1; before: anything equal to 1..5)."""
    push_penalties: bool = True
    """Steep length decay and the formal penalty for push (V4.2.1; before: a gentle decay, no penalty)."""
    anti_gaming: bool = False
    """A completion that echoes its prompt earns nothing; repeated or wordless lines count once or not at all (V4.3)."""
    measured_by: str = ""
    """What measures the components that no text tells, with its version; empty: they do not count."""


_V40 = Profile(
    "v4.0",
    "strict JSON parser, keyword-count SQL",
    repair_json=False,
    sql_statement=False,
    sql_words_30=False,
    strict_int=False,
    push_penalties=False,
)
PROFILES: dict[str, Profile] = {
    p.name: p
    for p in (
        _V40,
        Profile(
            **{
                **asdict(_V40),
                "name": "v4.1",
                "summary": "v4.0 and Portuguese decimals, json-repair",
                "repair_json": True,
            }
        ),
        Profile(
            "v4.2",
            "v4.1 and SQL must be a statement",
            sql_words_30=False,
            strict_int=False,
            push_penalties=False,
        ),
        Profile("v4.2.1", "v4.2 and push penalties, 30 SQL words, strict int"),
        Profile("v4.3", "v4.2.1 and prompt echo, repetition and bare word lists earn nothing", anti_gaming=True),
        Profile("v5-exec", "v4.2.1 and half of SQL for the query's true result", measured_by="sql-execution/1"),
    )
}


def get_profile(profile: str | Profile) -> Profile:
    """The profile of that name.

    Raises:
        ValueError: no profile has that name; the message lists those there are.
    """
    if isinstance(profile, Profile):
        return profile
    try:
        return PROFILES[profile]
    except KeyError:
        raise ValueError(f"unknown reward profile {profile!r}; choose one of {', '.join(PROFILES)}") from None


def fingerprint(profile: str | Profile = DEFAULT_PROFILE, task: str | None = None) -> str:
    """Twelve hex digits that change when the reward's behaviour can change, and only then.

    Hashed are the profile's flags, the code that scoring reaches (comments, docstrings, annotations and layout
    left out; word lists included, since they are code here) and the version of json-repair.

    Args:
        profile: a profile or its name.
        task: restrict to the code that this task's reward reaches; by default all registered tasks.
    """
    from rewards.scoring import registered, reward_for

    flags = {k: v for k, v in asdict(get_profile(profile)).items() if k not in ("name", "summary")}
    tasks = (task,) if task else registered()
    parts = [repr(sorted(flags.items())), version("json-repair"), _scoring_code()]
    parts += [_task_code(inspect.getmodule(reward_for(t).components_of), t) for t in tasks]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


@lru_cache
def _scoring_code() -> str:
    import rewards.scoring

    return reachable_code(rewards.scoring, ("score", "total"))


@lru_cache
def _task_code(module: ModuleType, task: str) -> str:
    return f"# {task}\n" + reachable_code(module)


def reachable_code(module: ModuleType, roots: tuple[str, ...] | None = None) -> str:
    """Normalised source of every top-level statement that ``roots`` (default: the whole module) can reach.

    Names are followed through ``from rewards.x import y`` into this package's other modules; the standard library
    and json-repair are not followed.
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
            if (node.module or "").startswith("rewards.") and node.module != "rewards.profiles":
                original = next(a.name for a in node.names if (a.asname or a.name) == name)
                wanted.append((node.module or "", original))
            continue
        found[where, name] = ast.unparse(node)
        wanted += [(where, n.id) for n in ast.walk(node) if isinstance(n, ast.Name)]
    return "\n".join(found[key] for key in sorted(found))


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
