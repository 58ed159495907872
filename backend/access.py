"""Who may do what. The backend's functions check this themselves, whichever page or program calls them.

Each process has one function that says who is acting (set with ``identify_by``). A terminal, a training run and an app
without sign-in act as the operator, who may do everything: a person who can start them has access to the files anyway.
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
    """The person who is acting has no role that allows this."""


@dataclass(frozen=True)
class Person:
    """A person who uses the workbench.

    Attributes:
        name: as written in the event log (an e-mail address, where people sign in).
        roles: what the person may do; an engineer may do everything.
    """

    name: str
    roles: frozenset[str] = frozenset()

    def may(self, *roles: Role) -> bool:
        """Whether the person has one of the roles, or is an engineer."""
        return bool(self.roles & {*roles, "engineer"})


OPERATOR = Person("operator", frozenset({"engineer"}))
NOBODY = Person("nobody")
_ask: Callable[[], Person] = lambda: OPERATOR  # noqa: E731
_instead: ContextVar[Person | None] = ContextVar("instead", default=None)


def identify_by(ask: Callable[[], Person]) -> None:
    """Set the function that returns who is acting, for the whole process from now on."""
    global _ask  # noqa: PLW0603
    _ask = ask


def who() -> Person:
    """Who is acting now."""
    return _instead.get() or _ask()


@contextmanager
def acting_as(person: Person) -> Iterator[None]:
    """Act as another person in this block: as the operator for upkeep on a reader's page, or as anyone in a test."""
    token = _instead.set(person)
    try:
        yield
    finally:
        _instead.reset(token)


def needs(*roles: Role) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: only people with one of these roles, and engineers, may call the function.

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
"""Every function that needs a role -> the roles that may call it; filled as modules are imported."""


def roles_of(claims: dict[str, Any], email: str, claim: str, lists: dict[Role, list[str]]) -> frozenset[str]:
    """A signed-in person's roles: those in the token's ``claim``, and those whose list contains the person's address.

    Args:
        claims: of the identity token.
        email: the person's; "" where it is missing or not verified.
        claim: the claim that holds roles (text or a list); "" for none.
        lists: role -> addresses.
    """
    named = claims.get(claim, []) if claim else []
    named = named if isinstance(named, list) else str(named).replace(",", " ").split()
    found = {role for role in ROLES if role in named}
    return frozenset(found | {role for role, people in lists.items() if email and email.lower() in people})


def is_own_address(address: str) -> bool:
    """Whether a server that listens on this address can be reached only from this machine."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
