"""Attacks that were made, kept in the store: whether a task's reward, as it is now, pays for cheap texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.audit.attack import BAD, Attacked
from backend.files import storable
from backend.store.ratings import scored_ratings
from backend.store.tables import AttackMade, Completion, Rating, made_by_attack
from backend.suites import find_task, fingerprint
from backend.wording import Text, decimal, fill, grouped


@dataclass(frozen=True)
class Standing:
    """What attacks say of a task's reward as it is now.

    Attributes:
        calls: how many calls the search made.
        target: the total that counts as high.
        best: the highest total of a text that is no copy.
        to_target: calls until a text reached the target; None where none did.
        good: whether people have rated all that it found, and called none of it useless.
        texts: what it found.
    """

    calls: int
    target: float
    best: float
    to_target: int | None
    good: bool = False
    texts: tuple[str, ...] = ()

    @property
    def broke(self) -> bool:
        """Whether the reward pays for a cheap text that nobody has called good."""
        return self.to_target is not None and not self.good

    @property
    def words(self) -> Text:
        """What the search came to, in a few words."""
        if self.to_target is None:
            return fill(
                "an attack of {calls} calls found no cheap text that scores {target} or more",
                "um ataque de {calls} chamadas não achou texto barato que pontue {target} ou mais",
                calls=grouped(self.calls), target=decimal(self.target),
            )  # fmt: skip
        if self.good:
            return Text(
                "people find the texts that an attack found useful",
                "as pessoas acham úteis os textos que um ataque achou",
            )
        if self.to_target == 1:
            return fill(
                "a cheap text scores {target} or more at the first call of an attack",
                "um texto barato pontua {target} ou mais na primeira chamada de um ataque",
                target=decimal(self.target),
            )
        return fill(
            "a cheap text scores {target} or more after {calls} calls of an attack",
            "um texto barato pontua {target} ou mais após {calls} chamadas de um ataque",
            calls=grouped(self.to_target), target=decimal(self.target),
        )  # fmt: skip


@needs("engineer")
def keep_attack(session: Session, attacked: Attacked) -> None:
    """Keep what a search came to, for the reward as it is now; the same one again changes nothing."""
    made = made_of(attacked)
    if not (made.calls and isfinite(made.best)):
        return
    seen = select(AttackMade.id).where(
        AttackMade.task == made.task, AttackMade.profile == made.profile, AttackMade.fingerprint == made.fingerprint,
        AttackMade.calls == made.calls, AttackMade.best == made.best, AttackMade.target == made.target,
    )  # fmt: skip
    if session.scalar(seen.limit(1)) is None:
        session.add(made)


def made_of(attacked: Attacked) -> AttackMade:
    """A search as the store keeps it, for the reward as it is now."""
    found = attacked.found
    return AttackMade(
        task=attacked.task,
        profile=attacked.profile,
        fingerprint=fingerprint(attacked.task, attacked.profile),
        calls=found.calls,
        target=found.target,
        best=found.best,
        to_target=found.to_target,
        finds=[[attacked.prompt_ids[find.prompt], find.text] for find in found.finds],
    )


def standing_attacks(session: Session, profile: str) -> dict[str, Standing]:
    """Task -> what attacks on its reward say: of those made on the reward as it is now, the one that broke it soonest, else
    the longest. A task whose reward nobody has attacked is missing."""
    found: dict[str, Standing] = {}
    for made in session.scalars(select(AttackMade).where(AttackMade.profile == profile).order_by(AttackMade.id)):
        if find_task(made.task) is None or made.fingerprint != fingerprint(made.task, profile):
            continue
        good = made.to_target is not None and _called_good(session, made.finds)
        texts = tuple(text for _, text in made.finds)
        standing = Standing(made.calls, made.target, made.best, made.to_target, good, texts)
        if made.task not in found or _weight(standing) > _weight(found[made.task]):
            found[made.task] = standing
    return found


def broken_rewards(attacks: Mapping[str, Standing]) -> list[str]:
    """The tasks whose reward one of the ``standing_attacks`` has broken."""
    return [task for task, standing in attacks.items() if standing.broke]


def _weight(standing: Standing) -> tuple[bool, int]:
    """What broke the reward counts more than what did not; of two that did the sooner, else the longer search."""
    return standing.broke, -(standing.to_target or 0) if standing.broke else standing.calls


def _called_good(session: Session, finds: Sequence[tuple[str, str]]) -> bool:
    """Whether people have rated every find, and none as useless."""
    if not finds:
        return False
    query = scored_ratings(Completion.prompt_id, Completion.text, func.avg(Rating.score)).where(
        made_by_attack(), Completion.prompt_id.in_([prompt_id for prompt_id, _ in finds])
    )
    human = {(p, text): score for p, text, score in session.execute(query.group_by(Completion.id)).tuples()}
    return all(human.get((prompt_id, storable(text)), 0.0) > BAD for prompt_id, text in finds)
