"""A real app server on a port of its own, for the tests that need one."""

import os
import signal
import socket
import subprocess
import sys
import time

from backend.settings import ROOT


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class App:
    """The app on a port of its own, to be killed and started again."""

    def __init__(self, environment: dict[str, str], start: bool = True) -> None:
        self.port, self.environment = free_port(), environment
        self.address = f"http://127.0.0.1:{self.port}"
        if start:
            self.start()

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = start_app(self.port, self.environment)

    def kill(self) -> None:
        """End it at once, with everything in its process group."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def start_app(port: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start the app and wait until it listens."""
    server = subprocess.Popen(
        [sys.executable, "-m", "app", "--port", str(port), "--no-teach-nano"],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.1)
    raise AssertionError("the app did not open its port within a minute")
