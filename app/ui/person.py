"""The person who uses the page: the operator on a machine without sign-in, or the signed-in person (OpenID Connect,
st.login)."""

import time

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.ui.language import t
from backend.access import NOBODY, OPERATOR, Person, roles_of
from backend.settings import get_settings


def signs_in() -> bool:
    """Whether people sign in here: a provider is configured under [auth] in secrets.toml."""
    try:
        return "auth" in st.secrets
    except (StreamlitSecretNotFoundError, FileNotFoundError):
        return False


def current_person() -> Person:
    """The person of this session. If people sign in here: nobody outside a session, or before sign-in."""
    if not signs_in():
        return OPERATOR
    if get_script_run_ctx(suppress_warning=True) is None or not st.user.is_logged_in or _expired():
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
