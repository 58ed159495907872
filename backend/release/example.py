"""The recorded example: nano trained under two versions of the rewards, readers' scores, attacks, and a composed month.

Loaded into an empty store at first start, so that every page has content; everything in it is labelled as an example. Both readers
are language models, sessions of the one that wrote this project, and no people: each read every answer in an order of its own,
without reward, origin or the other's scores. They stand in the place of raters so that the pages have something to show.
"""

import json
import random
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.access import OPERATOR, acting_as
from backend.audit.attack import attack_task, save_finds
from backend.audit.attacks import made_of
from backend.audit.gates import decide_gates
from backend.data.jsonl import read_prompts, write_prompts
from backend.evaluation.evaluate import read_evaluation
from backend.files import write_json, write_whole
from backend.rating.imported import ImportedScore, import_scores
from backend.rating.queue import enqueue
from backend.release.month import compose_month
from backend.runs.sync import copy_folder
from backend.settings import ROOT
from backend.store.completions import add_scores
from backend.store.engine import in_turn, reading, writing
from backend.store.prompts import save_prompt_set
from backend.store.tables import AttackMade, Completion, Prompt, Rater, Run, made_by_attack, utc_now
from backend.suites import ToScore, score_all, task_names
from backend.training.config import config_from_json

EXAMPLES = next(p for p in (Path(__file__).parent / "examples", ROOT / "examples") if p.is_dir())
"""In the package if it was installed as a wheel; next to the package in a checkout."""
RUN_ID = "example"
FOLDERS = {RUN_ID: EXAMPLES / "nano-run", "example-v5": EXAMPLES / "nano-run-v5"}
"""Run id -> its record: under the default rules, which the pages open with, and under v5."""
RUN_FOLDER = FOLDERS[RUN_ID]
RATINGS = EXAMPLES / "ratings.jsonl"
"""Each line: run, evaluation (its file's name), prompt_id, sample; by reader ``scores`` and ``comments``; and ``values``, its
components under the last run's version, unless it is that run's."""
ATTACKS = EXAMPLES / "attacks.jsonl"
"""Each line: a search as ``AttackMade`` has it, its shortest finds with a reader's ``scores`` and their ``values``."""
_FINDS = 3
AUTHORS = "authors (example)"
"""Who decided in the example, where no single reader did."""


def fits() -> bool:
    """Whether the example is there, and all of its tasks are."""
    return RUN_FOLDER.is_dir() and _example_tasks() <= set(task_names())


def _example_tasks() -> set[str]:
    return {row["task"] for row in _lines(RUN_FOLDER / "prompts.jsonl")}


@acting_as(OPERATOR)
def load_example() -> None:
    """Load the recorded runs, scores and attacks into the store, and compose its month, if they are not there yet."""
    _load_runs()
    compose_month(RUN_ID, AUTHORS)


def _load_runs() -> None:
    with writing() as session:
        in_turn(session, "example")
        if session.get(Run, RUN_ID) is not None:
            return
        runs = [add_run(session, run_id, folder) for run_id, folder in FOLDERS.items()]
        for run in runs:
            copy_folder(session, run)
        _add_ratings(session)
        for run in runs:
            decide_gates(session, run.profile, AUTHORS)


def add_run(session: Session, run_id: str, folder: Path) -> Run:
    """Add a run of the example with its prompts; returns it."""
    prompts = [p.model_copy(update={"source": "example"}) for p in read_prompts(folder / "prompts.jsonl")]
    config = config_from_json((folder / "config.json").read_text(encoding="utf-8"))
    environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    ended = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    run = Run(
        id=run_id,
        name=f"nano under {config.profile} (example)",
        preset=config.preset,
        config=config.model_dump(mode="json"),
        seed=config.seed,
        folder=str(folder),
        status=ended["status"],
        reason=ended["reason"],
        profile=config.profile,
        fingerprint=environment["fingerprint"],
        prompt_set=save_prompt_set(session, prompts, "example")[0],
        is_example=True,
        created_at=utc_now() - timedelta(seconds=run_id != RUN_ID),
    )
    session.add(run)
    session.flush()
    return run


