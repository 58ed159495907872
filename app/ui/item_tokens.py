"""Names for items in the page's source that say nothing: completions are numbered in the order in which they were made, and
a number would show which of them belong to one policy."""

import hashlib
import hmac
import secrets

_SECRET = secrets.token_bytes(32)
"""Of this process; after a restart the page draws new names."""


def item_token(rater_id: int, item: int) -> str:
    """The item's name on this rater's page."""
    return hmac.new(_SECRET, f"{rater_id} {item}".encode(), hashlib.sha256).hexdigest()[:16]
