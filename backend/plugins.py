"""Rewards from outside the project: modules that register them when imported."""

from importlib import import_module

from backend.errors import UserError
from backend.settings import get_settings


def load_plugins() -> None:
    """Import every module that the settings name.

    Raises:
        UserError: one cannot be imported; the message says which and why.
    """
    for name in get_settings().plugins:
        try:
            import_module(name)
        except ImportError as error:
            raise UserError(
                f"cannot import the plugin {name} ({error}); check WORKBENCH_PLUGINS and PYTHONPATH"
            ) from error