def _add_ratings(session: Session) -> None:
    """Put the answers of the runs that the readers scored into the raters' queue, with their scores, and a few that nobody has
    read, for whoever opens the example; what attacks found is stored with its scores."""
    rows, attacks = _lines(RATINGS), _lines(ATTACKS)
    columns = (Completion.evaluation_id, Completion.prompt_id, Completion.sample, Completion.id)
    ids = {(e, p, s): i for e, p, s, i in session.execute(select(*columns)).tuples()}
    rated = {ids[f"{row['run']}:{row['evaluation']}", row["prompt_id"], row["sample"]]: row for row in rows}
    read: dict[int, dict[str, Any]] = {}
    for made in attacks:
        finds = made.pop("finds")
        session.add(AttackMade(**made, finds=[[find["prompt_id"], find["text"]] for find in finds]))
        found = [(find["prompt_id"], find["text"]) for find in finds]
        read |= dict(zip(save_finds(session, found), finds, strict=True))
    enqueue(session, [*rated, *_unread(ids, rated)])
    rated |= read
    session.execute(update(Completion).where(made_by_attack()).values(is_example=True))
    comments = {(i, name): words for i, row in rated.items() for name, words in row.get("comments", {}).items()}
    import_scores(
        session,
        [
            ImportedScore(completion_id, name, score, comments.get((completion_id, name), ""))
            for completion_id, row in rated.items()
            for name, score in row["scores"].items()
        ],
    )
    session.execute(update(Rater).values(is_example=True))
    profile = _profile(list(FOLDERS.values())[-1])
    rules = {made["task"]: made["fingerprint"] for made in attacks if made["profile"] == profile}
    tasks = dict(session.execute(select(Prompt.id, Prompt.task)).tuples().all())
    add_scores(
        session,
        (
            {"completion_id": completion_id, "profile": profile, "component": name, "value": value,
             "fingerprint": rules[tasks[row["prompt_id"]]]}
            for completion_id, row in rated.items()
            for name, value in row.get("values", {}).items()
        ),
    )  # fmt: skip


def _unread(ids: Mapping[tuple[str | None, str, int], int], rated: Collection[int]) -> list[int]:
    """Of each task a few tuned answers of the first run that nobody has read.

    Args:
        ids: (evaluation, prompt, sample) -> completion.
        rated: the completions that were read.
    """
    tuned = f"{RUN_ID}:{_tuned(RUN_FOLDER)}"
    found = defaultdict[str, list[int]](list)
    for prompt in read_prompts(RUN_FOLDER / "prompts.jsonl"):
        completion = ids.get((tuned, prompt.id, 0))
        if completion is not None and completion not in rated and len(found[prompt.task]) < _UNREAD:
            found[prompt.task].append(completion)
    return [completion for of_task in found.values() for completion in of_task]


