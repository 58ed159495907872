"""The first start: an empty store gets the default prompts and the example."""

import os

from sqlalchemy import select

from backend.access import OPERATOR, acting_as
from backend.data.prompt_sets import default_prompts, named_prompts
from backend.settings import get_settings
from backend.store.engine import check_health, in_turn, reading, writing
from backend.store.prompts import save_prompt_set
from backend.store.tables import Prompt

READ_THROUGH = "WORKBENCH_READ_THROUGH"
"""Set by a program that turns into another one: the address of the store whose file it has just read through."""


@acting_as(OPERATOR)
def first_start() -> None:
    """Bring the schema up to date, check the file, and fill an empty store with the default prompts and the example."""
    if os.environ.pop(READ_THROUGH, None) != get_settings().database_url:
        check_health()
    with reading() as session:
        if session.scalar(select(Prompt.id).limit(1)) is not None:
            return
    with writing() as session:
        in_turn(session, "first start")
        if (name := default_prompts()) and session.scalar(select(Prompt.id).limit(1)) is None:
            save_prompt_set(session, named_prompts(name), name)
    if get_settings().load_example:
        from backend.release import example  # brings all that audits; every later start does without

        if example.fits():
            example.load_example()
