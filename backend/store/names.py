"""Names of people, cleaned and compared: "Ana", "ana" and "Ana" with a character nobody sees are one person."""

import re
import unicodedata

_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0000-\U000e0fff]")
"""Characters without a picture that Unicode counts as letters, marks or symbols."""


def clean_name(name: str) -> str:
    """The name as it is stored and shown: without control characters, halves of characters and what cannot be seen, in
    Unicode's form NFKC, and with single spaces."""
    seen = "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Cs") else " " * c.isspace() for c in name)
    return " ".join(unicodedata.normalize("NFKC", _UNSEEN.sub("", seen)).split())


def same_name(one: str, other: str) -> bool:
    """Whether two names are one person's: equal without regard to case, once they are clean."""
    return compared_name(one) == compared_name(other)


def compared_name(name: str) -> str:
    """The form in which names are compared."""
    return unicodedata.normalize("NFKC", clean_name(name).casefold())