_UNREAD = 4
"""How many of each task wait for the first rater."""


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    write_whole(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def record(run_folders: Mapping[str, Path]) -> int:
    """Write the example anew: a record of each run, and which answers the readers score; returns how many have no scores yet.

    Scores stay with the texts that have not changed. Sampling is seeded, so on one machine a run's texts stay the same.

    Args:
        run_folders: the folder of a finished run for each of ``FOLDERS``.
    """
    kept = {(row["prompt_id"], text): row for row, text in _with_texts(_lines(RATINGS))}
    for run_id, source in run_folders.items():
        _copy_record(source, FOLDERS[run_id])
    rows = []
    for row, text in _with_texts(_to_rate()):
        old = kept.get((row["prompt_id"], text), {})
        rows.append(row | {name: old.get(name, {}) for name in ("scores", "comments")})
    _write_lines(RATINGS, rows)
    return sum(not row["scores"] for row in rows)


def record_attacks() -> None:
    """Attack every task under the runs' rules, on the completions in the store, which should be the example's alone.

    Scores stay with the finds that have not changed.
    """
    kept = {(find["prompt_id"], find["text"]): find["scores"] for made in _lines(ATTACKS) for find in made["finds"]}
    rows = []
    for folder in FOLDERS.values():
        profile = _profile(folder)
        for task in sorted(_example_tasks()):
            with reading() as session:
                made = made_of(attack_task(session, task, profile))
            finds = [{"prompt_id": p, "text": t, "scores": kept.get((p, t), {})} for p, t in made.finds[:_FINDS]]
            names = ("task", "profile", "fingerprint", "calls", "target", "best", "to_target")
            rows.append({name: getattr(made, name) for name in names} | {"finds": finds})
    _write_lines(ATTACKS, rows)


def record_values() -> None:
    """Write what each text that was read earns under the last run's version, whose SQL needs the shop, into the records.

    With them the example is loaded at once, on a machine without the shop too. The answers of that run have theirs already.
    """
    run_id, folder = list(FOLDERS.items())[-1]
    prompts = {p.id: p for p in read_prompts(folder / "prompts.jsonl")}
    answers, attacks = list(_with_texts(_lines(RATINGS))), _lines(ATTACKS)
    read = [*answers, *((find, find["text"]) for made in attacks for find in made["finds"])]
    without = [(row, text, prompts[row["prompt_id"]]) for row, text in read if row.get("run") != run_id]
    asked = [(p.task, ToScore(p.chat, text, p.facts, p.form)) for _, text, p in without]
    for (row, _, _), found in zip(without, score_all(asked, _profile(folder)), strict=True):
        row["values"] = {**found.components, "total": found.total}
    _write_lines(RATINGS, (row for row, _ in answers))
    _write_lines(ATTACKS, attacks)


def _profile(folder: Path) -> str:
    return config_from_json((folder / "config.json").read_text(encoding="utf-8")).profile


def _tuned(folder: Path) -> str:
    """The name of a recorded run's last evaluation."""
    return next((folder / "evaluations").glob("tuned-*.json")).stem


def _to_rate() -> list[dict[str, Any]]:
    """The answers to score. Of each task, under the default rules: ten eval prompts at the first, the middle and the last
    evaluation, and eight test prompts, base and tuned; under v5 seven other test prompts, base and tuned."""
    first, second = FOLDERS
    by_task = defaultdict[str, dict[str, list[str]]](lambda: defaultdict(list))
    for prompt in read_prompts(RUN_FOLDER / "prompts.jsonl"):
        by_task[prompt.task][prompt.split].append(prompt.id)
    steps = sorted(path.stem for path in (RUN_FOLDER / "evaluations").glob("step-*.json"))
    rows = []
    for task, of_split in by_task.items():
        rng = random.Random(f"example {task}")
        on_eval, on_test = (rng.sample(of_split[split], count) for split, count in (("eval", 10), ("test", 15)))
        for step in (steps[0], steps[len(steps) // 2], steps[-1]):
            rows += [(first, step, prompt_id) for prompt_id in on_eval]
        for run_id, ids in ((first, on_test[:8]), (second, on_test[8:])):
            rows += [
                (run_id, label, prompt_id) for label in ("base-00000", _tuned(FOLDERS[run_id])) for prompt_id in ids
            ]
    return [{"run": r, "evaluation": e, "prompt_id": p, "sample": 0} for r, e, p in rows]


def _with_texts(rows: Iterable[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    """Each row of ``RATINGS`` with the text that it is about."""
    texts: dict[tuple[str, str], dict[tuple[str, int], str]] = {}
    for row in rows:
        key = row["run"], row["evaluation"]
        if key not in texts:
            result = read_evaluation(FOLDERS[key[0]] / "evaluations" / f"{key[1]}.json")
            texts[key] = {(c.prompt_id, c.sample): c.text for c in result.completions}
        yield row, texts[key][row["prompt_id"], row["sample"]]


def _copy_record(source: Path, target: Path) -> None:
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
    for name in ("evaluations", "rollouts"):
        shutil.copytree(source / name, target / name)
    ended = json.loads((source / "run.json").read_text(encoding="utf-8"))
    write_json(target / "run.json", {name: ended[name] for name in ("status", "reason")})
    write_prompts(target / "prompts.jsonl", [p for p in read_prompts(source / "prompts.jsonl") if p.split != "train"])
