"""The recorded example: a real nano run, some of its completions, ratings by the project's authors, and a composed month.

Loaded into an empty store at first start, so that every page has content; everything in it is labelled as an example.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.access import OPERATOR, acting_as
from backend.audit.gates import decide_gates
from backend.data.jsonl import read_prompts, write_prompts
from backend.data.prompt_sets import default_prompts, named_prompts
from backend.rating.queue import save_for_raters
from backend.rating.ratings import save_rating
from backend.records import Completion as Generated
from backend.records import Sampling
from backend.release.month import compose_month
from backend.runs.sync import sync_run
from backend.settings import ROOT, get_settings
from backend.store.completions import ensure_scores
from backend.store.engine import check_health, in_turn, reading, writing
from backend.store.prompts import save_prompt_set
from backend.store.tables import Completion, Prompt, Rater, Run
from backend.suites import default_profile, task_names
from backend.training.config import config_from_json

EXAMPLES = next(p for p in (Path(__file__).parent / "examples", ROOT / "examples") if p.is_dir())
"""In the package if it was installed as a wheel; next to the package in a checkout."""
RUN_FOLDER = EXAMPLES / "nano-run"
RATINGS = EXAMPLES / "ratings.jsonl"
RUN_ID = "example"
RATER = "authors (example)"


@acting_as(OPERATOR)
def first_start() -> None:
    """Bring the schema up to date, check the file, and fill an empty store with the default prompts and the example."""
    check_health()
    with reading() as session:
        if session.scalar(select(Prompt.id).limit(1)) is not None:
            return
    with writing() as session:
        in_turn(session, "first start")
        if (name := default_prompts()) and session.scalar(select(Prompt.id).limit(1)) is None:
            save_prompt_set(session, named_prompts(name), name)
    if get_settings().load_example and RUN_FOLDER.is_dir() and _example_tasks() <= set(task_names()):
        load_example()


def _example_tasks() -> set[str]:
    return {json.loads(line)["task"] for line in (RUN_FOLDER / "prompts.jsonl").read_text("utf-8").splitlines()}


@acting_as(OPERATOR)
def load_example() -> None:
    """Load the recorded run, completions and ratings into the store, and compose its month, if they are not there yet."""
    if _load_run():
        sync_run(RUN_ID)
    compose_month(RUN_ID, RATER)


def _load_run() -> bool:
    """Load run, completions and ratings; False where they are there already."""
    with writing() as session:
        in_turn(session, "example")
        if session.get(Run, RUN_ID) is not None:
            return False
        prompts = [p.model_copy(update={"source": "example"}) for p in read_prompts(RUN_FOLDER / "prompts.jsonl")]
        _add_run(session, save_prompt_set(session, prompts, "example")[0])
        if RATINGS.exists():
            _add_ratings(session)
            ensure_scores(session, default_profile())
            decide_gates(session, default_profile(), RATER)
    return True


def _add_run(session: Session, prompt_set: str) -> None:
    config = config_from_json((RUN_FOLDER / "config.json").read_text(encoding="utf-8"))
    environment = json.loads((RUN_FOLDER / "environment.json").read_text(encoding="utf-8"))
    ended = json.loads((RUN_FOLDER / "run.json").read_text(encoding="utf-8"))
    session.add(
        Run(
            id=RUN_ID,
            name="nano (example)",
            preset=config.preset,
            config=config.model_dump(mode="json"),
            seed=config.seed,
            folder=str(RUN_FOLDER),
            status=ended["status"],
            reason=ended["reason"],
            profile=config.profile,
            fingerprint=environment["fingerprint"],
            prompt_set=prompt_set,
            is_example=True,
        )
    )
    session.flush()


def _add_ratings(session: Session) -> None:
    """Each line of ratings.jsonl: prompt_id, sample, text, tokens, truncated, generation, and (most) a score."""
    rater = Rater(name=RATER, is_example=True)
    session.add(rater)
    session.flush()
    for line in RATINGS.read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        (completion_id,) = save_for_raters(
            session,
            [row["prompt_id"]],
            [[Generated(row["text"], row["tokens"], row["truncated"])]],
            row["policy"],
            Sampling.model_validate(row["generation"]),
        )
        completion = session.get_one(Completion, completion_id)
        completion.is_example, completion.sample = True, row["sample"]
        if row.get("score"):
            save_rating(
                session, completion_id, rater.id, score=row["score"], comment=row.get("comment", ""), imported=True
            )


def record_completions() -> int:
    """Sample two completions of every eval prompt from nano into ratings.jsonl; returns how many have no rating.

    Sampling is seeded, so the texts stay the same, and keep the ratings given by hand, until nano itself changes.
    """
    from backend.models.generate import generate
    from backend.models.load import PolicyConfig, load_policy

    kept = {}
    if RATINGS.exists():
        rows = [json.loads(line) for line in RATINGS.read_text(encoding="utf-8").splitlines()]
        kept = {(r["prompt_id"], r["text"]): {k: r[k] for k in ("score", "comment") if k in r} for r in rows}
    prompts = [p for p in read_prompts(RUN_FOLDER / "prompts.jsonl") if p.split == "eval"]
    sampling = Sampling(temperature=1.0, max_new_tokens=160, seed=42)
    policy = load_policy(PolicyConfig())
    groups = generate(policy, [p.chat for p in prompts], sampling, n=2)
    rows = [
        {
            "prompt_id": p.id,
            "sample": i,
            "text": c.text,
            "tokens": c.tokens,
            "truncated": c.truncated,
            "policy": policy.name,
            "generation": sampling.model_dump(),
            **kept.get((p.id, c.text), {}),
        }
        for p, group in zip(prompts, groups, strict=True)
        for i, c in enumerate(group)
    ]
    RATINGS.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return sum("score" not in r for r in rows)


def copy_record(source: Path, target: Path) -> None:
    """Copy the files of a run folder that the pages read."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in (
        "config.json",
        "environment.json",
        "metrics.jsonl",
        "eval_results.json",
        "comparison_base_vs_tuned.json",
    ):
        shutil.copy2(source / name, target / name)
    shutil.copytree(source / "evaluations", target / "evaluations")
    prompts = [p for p in read_prompts(source / "prompts.jsonl") if p.split != "train"]
    write_prompts(target / "prompts.jsonl", prompts)
