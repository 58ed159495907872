"""A real app server on a port of its own, for the tests that need one."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from backend.settings import ROOT


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process(Protocol):
    """A started program, the first of a process group."""

    pid: int

    def wait(self) -> int:
        """Its exit code, once it has ended."""


class App:
    """The app on a port of its own, to be killed and started again."""

    _process: Process

    def __init__(self, environment: dict[str, str], start: bool = True, folder: Path = ROOT) -> None:
        self.port, self.folder = free_port(), folder
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", **environment}
        self.address = f"http://127.0.0.1:{self.port}"
        if start:
            self.start()

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments_of(self.port)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for_port(self.port)

    @property
    def pid(self) -> int:
        """Of the server."""
        return self._process.pid

    def kill(self) -> None:
        """End it at once, with everything in its process group."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def arguments_of(port: int) -> tuple[str, ...]:
    """The module that serves the app, and its arguments."""
    return "app", "--port", str(port), "--no-teach-nano"


def wait_for_port(port: int, seconds: float = 60) -> None:
    """Until somebody listens there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nobody has opened port {port} within {seconds:.0f} s")


class Proxy:
    """A network between an app and its database that can be cut: connections end, and new ones are refused.

    Attributes:
        port: to connect to in the database's place.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target, self.port = (host, port), free_port()
        self._open: set[socket.socket] = set()
        self.restore()

    def cut(self) -> None:
        """End every connection and refuse new ones."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # closing alone would leave a thread in accept() listening
        self._listener.close()
        for end in list(self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        """Let connections through."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # closed: cut
            while True:
                here, _ = listener.accept()
                there = socket.create_connection(self._target)
                for a, b in ((here, there), (there, here)):
                    threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        self._open.add(source)
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.discard(source)
