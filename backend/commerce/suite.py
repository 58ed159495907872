"""The commerce suite: the tasks of ``rewards.commerce``, with everything that needs the shop, files or a database.

The rules of the rewards are in ``rewards/commerce/``. This module adds the system prompts, the facts behind the prompts,
and the functions that the workbench calls for anything that depends on the shop.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from backend.commerce import commands, counts, criteria, next_step, reference, rules, truth
from backend.commerce.corpus import CORPUS
from backend.commerce.presets import PRESETS
from backend.commerce.prompts import system_prompt
from backend.commerce.shop import shop_path
from backend.commerce.source import SHOP
from backend.suites.suite import GateSettings, MonitorSettings, Suite
from rewards.commerce import BY_NAME, DEFAULT_PROFILE, PROFILES, classify_task
from rewards.types import Columns, Profile, Result, Task


def _examples(task: str) -> tuple[str, ...]:
    """The lines of ``few_shot_examples/<task>.md``: an introduction, then one example per line."""
    text = (Path(__file__).parent / "few_shot_examples" / f"{task}.md").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line.strip())


def _task(task: Task, **more: object) -> Task:
    return replace(task, system_prompt=system_prompt(task.name), **more)  # type: ignore[arg-type]


def _measure(task: Task, completion: str, columns: Columns, profile: Profile) -> Mapping[str, float]:
    from backend.commerce.sql_execution import measured  # sqlglot takes long to import, and few profiles need it

    return measured(completion, columns, profile, shop_path())


def _run(completion: str) -> Result:
    from backend.commerce.sql_execution import result_of

    return result_of(completion, shop_path())


def _mask(text: str) -> tuple[str, Counter[str]]:
    from backend.commerce.personal import mask

    return mask(text)


FORMER_FINGERPRINTS = {
    "d92111c32d92": ("687dd6a68647", "dc2e1a153e09", "449d1348e7c8", "24e6ac303f2a"),  # v4.0
    "52a05c744ba7": ("687dd6a68647",),
    "ff2d7f4858ba": ("dc2e1a153e09",),
    "147ed5897b70": ("449d1348e7c8",),
    "58eabaa1ef76": ("24e6ac303f2a",),
    "42300d92f9f2": ("a47fb2d566b3", "a85b8779881b", "e056bfcc559e", "5a9d794f68e2"),  # v4.1
    "3fc4a02e8668": ("a47fb2d566b3",),
    "632ff41d4ed4": ("a85b8779881b",),
    "b4e5f7aa4e71": ("e056bfcc559e",),
    "8f1abe252285": ("5a9d794f68e2",),
    "3b31aa5759d6": ("13413f7fd116", "0f734815c93e", "4c5cfe7586cf", "c8432ee99eca"),  # v4.2
    "959c068fdf42": ("13413f7fd116",),
    "490c80e595a9": ("0f734815c93e",),
    "0342c3d5d46f": ("4c5cfe7586cf",),
    "b2234d2fd687": ("c8432ee99eca",),
    "ddb3648b8ddf": ("f2b573904d0c", "986a1fd17ad0", "1386190d9135", "c0b5e796412b"),  # v4.2.1
    "d05e08ff1e30": ("f2b573904d0c",),
    "992de0bccc14": ("986a1fd17ad0",),
    "6aab7e23f818": ("1386190d9135",),
    "b4fa4abfa964": ("c0b5e796412b",),
    "af1ef441c8c9": ("06effbeb712b", "7c48d7e5f07b", "c6cabea5a0d7", "487d7b4e9c8b"),  # v4.3
    "771addfa9ff1": ("06effbeb712b",),
    "dde6054c8cd9": ("7c48d7e5f07b",),
    "dd92616b7ef6": ("c6cabea5a0d7",),
    "9ff0eb563cdf": ("487d7b4e9c8b",),
    "b4847894ac83": ("18e86ab37c47", "66a40e299ca9", "83b35f961cf2", "9592d549ed76"),  # v5-exec
    "74265d0ff53c": ("18e86ab37c47",),
    "09a346a8a504": ("66a40e299ca9",),
    "f1e4ece63639": ("83b35f961cf2",),
    "14d95c17fb18": ("9592d549ed76",),
}
"""Former fingerprint -> today's of the same rules. The first of each profile stood for all four tasks, before each task had its
own; the others are each task's from before rewards had editions. The golden file holds that the scores are the same. Where a
task's rules change, its own fingerprint no longer stands here, and decisions on the old ones are stale, as they should be."""

SUITE = Suite(
    name="commerce",
    tasks=(
        _task(BY_NAME["extraction"], truth=truth.FACTS, reference=reference.extraction_answer),
        _task(BY_NAME["sql_qa"], by_rule=rules.sql_answer, counts=counts.SQL, run=_run),
        _task(BY_NAME["insights"], counts=counts.FIGURES, criteria=criteria.INSIGHTS),
        _task(
            BY_NAME["push"],
            by_rule=rules.push_answer,
            examples=_examples("push"),
            counts=counts.BRIEF,
            criteria=criteria.PUSH,
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
