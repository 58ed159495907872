"""The gate: the decision whether a reward may be trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atanh, inf, sqrt
from typing import Literal

from scipy.stats import norm

from backend.audit.correlation import FEWEST_PROMPTS, Correlation
from backend.suites.suite import GateSettings
from backend.wording import Text, decimal, fill, joined
from rewards.calling import MOST_GAPS
from rewards.types import NO_TEXT

Verdict = Literal["pass", "fail", "more ratings needed", "stale"]

_STEPS = (10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)
_LIKELY = 0.8
"""The first step that decides with at least this probability is the one that is said."""


@dataclass(frozen=True)
class Gate:
    """A decision on one task's reward.

    Attributes:
        verdict: ``stale``: decided on other ratings or other rules.
        reason: in words.
        was: of a stale one, what it said before, where that is known.
    """

    verdict: Verdict
    reason: Text
    was: Verdict = "stale"


@dataclass(frozen=True)
class Outlook:
    """Where the gate is expected to stand after more rated completions like those so far.

    Attributes:
        more: how many more completions.
        passes, fails: the probability of each decision then, given the present interval.
    """

    more: int
    passes: float
    fails: float


def decide(
    total: Correlation,
    settings: GateSettings | None = None,
    within: Correlation | None = None,
    notes: Sequence[Text] = (),
    gaps: int = 0,
) -> Gate:
    """Decide on a reward's total by its correlation with the human scores. Nothing else decides.

    pass: 30 rated completions of 10 prompts, ρ at least 0.60, the interval's low end above 0.30, 10 prompts that differ from
    the most common score and from the most common reward, and, from 10 prompts with two or more rated completions on, the
    within-prompt interval above 0. fail: the reward is constant, or the interval's high end is below 0.60, or the within-prompt
    interval is below 0, or it has no value for many. Otherwise more ratings are needed.

    Args:
        total: of the total with the human scores.
        settings: thresholds in place of these.
        within: ``within_prompt`` of the same completions; None where nothing says which prompt they answer.
        notes: what a reader should know beside; they follow the reason and change no verdict.
        gaps: rated completions beside these for which the reward has no value; more than ``MOST_GAPS`` of all fail it.
    """
    s = settings or GateSettings()
    verdict, reason = _verdict(total, s, within)
    if gaps:
        missing = fill(
            "it has no value for {gaps} of {n} rated completions",
            "não tem valor para {gaps} de {n} respostas avaliadas",
            gaps=gaps, n=total.n + gaps,
        )  # fmt: skip
        if gaps > MOST_GAPS * (total.n + gaps) and total.n + gaps >= s.least_ratings:
            return Gate("fail", joined([missing, *([reason] if total.n else []), *notes]))
        notes = [missing, *notes]
    if verdict == "pass" and within is not None and within.prompts < FEWEST_PROMPTS:
        missing = fill(
            "whether it ranks inside a prompt is not known ({k} prompts have two or more rated completions, "
            "{needed} are needed)",
            "se ordena dentro de um prompt não se sabe ({k} prompts têm duas ou mais respostas avaliadas, "
            "são precisos {needed})",
            k=within.prompts, needed=FEWEST_PROMPTS,
        )  # fmt: skip
        notes = [missing, *notes]
    return Gate(verdict, joined([reason, *notes]))


def _verdict(c: Correlation, s: GateSettings, within: Correlation | None) -> tuple[Verdict, Text]:
    inside = within if within is not None and within.prompts >= FEWEST_PROMPTS else None
    if (against := _against(c, inside)) is not None:
        return "fail", against
    if (little := _too_little(c, s)) is not None or c.rho is None or c.low is None or c.high is None:
        return "more ratings needed", little or NO_TEXT
    seen = {"rho": decimal(c.rho), "low": decimal(c.low), "high": decimal(c.high), "least": decimal(s.least_rho)}
    if c.high < s.least_rho:
        return "fail", fill(
            "ρ = {rho}; even the interval's high end, {high}, is below {least}",
            "ρ = {rho}; até o fim alto do intervalo, {high}, está abaixo de {least}",
            **seen,
        )
    reason = fill("ρ = {rho}, interval {low} to {high}", "ρ = {rho}, intervalo {low} a {high}", **seen)
    ranks = c.rho >= s.least_rho and c.low > s.least_low and not _rests_on_few(c)
    if ranks and (inside is None or (inside.low is not None and inside.low > 0)):
        return "pass", reason
    return "more ratings needed", joined([reason, *_why_not_yet(c, s, inside, ranks)])


def _against(c: Correlation, inside: Correlation | None) -> Text | None:
    """Why the reward fails, however many ratings there are; None where nothing does."""
    if inside is not None and inside.high is not None and inside.high < 0:
        return fill(
            "inside prompts it ranks against people: ρ = {rho} over {m} prompts",
            "dentro dos prompts ordena contra as pessoas: ρ = {rho} em {m} prompts",
            rho=decimal(inside.rho or 0.0), m=inside.n,
        )  # fmt: skip
    if c.constant and c.n >= 3:
        return Text("the reward gives every completion the same score", "a recompensa dá a mesma nota a tudo")
    return None


def _too_little(c: Correlation, s: GateSettings) -> Text | None:
    """Why these ratings decide nothing yet; None where they may."""
    if c.n < s.least_ratings or c.prompts < FEWEST_PROMPTS:
        return fill(
            "{n} rated completions of {m} prompts; nothing is decided below {least} completions of {prompts} prompts",
            "{n} respostas avaliadas de {m} prompts; nada se decide com menos de {least} respostas de {prompts} prompts",
            n=c.n, m=c.prompts, least=s.least_ratings, prompts=FEWEST_PROMPTS,
        )  # fmt: skip
    if c.rho is None:
        return Text(
            "the human scores are all the same, so nothing can be ranked",
            "as notas humanas são todas iguais; não há o que ordenar",
        )
    if c.low is None or c.high is None:
        return fill(
            "ρ = {rho}, but too few prompts differ to tell: almost every completion has the same score",
            "ρ = {rho}, mas poucos prompts diferem: quase todas as respostas têm a mesma nota",
            rho=decimal(c.rho),
        )
    return None


def _why_not_yet(c: Correlation, s: GateSettings, inside: Correlation | None, ranks: bool) -> list[Text]:
    """What stands between an undecided gate and a decision, and what more ratings are likely to bring."""
    words = []
    if _rests_on_few(c):
        words.append(
            fill(
                "only {k} prompts differ from the most common score or reward, and {needed} are needed to pass",
                "só {k} prompts diferem da nota ou da recompensa mais comum, e são precisos {needed} para aprovar",
                k=c.acting or 0, needed=FEWEST_PROMPTS,
            )
        )  # fmt: skip
    if inside is not None and (ranks or inside.low is None):
        words.append(_not_inside(inside))
    if c.rho is not None and c.rho < s.least_rho:
        words.append(
            fill(
                "if its true ρ is {rho}, no number of ratings passes it ({least} is needed)",
                "se o ρ verdadeiro é {rho}, nenhum número de avaliações a aprova (é preciso {least})",
                rho=decimal(c.rho), least=decimal(s.least_rho),
            )
        )  # fmt: skip
    if (ahead := outlook(c, s, inside)) is not None:
        words.append(
            fill(
                "{more} more rated completions like these decide with probability {any} (pass {passes}, fail {fails})",
                "mais {more} respostas avaliadas como estas decidem com probabilidade {any} (aprovar {passes}, "
                "reprovar {fails})",
                more=ahead.more, any=decimal(ahead.passes + ahead.fails), passes=decimal(ahead.passes),
                fails=decimal(ahead.fails),
            )
        )  # fmt: skip
    return words


def _rests_on_few(c: Correlation) -> bool:
    """Whether nearly all answers have one score or one reward: a ranking is then seen by the few others alone."""
    return c.acting is not None and c.acting < FEWEST_PROMPTS


def _not_inside(inside: Correlation) -> Text:
    if inside.low is None or inside.rho is None or inside.high is None:
        return fill(
            "inside a prompt people gave the same score in all but {m} of {k} prompts, so its ranking there is not known",
            "dentro do prompt as pessoas deram a mesma nota em quase todos ({m} de {k} diferem); a ordem ali não se sabe",
            m=inside.n, k=inside.prompts,
        )  # fmt: skip
    return fill(
        "inside prompts its ranking is not shown yet: ρ = {rho}, interval {low} to {high} over {m} prompts",
        "dentro dos prompts a ordem ainda não se mostrou: ρ = {rho}, intervalo {low} a {high} em {m} prompts",
        rho=decimal(inside.rho), low=decimal(inside.low), high=decimal(inside.high), m=inside.n,
    )  # fmt: skip


def outlook(c: Correlation, settings: GateSettings | None = None, inside: Correlation | None = None) -> Outlook | None:
    """Where the gate is expected to stand after more ratings.

    The true ρ is taken as the present interval says (normal on Fisher's scale); k more completions on the present n move
    the estimate with variance e² k / (n + k), e being the present standard error, and shrink the error to
    e √(n / (n + k)). So both probabilities are areas under one normal curve, and nothing has to be drawn.

    Args:
        c: of the total.
        settings: thresholds.
        inside: the within-prompt correlation, where the gate asks for it.

    Returns:
        The first of ``_STEPS`` that decides with probability 0.8, or the last; None where one of the two has no interval, or few
        answers make the ranking.
    """
    if c.error is None or c.rho is None or _rests_on_few(c) or (inside is not None and inside.low is None):
        return None
    s, found = settings or GateSettings(), None
    for more in _STEPS:
        found = _after(c, s, inside, more)
        if found.passes + found.fails >= _LIKELY:
            break
    return found


def _after(c: Correlation, s: GateSettings, inside: Correlation | None, more: int) -> Outlook:
    z, error = atanh(min(max(c.rho or 0.0, -0.999), 0.999)), c.error or 0.0
    moves, then = error * sqrt(more / (c.n + more)), error * sqrt(c.n / (c.n + more))
    half = float(norm.ppf(0.975)) * then
    passes = float(norm.sf(_over(max(atanh(s.least_rho), atanh(s.least_low) + half) - z, moves)))
    fails = float(norm.cdf(_over(atanh(s.least_rho) - half - z, moves)))
    if inside is not None:
        passes *= _shown_inside(inside, c.n, more)
    return Outlook(more, passes, fails)


def _shown_inside(inside: Correlation, n: int, more: int) -> float:
    """The probability that the within-prompt interval lies above 0 after ``more`` completions on ``n``."""
    if inside.error is None or inside.rho is None:
        return 0.0
    moves, then = inside.error * sqrt(more / (n + more)), inside.error * sqrt(n / (n + more))
    return float(norm.sf(_over(float(norm.ppf(0.975)) * then - inside.rho, moves)))


def _over(distance: float, error: float) -> float:
    return distance / error if error > 0 else (inf if distance > 0 else -inf)
