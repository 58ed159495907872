"""The only door through which anything asks for tasks: which there are, what they look like, what a completion is worth."""

from backend.suites.registry import (
    classify,
    default_profile,
    find_task,
    get_task,
    in_order,
    label_of,
    load_suite,
    presets,
    profiles,
    prompt_sources,
    suite_of,
    suites,
    task_names,
    tasks,
)
from backend.suites.scoring import fingerprint, fingerprint_of_all, mask, score_completion, score_completions
from backend.suites.suite import GateSettings, MonitorSettings, NextStep, Preset, PromptSource, Suite, ToScore

__all__ = [
    "GateSettings",
    "MonitorSettings",
    "NextStep",
    "Preset",
    "PromptSource",
    "Suite",
    "ToScore",
    "classify",
    "default_profile",
    "find_task",
    "fingerprint",
    "fingerprint_of_all",
    "get_task",
    "in_order",
    "label_of",
    "load_suite",
    "mask",
    "presets",
    "profiles",
    "prompt_sources",
    "score_completion",
    "score_completions",
    "suite_of",
    "suites",
    "task_names",
    "tasks",
]
