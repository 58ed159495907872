"""The one exception whose message is meant for the user."""


class UserError(Exception):
    """Something the user can mend: the message says what was wrong, where, and what to do next.

    Command lines print it without a traceback and exit with 2; pages show it in place.
    """
