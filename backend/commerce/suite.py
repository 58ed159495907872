"""The commerce suite: the tasks of ``rewards.commerce``, with everything that needs the shop, files or a database.

The rules of the rewards are in ``rewards/commerce/``. This module adds the system prompts, the facts behind the prompts,
and the functions that the workbench calls for anything that depends on the shop.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from backend.commerce import commands, counts, next_step, reference, rules, truth
from backend.commerce.corpus import CORPUS
from backend.commerce.presets import PRESETS
from backend.commerce.prompts import system_prompt
from backend.commerce.shop import shop_path
from backend.commerce.source import SHOP
from backend.suites.suite import GateSettings, MonitorSettings, Suite
from rewards.commerce import BY_NAME, DEFAULT_PROFILE, PROFILES, classify_task
from rewards.types import Columns, Profile, Task


def _examples(task: str) -> tuple[str, ...]:
    """The lines of ``few_shot_examples/<task>.md``: an introduction, then one example per line."""
    text = (Path(__file__).parent / "few_shot_examples" / f"{task}.md").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line.strip())


def _task(task: Task, **more: object) -> Task:
    return replace(task, system_prompt=system_prompt(task.name), **more)  # type: ignore[arg-type]


def _measure(task: Task, completion: str, columns: Columns, profile: Profile) -> Mapping[str, float]:
    from backend.commerce.sql_execution import measured  # sqlglot takes long to import, and few profiles need it

    return measured(completion, columns, profile, shop_path())


def _mask(text: str) -> tuple[str, Counter[str]]:
    from backend.commerce.personal import mask

    return mask(text)


FORMER_FINGERPRINTS = {
    "d92111c32d92": ("52a05c744ba7", "ff2d7f4858ba", "147ed5897b70", "58eabaa1ef76"),  # v4.0
    "42300d92f9f2": ("3fc4a02e8668", "632ff41d4ed4", "b4e5f7aa4e71", "8f1abe252285"),  # v4.1
    "3b31aa5759d6": ("959c068fdf42", "490c80e595a9", "0342c3d5d46f", "b2234d2fd687"),  # v4.2
    "ddb3648b8ddf": ("d05e08ff1e30", "992de0bccc14", "6aab7e23f818", "b4fa4abfa964"),  # v4.2.1
    "af1ef441c8c9": ("771addfa9ff1", "dde6054c8cd9", "dd92616b7ef6", "9ff0eb563cdf"),  # v4.3
    "b4847894ac83": ("74265d0ff53c", "09a346a8a504", "f1e4ece63639", "14d95c17fb18"),  # v5-exec
}
"""One fingerprint stood for all four tasks before each task had its own. The right side is the same code after it moved; where
a task's rules change, its own fingerprint no longer stands here, and decisions on the old ones are stale, as they should be."""

SUITE = Suite(
    name="commerce",
    tasks=(
        _task(BY_NAME["extraction"], truth=truth.FACTS, reference=reference.extraction_answer),
        _task(BY_NAME["sql_qa"], by_rule=rules.sql_answer, counts=counts.SQL),
        _task(BY_NAME["insights"], counts=counts.FIGURES),
        _task(
            BY_NAME["push"],
            by_rule=rules.push_answer,
            examples=_examples("push"),
            counts=counts.BRIEF,
        ),
    ),
    profiles=tuple(PROFILES.values()),
    default_profile=DEFAULT_PROFILE,
    classify=classify_task,
    measure=_measure,
    mask=_mask,
    sources=(SHOP,),
    presets=PRESETS,
    next_step=next_step.next_step,
    corpus=CORPUS,
    commands=commands.add_to,
    former=FORMER_FINGERPRINTS,
    gate=GateSettings(least_ratings=30, least_rho=0.60, least_low=0.30),
    monitor=MonitorSettings(mean_limit=0.50, mean_over=0.52),
)
