"""Queries that a model wrote are run in a process of their own: ``python -m backend.commerce.sql_worker``.

No time limit inside one process ends a query that is busy in a single call of SQLite or of the parser. So the worker loads
what it needs and forks; the child answers queries, and the system ends it when a query passes a limit: by its alarm clock
(time), by its CPU clock, or by refusing memory. The worker then says so and forks the next child, which takes milliseconds.
"""

import json
import os
import resource
import signal
import sqlite3
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from backend.errors import UserError
from backend.worker_process import WorkerEnded, WorkerProcess

MEMORY_BYTES = 190_000_000
"""Address space of the process that runs a query, Python and the parser included."""
_CPU_MORE, _WALL_MORE = 0.2, 0.5
"""Seconds beyond a query's own limit after which the system ends its process: parsing takes some, a busy machine more."""
_ANSWER_SECONDS, _GIGABYTES = 60, 1.0
"""Of the worker as a whole, its start included; the limits above come first."""


@lru_cache
def _worker() -> WorkerProcess:
    return WorkerProcess(["backend.commerce.sql_worker"])


class NotRun(Exception):
    """The query gave no result; the message says why."""


def run(query: str, shop: Path, seconds: float, named: bool = True) -> list[tuple[Any, ...]]:
    """The rows of one SELECT, as ``sql_execution.run_here`` gives them, run in the worker.

    Raises:
        NotRun: it was refused, failed or passed a limit.
        UserError: the file holds no shop.
    """
    request = {"query": query, "shop": str(shop), "seconds": seconds, "named": named}
    try:
        answer = _worker().ask(request, _ANSWER_SECONDS, _GIGABYTES)
    except WorkerEnded as error:
        raise NotRun(str(error)) from error
    if "error" in answer:
        raise UserError(answer["error"])
    if "refused" in answer:
        raise NotRun(answer["refused"])
    return [tuple(bytes.fromhex(v["hex"]) if isinstance(v, dict) else v for v in row) for row in answer["rows"]]


def main() -> None:
    """Fork children that answer; return when there are no more requests."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the one who asks; it ends this process
    with sqlite3.connect(":memory:") as first:
        first.execute("SELECT 1")  # what SQLite and the parser load at their first use is loaded once, here
    _answer({"query": "SELECT 1", "shop": os.devnull, "seconds": 1.0, "named": True})
    while True:
        child = os.fork()
        if child == 0:
            _serve()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            return
        timed_out = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGPROF)
        _say({"refused": "it takes too long" if timed_out else "it ended the process that ran it"})


def _serve() -> None:
    with suppress(ValueError):  # systems that cannot limit it (macOS) have SQLite's own limit alone
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no file
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, request["seconds"] + _WALL_MORE)
        signal.setitimer(signal.ITIMER_PROF, request["seconds"] + _CPU_MORE)
        answer = _answer(request)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _say(answer)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from backend.commerce.sql_execution import Refused, run_here

    try:
        return {"rows": run_here(request["query"], Path(request["shop"]), request["seconds"], request["named"])}
    except Refused as error:
        return {"refused": str(error) or "it takes too much memory"}  # what SQLite says of that is nothing
    except MemoryError:
        return {"refused": "it takes too much memory"}
    except UserError as error:
        return {"error": str(error)}


def _say(answer: dict[str, Any]) -> None:
    left = memoryview(json.dumps(answer, default=lambda blob: {"hex": blob.hex()}).encode() + b"\n")
    while left:
        left = left[os.write(1, left) :]


if __name__ == "__main__":
    main()
