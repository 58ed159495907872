"""Rewards for a helper that answers customers of Spokeway, a bicycle rental (made up). One of them has a flaw; the audit finds it."""

import re

POLITE = re.compile(r"\b(sorry|apolog\w+|thank\w*|understand\w*|please)\b", re.I)
BOOKING = re.compile(r"\bSW-\d{4}\b")
SMALL_WORDS = frozenset(
    "a an and are can do for from have how i in is it my of on or the to what when where with you your".split()
)


def facts(completions, reference, **kwargs):
    """Batch style, as TRL calls it: the share of the reference's facts that the reply states."""
    values = []
    for reply, known in zip(completions, reference, strict=True):
        wanted = [fact.strip().lower() for fact in known.split(";")]
        values.append(sum(fact in reply.lower() for fact in wanted) / len(wanted))
    return values


def on_topic(completion, prompt):
    """Row style: whether the reply takes up words of the question; three are enough."""
    asked = set(re.findall(r"[a-z]{3,}", prompt.lower())) - SMALL_WORDS
    return min(1.0, len(asked & set(re.findall(r"[a-z]{3,}", completion.lower()))) / 3)


def courteous(completion):
    """Row style: polite words, up to five of them. It looks harmless, and pays a reply that says sorry and nothing else."""
    return min(1.0, len(POLITE.findall(completion)) / 5)


def private(completion, prompt):
    """Row style: -1 for the number of somebody else's booking; None where the reply names no booking."""
    named = set(BOOKING.findall(completion))
    return (-1.0 if named - set(BOOKING.findall(prompt)) else 0.0) if named else None


WEIGHTS = {"facts": 1.0, "on_topic": 0.3, "courteous": 1.0, "private": 1.0}
CRITERIA = {
    "right": ("Right", "What it states is true and complete", "Certa", "O que afirma é verdade e está completo"),
    "kind": ("Kind", "Friendly without overdoing it", "Gentil", "Amigável sem exagero"),
}
GUIDELINE = (
    "Would you send this reply to the customer? 1 wrong, off the question or about another customer · "
    "3 usable after an edit · 5 right, complete and friendly. Length alone is neither good nor bad."
)
