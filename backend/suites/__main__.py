"""``python -m backend.suites SPEC PLACE``: the worker of a reward file, as ``backend.suites.runner`` starts it."""

from backend.suites.worker import main

main()
