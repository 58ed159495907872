"""Whether people have to sign in here: read from secrets.toml and from WORKBENCH_SIGN_IN, and never relaxed while running.

A file that is there and cannot be read, or that configures only half of a provider, keeps everyone out until it is
corrected. So does a missing one where WORKBENCH_SIGN_IN=required, or where people had to sign in before.
"""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from backend.access import is_own_address
from backend.settings import get_settings

_NEEDED = ("redirect_uri", "cookie_secret")
_PROVIDER = ("client_id", "client_secret", "server_metadata_url")


@dataclass(frozen=True)
class SignIn:
    """Attributes:
    state: ``open`` (nobody signs in, everyone is the operator), ``asked`` (people sign in), ``broken`` (nobody gets in).
    problem: what has to be corrected, without any of the file's values; "" unless broken.
    """

    state: Literal["open", "asked", "broken"]
    problem: str = ""


_closed = False
"""Whether people had to sign in at any time since this process began."""


def sign_in_state() -> SignIn:
    """How people get in now."""
    global _closed  # noqa: PLW0603
    found = _configured()
    if found.state == "open" and (_closed or get_settings().sign_in == "required"):
        required = get_settings().sign_in == "required"
        why = "WORKBENCH_SIGN_IN=required" if required else "people had to sign in here before"
        found = SignIn("broken", f"{why}, and no .streamlit/secrets.toml has an [auth] section")
    _closed = _closed or found.state != "open"
    return found


def refused_address(address: str | None, found: SignIn) -> str:
    """Why a server may not listen on this address, as people get in now; "" where it may. None is every address."""
    if found.state != "open" or (address and is_own_address(address)):
        return ""
    return (
        f"{address or 'every address of this machine'} is open to others, and nobody would have to sign in. Put an [auth] "
        "section with redirect_uri, cookie_secret, client_id, client_secret and server_metadata_url into "
        ".streamlit/secrets.toml, and the people into WORKBENCH_ENGINEERS, WORKBENCH_PMS and WORKBENCH_ANNOTATORS; see "
        "docs/deployment.md"
    )


def _configured() -> SignIn:
    """What the files say: Streamlit reads the one in the user's home, and then the one in this folder over it."""
    found: dict[str, Any] = {}
    for folder in (Path.home(), Path.cwd()):
        path = folder / ".streamlit" / "secrets.toml"
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        except OSError as error:
            return SignIn("broken", f"{path} cannot be read ({error.strerror})")
        read = _read(path, state.st_mtime_ns, state.st_size)
        if isinstance(read, str):
            return SignIn("broken", read)
        found |= read
    if "auth" not in found:
        return SignIn("open")
    problem = _incomplete(found["auth"])
    return SignIn("broken", problem) if problem else SignIn("asked")


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, size: int) -> dict[str, Any] | str:
    """The file's content, or why it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})"
    except ValueError as error:  # of TOML, or of UTF-8; only where, because the message may quote the line
        where = str(error)[str(error).rfind("(at ") :] if "(at " in str(error) else ""
        return f"{path} is not TOML {where}".strip()


def _incomplete(auth: Any) -> str:
    """What an [auth] section lacks; "" if nothing."""
    if not isinstance(auth, dict):
        return "[auth] in secrets.toml is not a section"
    providers = [v for v in auth.values() if isinstance(v, dict) and set(_PROVIDER) & set(v)] or [auth]
    missing = [name for name in _NEEDED if not auth.get(name)]
    missing += [name for name in _PROVIDER if not all(provider.get(name) for provider in providers)]
    return f"[auth] in secrets.toml lacks {', '.join(missing)}" if missing else ""
