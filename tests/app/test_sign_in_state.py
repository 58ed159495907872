"""Whether people sign in: what is configured wrongly keeps everyone out, and a running server never opens up."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import sign_in
from app.__main__ import check_address
from app.sign_in import sign_in_state
from app.ui.person import current_person
from backend import access
from backend.access import NOBODY, OPERATOR
from backend.errors import UserError
from backend.settings import ROOT, get_settings

WHOLE = """[auth]
redirect_uri = "https://w.example.com/oauth2callback"
cookie_secret = "very-secret-cookie"
client_id = "workbench"
client_secret = "very-secret"
server_metadata_url = "https://login.example.com/.well-known/openid-configuration"
"""
BROKEN = {
    "no TOML": WHOLE.replace("[auth]", "[auth"),
    "a line that is none": WHOLE + "very-secret = \n",
    "empty": "[auth]\n",
    "half": '[auth]\nclient_id = "x"\n',
    "an empty secret": WHOLE.replace("very-secret-cookie", ""),
    "no section": 'auth = "yes"\n',
    "a provider without its address": '[auth]\nredirect_uri = "a"\ncookie_secret = "b"\n[auth.us]\nclient_id = "c"\n',
}


@pytest.fixture
def secrets(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where secrets.toml would be, in a folder of its own."""
    monkeypatch.chdir(workbench)
    monkeypatch.setenv("HOME", str(workbench / "home"))
    monkeypatch.setattr(sign_in, "_closed", False)
    monkeypatch.setattr(access, "_ask", access._ask)  # main.py replaces it for the process
    monkeypatch.setattr("app.ui.person.st.get_option", lambda name: "127.0.0.1")
    folder = workbench / ".streamlit"
    folder.mkdir()
    return folder / "secrets.toml"


def required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_SIGN_IN", "required")
    get_settings.cache_clear()


def test_without_a_provider_it_is_open_unless_a_setting_elsewhere_asks_for_one(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sign_in_state().state == "open"
    secrets.write_text('[other]\nkey = "x"\n')
    assert sign_in_state().state == "open"
    required(monkeypatch)
    assert sign_in_state().state == "broken" and "WORKBENCH_SIGN_IN" in sign_in_state().problem
    assert current_person() == NOBODY
    secrets.write_text(WHOLE)
    assert sign_in_state().state == "asked"


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_configured_wrongly_keeps_everyone_out(secrets: Path, name: str) -> None:
    secrets.write_text(BROKEN[name])
    found = sign_in_state()
    assert found.state == "broken" and "secrets.toml" in found.problem and "very-secret" not in found.problem
    assert current_person() == NOBODY
    with pytest.raises(UserError, match="Correct it"):
        check_address("127.0.0.1")


def test_several_providers_can_be_configured(secrets: Path) -> None:
    head, _, provider = WHOLE.partition('client_id = "workbench"')
    secrets.write_text(f'{head}[auth.ours]\nclient_id = "workbench"{provider}')
    assert sign_in_state().state == "asked"


@pytest.mark.parametrize("after", [None, "[auth\n", "[auth]\n", 'other = "x"\n'])
def test_a_running_server_never_opens_up(secrets: Path, after: str | None) -> None:
    secrets.write_text(WHOLE)
    assert sign_in_state().state == "asked"
    if after is None:
        secrets.unlink()
    else:
        secrets.write_text(after)
    assert sign_in_state().state == "broken" and current_person() == NOBODY
    secrets.write_text(WHOLE)
    assert sign_in_state().state == "asked"


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.7", "workbench.example.com"])  # noqa: S104
def test_a_public_address_needs_sign_in(address: str, secrets: Path) -> None:
    with pytest.raises(UserError, match=r"\[auth\] section"):
        check_address(address)
    secrets.write_text("[auth\n")
    with pytest.raises(UserError, match="not TOML"):
        check_address(address)
    secrets.write_text(WHOLE)
    check_address(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1"])
def test_ones_own_address_needs_none(address: str, secrets: Path) -> None:
    check_address(address)


@pytest.mark.parametrize("address", [None, "0.0.0.0", "192.168.1.7"])  # noqa: S104
def test_the_pages_themselves_refuse_an_open_address(
    address: str | None, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``streamlit run app/main.py --server.address …`` starts them."""
    monkeypatch.setattr("app.ui.person.st.get_option", lambda name: address)
    assert current_person() == NOBODY
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60).run()
    assert not page.exception and "Nobody can use" in page.error[0].value
    assert "open to others" in page.code[0].value


def test_ones_own_address_is_served(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ui.person.st.get_option", lambda name: "127.0.0.1")
    assert current_person() == OPERATOR
