"""Training processes and apps that start at once: forked from a server that has imported what they need already.

Each is a real process of its own, with its own environment, signals, session and exit code, and runs ``run_training.py`` or
``python -m app`` with the arguments it is given: what is spared is the six seconds of importing. The server belongs to one
test worker and ends with it. That both start cold as well is for the tests of the whole loop (``e2e/test_loop.py``).
"""

import itertools
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import IO, Any

import pytest

from backend.runs import dispatcher, jobs, processes, queue, watch
from backend.runs.handle import LOCAL
from backend.runs.lock import is_dispatching
from backend.settings import ROOT, get_settings
from backend.store.engine import forget_engines
from benchmarks.servers import App, arguments_of, wait_for_port

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.warm_imports", "tests.warm"])
STOPS_IN_CHECKPOINT = "WARM_STOPS_IN_CHECKPOINT"
"""The number of the checkpoint in whose writing the process stops itself (SIGSTOP), to be killed there."""
WAITS_IN = "WARM_WAITS_IN"
"""Where the process waits for a signal, with a file ``waits`` in the run's folder: Evaluator.base, Evaluator.tuned, preflight."""
_SECONDS = 300


class Warm:
    """A started process.

    Attributes:
        pid: also of its process group.
    """

    def __init__(
        self,
        main: Callable[..., None],
        *arguments: str,
        environment: Mapping[str, str],
        folder: Path,
        out: Path,
        errors: Path,
    ) -> None:
        for path in (out, errors):
            path.touch()  # there as soon as it has been started
        self._process = _context.Process(
            target=_main, args=(main, arguments, dict(environment), folder, out, errors), daemon=True
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(ROOT))  # for the server, when this is what starts it
            # A page test leaves the app's script as the main module, which a new process would run first, in this test's store.
            patch.setitem(sys.modules, "__main__", ModuleType("__main__"))
            self._process.start()
        self.pid: int = self._process.pid or 0

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float = _SECONDS) -> int:
        """Wait for its end; returns its exit code."""
        self._process.join(timeout)
        code = self._process.exitcode
        assert code is not None, f"process {self.pid} has not ended in {timeout} s"
        return code

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and all it started at once (SIGKILL)."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


def start(*arguments: str, out: Path | None = None, **environment: str) -> Warm:
    """Start ``run_training.py`` with these arguments; its output goes to ``out``."""
    path = out or Path(os.devnull)
    return Warm(_train, *arguments, environment={**os.environ, **environment}, folder=ROOT, out=path, errors=path)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``run_training.py`` with these arguments to its end."""
    with TemporaryDirectory() as folder:
        out, errors = Path(folder) / "out", Path(folder) / "errors"
        code = Warm(_train, *arguments, environment=os.environ, folder=ROOT, out=out, errors=errors).wait()
        return subprocess.CompletedProcess(arguments, code, out.read_text("utf-8"), errors.read_text("utf-8"))


@contextmanager
def launching() -> Iterator[None]:
    """Within it, what is launched starts warm: a page's jobs, and runs, whose dispatcher is a thread of this process."""
    started, serving = list[Warm](), list[threading.Thread]()

    def start_detached(arguments: Sequence[str], out: IO[bytes], errors: IO[bytes] | None = None) -> Warm:
        to, errors_to = Path(out.name), Path((errors or out).name)
        environment = processes.child_environment()
        process = Warm(
            _run_module, *arguments[1:], environment=environment, folder=Path.cwd(), out=to, errors=errors_to
        )
        started.append(process)
        return process

    def ensure_dispatcher(launcher: str = LOCAL) -> None:
        if not is_dispatching(launcher):
            serving.append(threading.Thread(target=dispatcher.serve, args=(launcher,)))
            serving[-1].start()

    with pytest.MonkeyPatch.context() as patch:
        for starts in (processes, jobs):
            patch.setattr(starts, "start_detached", start_detached)
        for launches in (queue, watch):
            patch.setattr(launches, "ensure_dispatcher", ensure_dispatcher)
        yield
        for process in started:
            process.kill()
        for thread in serving:
            thread.join()


class WarmApp(App):
    """The app on a port of its own, started warm."""

    def start(self) -> None:
        nowhere = Path(os.devnull)
        self._process = Warm(
            _serve,
            *arguments_of(self.port),
            environment=self.environment,
            folder=self.folder,
            out=nowhere,
            errors=nowhere,
        )
        wait_for_port(self.port)


def _main(
    main: Callable[..., None],
    arguments: tuple[str, ...],
    environment: dict[str, str],
    folder: Path,
    out: Path,
    errors: Path,
) -> None:
    os.setsid()
    for number, path in ((1, out), (2, errors)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
    os.chdir(folder)
    _begin_with(environment)
    main(*arguments)


def _begin_with(environment: Mapping[str, str]) -> None:
    """Nothing is known any more of the environment before."""
    os.environ.clear()
    os.environ.update(environment)
    get_settings.cache_clear()
    forget_engines()


def _train(*arguments: str) -> None:
    if number_of := int(os.environ.get(STOPS_IN_CHECKPOINT, "0")):
        _stop_in_checkpoint(number_of)
    if where := os.environ.get(WAITS_IN):
        _wait_in(where)
    sys.argv = ["run_training.py", *arguments]
    runpy.run_path(str(ROOT / "run_training.py"), run_name="__main__")


def _run_module(*arguments: str) -> None:
    sys.argv = list(arguments)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _serve(*arguments: str) -> None:
    def go_on_as(_executable: str, command: list[str], environment: Mapping[str, str]) -> None:
        """In place of a new program: the module that ``python -m`` would run, here."""
        _begin_with(environment)
        _run_module(*command[2:])

    replaced: Any = os
    replaced.execve = go_on_as
    _run_module(*arguments)


def _stop_in_checkpoint(number: int) -> None:
    """Stop while the checkpoint of that number is being written: its weights are there, its state is not."""
    from transformers import TrainerState

    write, written = TrainerState.save_to_json, itertools.count(1)

    def save_to_json(self: TrainerState, path: str) -> None:
        if next(written) == number:
            os.kill(os.getpid(), signal.SIGSTOP)
        write(self, path)

    TrainerState.save_to_json = save_to_json


def _wait_in(where: str) -> None:
    """Wait in place of the base's or the tuned model's evaluation, or of preflight."""
    from backend.training import evaluator, run

    def waits(folder: Path) -> None:
        (folder / "waits").touch()
        time.sleep(_SECONDS)

    if where == "preflight":
        run.check_preflight = lambda folder, *_: waits(folder)
    else:
        setattr(evaluator.Evaluator, where.rpartition(".")[2], lambda self, *_: waits(self._folder))
