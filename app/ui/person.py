"""The person who uses the page: the operator on a machine without sign-in, or the signed-in person (OpenID Connect,
st.login)."""

import time

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.sign_in import SignIn, refused_address, sign_in_state
from app.ui.language import t
from backend.access import NOBODY, OPERATOR, Person, roles_of
from backend.settings import get_settings


def signs_in() -> bool:
    """Whether people sign in here, or would if the configuration were right."""
    return sign_in_state().state != "open"


def current_person() -> Person:
    """The person of this session. If people sign in here: nobody outside a session, or before sign-in."""
    found = sign_in_state()
    if found.state == "open":
        return OPERATOR if not not_served(found) else NOBODY
    if found.state == "broken" or get_script_run_ctx(suppress_warning=True) is None:
        return NOBODY
    if getattr(st.user, "is_logged_in", None) is not True or _expired():
        return NOBODY
    claims = st.user.to_dict()
    email = str(claims.get("email") or "") if claims.get("email_verified") is not False else ""
    settings = get_settings()
    return Person(
        email or str(claims.get("sub", "")), roles_of(claims, email, settings.roles_claim, settings.role_lists)
    )


def _expired() -> bool:
    issued = st.user.to_dict().get("iat")
    return isinstance(issued, int | float) and time.time() - issued > get_settings().sign_in_hours * 3600


def not_served(found: SignIn | None = None) -> str:
    """Why nobody is served here; "" where people are: the sign-in is configured wrongly, or missing on an open address.

    Args:
        found: how people get in now, where the caller has asked already.
    """
    found = found or sign_in_state()
    if problem := found.problem or refused_address(st.get_option("server.address"), found):
        return problem
    if (
        found.state != "open" and getattr(st.user, "is_logged_in", None) is None
    ):  # as Streamlit read it while it was wrong
        return "the configuration of the sign-in was changed while the server ran; restart the service"
    return ""


def say_not_served() -> None:
    """The page in place of every other while the installation has to be corrected."""
    st.title("Reward Workbench", anchor=False)
    st.error(
        t(
            "Nobody can use the workbench until whoever runs this installation has corrected how people sign in:",
            "Ninguém pode usar o workbench até que quem administra esta instalação corrija a entrada das pessoas:",
        ),
        icon=":material/lock:",
    )
    st.code(not_served(), language=None, wrap_lines=True)


def ask_to_sign_in() -> None:
    """The page of a person who has not signed in, or whose sign-in has expired."""
    st.title("Reward Workbench", anchor=False)
    st.write(t("Sign in with your company account.", "Entre com a conta da empresa."))
    st.button(t("Sign in", "Entrar"), type="primary", icon=":material/login:", on_click=st.login)


def show_person(person: Person) -> None:
    """In the sidebar: who is signed in, and the sign-out button."""
    with st.sidebar:
        st.caption(person.name)
        st.button(t("Sign out", "Sair"), icon=":material/logout:", type="tertiary", on_click=st.logout)


def say_no_role(person: Person) -> None:
    """The page of a person who is signed in and has no role."""
    st.title("Reward Workbench", anchor=False)
    st.info(
        t(
            f"{person.name} has no role here yet. Ask whoever runs this installation to add you.",
            f"{person.name} ainda não tem papel aqui. Peça a quem administra esta instalação.",
        ),
        icon=":material/lock:",
    )
