"""A real app server on a port of its own, for the tests that need one."""

import os
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
