"""Which suites this process works with: the installation's, or for a while one reward file alone, with a store of its own."""

import json
import os
from pathlib import Path

from backend.access import needs
from backend.settings import get_settings
from backend.suites.registry import suites
from backend.suites.suite import Suite

_VARIABLES = ("WORKBENCH_SUITES", "WORKBENCH_LOAD_EXAMPLE", "DATABASE_URL")
_BEFORE = "WORKBENCH_INSTALLED"
"""Holds the variables as they were before ``use_suite``, in JSON; child processes have it too."""


@needs("engineer")
def use_suite(spec: str) -> Suite:
    """Let a reward file (or a built-in suite, a module, ``module:function``) be the only suite, here and in child processes.

    Where ``DATABASE_URL`` says nothing else, its store is ``annotations-<suite>.db`` in the folder that the workbench was
    started in, so that a team's ratings never stand beside the example's.

    Raises:
        UserError: it cannot be loaded; everything is then as it was.
    """
    before = {name: os.environ.get(name) for name in _VARIABLES}
    installed = json.loads(os.environ[_BEFORE]) if is_chosen() else before
    os.environ["WORKBENCH_SUITES"] = str(Path(spec).resolve()) if spec.endswith(".py") else spec
    os.environ["WORKBENCH_LOAD_EXAMPLE"] = "false"
    _set("DATABASE_URL", installed["DATABASE_URL"])
    try:
        suite = suites()[0]
    except Exception:
        for name, value in before.items():
            _set(name, value)
        raise
    usual = f"sqlite:///{Path.cwd() / 'annotations.db'}"
    if get_settings().database_url == usual and suite.scorer is not None:
        _set("DATABASE_URL", f"sqlite:///{Path.cwd() / _store_of(spec, suite.name)}")
    _set(_BEFORE, json.dumps(installed))
    return suite


def _store_of(spec: str, suite: str) -> str:
    """The store's file name; two teams' files of one name in folders of their own have two."""
    folder = Path(spec).resolve().parent
    beside = f"{folder.name}-" if spec.endswith(".py") and folder != Path.cwd() else ""
    return f"annotations-{beside}{suite}.db"


def use_installed() -> None:
    """Go back to the installation's own suites and store."""
    for name, value in json.loads(os.environ.pop(_BEFORE, "{}")).items():
        _set(name, value)


def is_chosen() -> bool:
    """Whether ``use_suite`` is in force."""
    return _BEFORE in os.environ


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
    get_settings.cache_clear()
