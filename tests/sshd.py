"""A real sshd on loopback, and a launch.toml that names it: the nearest that one machine has to another."""

import getpass
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from backend.settings import ROOT

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


class Box:
    """The machine behind the sshd.

    Attributes:
        folder: the working folder there.
        keys: the folder of its configuration.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.keys = folder / "box", folder / "sshd"
        self.folder.mkdir()
        self.keys.mkdir(mode=0o700)
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        for name in ("host", "me"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.keys / name)], check=True)
        shutil.copy(self.keys / "me.pub", self.keys / "authorized")
        (self.keys / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.keys / 'host'}\n"
            f"AuthorizedKeysFile {self.keys / 'authorized'}\nStrictModes no\nUsePAM no\nPidFile none\n"
            "PasswordAuthentication no\nPermitRootLogin yes\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        """Start the sshd, and wait until it answers."""
        with suppress(PermissionError):
            Path("/run/sshd").mkdir(exist_ok=True)
        log = (self.keys / "log").open("ab")
        self._process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(self.keys / "config")], stderr=log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise AssertionError((self.keys / "log").read_text())

    def down(self) -> None:
        """The network to it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def section(self, **changes: object) -> dict[str, object]:
        """Its section of launch.toml."""
        options = [
            "-p", str(self.port), "-i", str(self.keys / "me"), "-o", "StrictHostKeyChecking=no",
            "-o", f"UserKnownHostsFile={self.keys / 'known'}", "-o", "LogLevel=ERROR",
        ]  # fmt: skip
        return {
            "kind": "ssh",
            "host": f"{getpass.getuser()}@127.0.0.1",
            "options": options,
            "folder": str(self.folder),
            "python": sys.executable,
            "project": str(ROOT),
        } | changes


@contextmanager
def ssh_box(folder: Path) -> Iterator[Box]:
    """A box that is up; skips the test where sshd or rsync is not installed (.ci/run installs both)."""
    if not Path(SSHD).is_file() or shutil.which("rsync") is None:
        pytest.skip("needs sshd and rsync: apt-get install openssh-server rsync")
    box = Box(folder)
    box.up()
    try:
        yield box
    finally:
        box.down()
