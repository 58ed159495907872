"""A worker process for work that must not harm the process that asks for it: requests and answers are lines of JSON.

It is started when it is first needed, kept between requests, and ended when it takes too long or too much memory; the next
request starts a new one. It is started as ``python -m MODULE``, so a script that asks needs no ``if __name__ == "__main__"``.
"""

import json
import os
import select
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import psutil

from backend.settings import ROOT

_POLL_SECONDS = 0.03
_READ_BYTES = 1 << 16
Limit = Literal["seconds", "gigabytes", ""]


class WorkerEnded(Exception):
    """The process ended before it answered.

    Attributes:
        limit: which limit it passed; "" if it ended by itself.
    """

    def __init__(self, what: str, limit: Limit = "") -> None:
        super().__init__(what)
        self.limit = limit


class WorkerProcess:
    """One worker process: ``python -m`` with these arguments, and with these open files kept open.

    Threads take turns. A process that was forked from this one starts a worker of its own.
    """

    def __init__(self, arguments: Sequence[str], files: Sequence[int] = ()) -> None:
        self._arguments, self._files, self._lock = list(arguments), tuple(files), threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[Any, Any] | None = None
        self._owner = os.getpid()

    def ask(self, request: Mapping[str, Any], seconds: float, gigabytes: float) -> Any:
        """Send a request and wait for its answer.

        Args:
            request: anything JSON can hold.
            seconds: for how long to wait; a start of the process is included.
            gigabytes: how much memory the process, with those it started, may hold.

        Raises:
            WorkerEnded: it took too long or too much, or ended by itself. The next request starts a new process.
        """
        if self._owner != os.getpid():
            self._process, self._end, self._lock, self._owner = None, None, threading.Lock(), os.getpid()
        with self._lock:
            try:
                return self._answer(self._started(), request, seconds, gigabytes)
            except BaseException:  # a request without its answer: the next one must not get the old answer
                self.close()
                raise

    def close(self) -> None:
        """End the process."""
        if self._end is not None:
            self._end()
        self._process = self._end = None

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-m", *self._arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
            pass_fds=self._files,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        self._end = weakref.finalize(self, _ended, self._process, os.getpid())
        return self._process

    def _answer(
        self, process: "subprocess.Popen[bytes]", request: Mapping[str, Any], seconds: float, gigabytes: float
    ) -> Any:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101  both are pipes
        ends = time.monotonic() + seconds
        waiting = memoryview(json.dumps(request).encode() + b"\n")
        try:
            while waiting:
                waiting = waiting[process.stdin.write(waiting) or 0 :]
        except OSError:
            raise WorkerEnded("its process had died before") from None
        line = bytearray()
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], _POLL_SECONDS)
            if ready:
                read = os.read(process.stdout.fileno(), _READ_BYTES)
                if not read:
                    code = process.wait()
                    how = f"was ended by signal {-code}" if code < 0 else f"ended its process with exit code {code}"
                    raise WorkerEnded(how)
                line += read
                continue
            held = _memory(process.pid)
            if held > gigabytes:
                raise WorkerEnded(f"used {held:.1f} GB of memory; {gigabytes:g} are allowed", "gigabytes")
            if time.monotonic() > ends:
                raise WorkerEnded(f"was not done after {seconds:g} s", "seconds")
        return json.loads(line)


def _ended(process: "subprocess.Popen[bytes]", owner: int) -> None:
    if os.getpid() != owner:  # a fork's copy: the process belongs to the one that was forked
        return
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def _memory(pid: int) -> float:
    """Resident gigabytes of a process and those it started; 0 once it is gone."""
    try:
        process = psutil.Process(pid)
        return sum(p.memory_info().rss for p in (process, *process.children(recursive=True))) / 1e9
    except psutil.Error:
        return 0.0
