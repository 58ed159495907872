"""An early run of nano with 120 ratings: data that stays as it is, so that tests may hold its numbers.

The example that the product ships is recorded anew whenever rewards or prompts change; this one never is.
"""

import json
from pathlib import Path

from sqlalchemy.orm import Session

from backend.access import OPERATOR, acting_as
from backend.audit.gates import decide_gates
from backend.rating.queue import save_for_raters
from backend.rating.ratings import save_rating
from backend.records import Completion as Generated
from backend.records import Sampling
from backend.release.example import add_run
from backend.release.month import compose_month
from backend.runs.sync import copy_folder
from backend.store.completions import ensure_scores
from backend.store.engine import writing
from backend.store.tables import Completion, Rater
from backend.suites import default_profile

RUN_ID = "example"
RUN_FOLDER = Path(__file__).parent / "nano-run"
RATINGS = Path(__file__).parent / "ratings.jsonl"
"""Each line: prompt_id, sample, text, tokens, truncated, policy, generation, and (most) a score and a comment."""
RATER = "authors (example)"


@acting_as(OPERATOR)
def load_recorded() -> None:
    """Load the run and the ratings into an empty store."""
    with writing() as session:
        run = add_run(session, RUN_ID, RUN_FOLDER)
        _add_ratings(session)
        copy_folder(session, run)
        ensure_scores(session, default_profile())
        decide_gates(session, default_profile(), RATER)
    compose_month(RUN_ID, RATER)


def _add_ratings(session: Session) -> None:
    rater = Rater(name=RATER, is_example=True)
    session.add(rater)
    session.flush()
    for row in map(json.loads, RATINGS.read_text(encoding="utf-8").splitlines()):
        answer = Generated(row["text"], row["tokens"], row["truncated"])
        sampling = Sampling.model_validate(row["generation"])
        (number,) = save_for_raters(session, [row["prompt_id"]], [[answer]], row["policy"], sampling)
        completion = session.get_one(Completion, number)
        completion.is_example, completion.sample = True, row["sample"]
        if "score" in row:
            save_rating(session, number, rater.id, score=row["score"], comment=row.get("comment", ""), imported=True)
