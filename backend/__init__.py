"""Everything that is not a screen: store, data, models, training, evaluation, audit, runs.

Importing it makes the rewards of the modules named in ``WORKBENCH_PLUGINS`` known (docs/new-task.md).
"""

from backend.errors import UserError
from backend.plugins import load_plugins

try:
    load_plugins()
except UserError as error:
    raise SystemExit(f"error: {error}") from error
