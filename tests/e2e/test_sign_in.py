"""Sign-in against a real OpenID provider on loopback: roles by claim and by list, sign-out, forged and old cookies."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.servers import App, free_port
from benchmarks.workbenches import ENVIRONMENT
from tests.warm import WarmApp

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e-sign_in")]
HERE = Path(__file__).parents[1] / "oidc"


@pytest.fixture(scope="module")
def provider_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The provider with its packages."""
    if shutil.which("npm") is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs npm: .ci/run installs it")
        pytest.skip("no npm on this machine (Debian: apt-get install nodejs npm)")
    folder = tmp_path_factory.mktemp("oidc")
    for name in ("package.json", "provider.mjs"):
        shutil.copy(HERE / name, folder)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def app(provider_folder: Path, workbench: Path) -> Iterator[App]:
    """The app with sign-in: pm by the token's claim, engineer and annotator by lists; three-minute sessions."""
    port, secrets = free_port(), workbench / ".streamlit"
    served = WarmApp(
        {
            **ENVIRONMENT,
            "HOME": str(workbench),
            "WORKBENCH_ROLES_CLAIM": "roles",
            "WORKBENCH_ENGINEERS": "Eva@example.com",
            "WORKBENCH_ANNOTATORS": "ana@example.com, unverified@example.com",
            "WORKBENCH_SIGN_IN_HOURS": "0.05",
        },
        start=False,
    )
    secrets.mkdir()
    (secrets / "secrets.toml").write_text(
        f"""[auth]
redirect_uri = "{served.address}/oauth2callback"
cookie_secret = "only-a-test-and-long-enough-for-one"
client_id = "workbench"
client_secret = "a-secret-of-the-test"
server_metadata_url = "http://127.0.0.1:{port}/.well-known/openid-configuration"
client_kwargs = {{ prompt = "login" }}
""",
        encoding="utf-8",
    )
    command = ["node", "provider.mjs", str(port), str(served.port)]
    provider = subprocess.Popen(command, cwd=provider_folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert provider.stdout is not None and provider.stdout.readline().strip() == b"ready"
    served.start()
    yield served
    served.kill()
    provider.kill()
    provider.wait()


def sign_in(page: Page, address: str, login: str) -> None:
    page.context.clear_cookies()
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_placeholder("Enter any login").fill(login)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text(login).first).to_be_visible()


def pages(page: Page) -> set[str]:
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links.first).to_be_visible()
    return {text.strip().splitlines()[-1] for text in links.all_inner_texts()}


def test_people_see_what_is_theirs_and_nothing_else(app: App, page: Page) -> None:
    page.goto(f"{app.address}/train")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.get_by_text("Launch")).to_have_count(0)

    sign_in(page, app.address, "ana@example.com")
    assert pages(page) == {"Start", "Annotate", "Compare"}
    page.goto(f"{app.address}/annotate")
    expect(page.get_by_role("textbox", name="Your name")).to_have_count(0)  # who rates is who has signed in
    page.goto(f"{app.address}/train")
    expect(page.get_by_text("Page not found")).to_be_visible()
    expect(page.get_by_role("button", name="Launch")).to_have_count(0)

    sign_in(page, app.address, "pm-bia@example.com")
    assert pages(page) == {"Start", "Results", "Runs", "Monitor"}

    sign_in(page, app.address, "eva@example.com")
    assert pages(page) == {
        "Start",
        "Annotate",
        "Compare",
        "Results",
        "Runs",
        "Monitor",
        "Your own",
        "Reward audit",
        "Train",
        "Data",
        "Log",
    }
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Yes, sign me out").click()  # the provider asks
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()

    for login in ("stranger@example.com", "unverified@example.com"):  # the second is on a list, the address not proved
        sign_in(page, app.address, login)
        expect(page.get_by_text("has no role here yet")).to_be_visible()


def test_a_forged_and_an_old_sign_in_are_refused(app: App, page: Page) -> None:
    sign_in(page, app.address, "eva@example.com")
    mine = page.context.cookies(app.address)
    session = [c for c in mine if c["name"].startswith("_streamlit_user")]
    assert session and all(c["httpOnly"] for c in session)

    forged = [{**c, "value": c["value"][:-6] + "AAAAAA"} for c in session]
    page.context.clear_cookies()
    page.context.add_cookies(forged)  # type: ignore[arg-type]
    page.goto(f"{app.address}/train")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()

    page.context.clear_cookies()
    page.context.add_cookies(session)  # type: ignore[arg-type]
    page.goto(f"{app.address}/data")
    expect(page.get_by_role("heading", name="Data")).to_be_visible()
    time.sleep(1)
    app.kill()
    app.environment["WORKBENCH_SIGN_IN_HOURS"] = "0.0001"
    app.start()
    page.goto(f"{app.address}/data")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()

    app.kill()
    app.environment |= {"WORKBENCH_SIGN_IN_HOURS": "1", "WORKBENCH_ENGINEERS": "somebody.else@example.com"}
    app.start()  # Eva has left
    page.goto(f"{app.address}/data")
    expect(page.get_by_text("has no role here yet")).to_be_visible()


def test_a_configuration_that_breaks_while_it_runs_keeps_everyone_out(app: App, page: Page, workbench: Path) -> None:
    sign_in(page, app.address, "eva@example.com")
    assert "Train" in pages(page)
    secrets = workbench / ".streamlit" / "secrets.toml"
    whole = secrets.read_text(encoding="utf-8")
    for broken in (whole.replace("[auth]", "[auth"), "", None):
        secrets.unlink() if broken is None else secrets.write_text(broken, encoding="utf-8")
        page.goto(f"{app.address}/train")
        expect(page.get_by_text("Nobody can use the workbench")).to_be_visible()
        expect(page.get_by_text("Launch")).to_have_count(0)
        assert "a-secret-of-the-test" not in page.content()
    secrets.write_text(whole, encoding="utf-8")
    page.goto(app.address)  # Streamlit read it once, so it is served again after a restart
    expect(page.get_by_text("restart the service").or_(page.get_by_test_id("stSidebarNavLink").first)).to_be_visible()
    app.kill()
    app.start()
    page.goto(app.address)
    expect(page.get_by_test_id("stSidebarNavLink").first).to_be_visible()
