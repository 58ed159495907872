"""A reward file with other weights, as text: a new version that a team may take, or not."""

import ast
from collections.abc import Mapping
from pathlib import PurePath

from backend.suites.registry import suite_of


def with_weights(task: str, weights: Mapping[str, float], why: str) -> tuple[str, str]:
    """The suite's file with a task's weights set at its end; for a suite of the workbench's own kind, only these lines.

    Args:
        task: whose weights.
        weights: component -> weight.
        why: a line that stands above them, as a comment.

    Returns:
        (name of the file, its text).
    """
    suite = suite_of(task)
    comment = f"# {why}\n"
    if suite.scorer is None:
        return (
            f"{task}.txt",
            f"{comment}# Each component of {task}, and by what its value is to be multiplied:\n{dict(weights)}\n",
        )
    spec = PurePath(suite.scorer.spec)
    name = spec.name if spec.suffix == ".py" else f"{spec.name.rpartition('.')[2]}.py"
    source = next((text for path, text in suite.scorer.source().items() if PurePath(path).name == name), "")
    return name, new_source(source, task, weights, comment)


def new_source(source: str, task: str, weights: Mapping[str, float], comment: str) -> str:
    """A reward file's text with a task's weights set at its end, in the words in which it names the functions."""
    said = _assigned(source)
    keys = {key.rpartition(":")[2]: key for named in said.values() for key in named}
    new = {keys.get(function, function): weight for function, weight in weights.items()}
    line = f"TASKS[{task!r}] = {new}" if "TASKS" in said else f"WEIGHTS = {new}"
    return f"{source.rstrip()}\n\n\n{comment}{line}\n".lstrip()


def _assigned(source: str) -> dict[str, list[str]]:
    """Of WEIGHTS and TASKS, those that a file assigns: name -> the functions that it names, where they stand there in words."""
    found: dict[str, list[str]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in {t.id for t in targets if isinstance(t, ast.Name)} & {"WEIGHTS", "TASKS"}:
                dicts = [one for one in ast.walk(node) if isinstance(one, ast.Dict)]
                found[name] = [str(key.value) for one in dicts for key in one.keys if isinstance(key, ast.Constant)]
    return found
