"""Who may do what, checked where it is done: in the backend's functions, whatever page or program calls them.

A process asks one function who is acting (``identify_by``). A terminal, a training run and an app without sign-in act as
the operator, who may do everything: whoever can start them has the files anyway.
"""

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar

from backend.errors import UserError

Role = Literal["annotator", "pm", "engineer"]
ROLES: tuple[Role, ...] = ("annotator", "pm", "engineer")
P = ParamSpec("P")
R = TypeVar("R")


class NotAllowed(UserError):
    """Somebody asked for what is not theirs to do."""


@dataclass(frozen=True)
class Person:
    """Somebody who acts.

    Attributes:
        name: as the log of events writes it (an e-mail address, where people sign in).
        roles: what they may do; an engineer may do everything.
    """

    name: str
    roles: frozenset[str] = frozenset()

    def may(self, *roles: Role) -> bool:
        """Whether one of the roles, or engineer, is theirs."""
        return bool(self.roles & {*roles, "engineer"})


OPERATOR = Person("operator", frozenset({"engineer"}))
NOBODY = Person("nobody")
_ask: Callable[[], Person] = lambda: OPERATOR  # noqa: E731
_instead: ContextVar[Person | None] = ContextVar("instead", default=None)


def identify_by(ask: Callable[[], Person]) -> None:
    """Let ``ask`` say who is acting, in this whole process from now on."""
    global _ask  # noqa: PLW0603
    _ask = ask


def who() -> Person:
    """Who is acting now."""
    return _instead.get() or _ask()


@contextmanager
def acting_as(person: Person) -> Iterator[None]:
    """Act as somebody else in this block: the operator's housekeeping on a reader's page, or a person in a test."""
    token = _instead.set(person)
    try:
        yield
    finally:
        _instead.reset(token)


def needs(*roles: Role) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Only for people with one of these roles, and engineers.

    Raises (the function it decorates):
        NotAllowed: before anything is done.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            person = who()
            if not person.may(*roles):
                whose = " or ".join(dict.fromkeys((*roles, "engineer")))
                raise NotAllowed(f"{person.name} may not do this ({function.__name__}): it takes the role {whose}")
            return function(*args, **kwargs)

        GUARDED[f"{function.__module__}.{function.__name__}"] = roles
        return checked

    return decorate


GUARDED: dict[str, tuple[Role, ...]] = {}
"""Every function that asks for a role, and the roles that may: filled as modules are imported."""


def roles_of(claims: dict[str, Any], email: str, claim: str, lists: dict[Role, list[str]]) -> frozenset[str]:
    """A signed-in person's roles: those their token names in ``claim``, and those whose list has their address.

    Args:
        claims: of the identity token.
        email: theirs; "" where it is missing or not verified.
        claim: the claim that holds roles (text or a list); "" for none.
        lists: role -> addresses.
    """
    named = claims.get(claim, []) if claim else []
    named = named if isinstance(named, list) else str(named).replace(",", " ").split()
    found = {role for role in ROLES if role in named}
    return frozenset(found | {role for role, people in lists.items() if email and email.lower() in people})


def is_own_address(address: str) -> bool:
    """Whether only this machine itself reaches a server that listens there."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
