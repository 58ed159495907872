"""Runs as Ray jobs: a small stand-in for its dashboard for what goes wrong, and a real local head where Ray is installed."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from backend.errors import UserError
from backend.runs.create import create_several
from backend.runs.dispatcher import Dispatcher
from backend.runs.launchers import LauncherAway, find_launcher
from backend.runs.launchers.config import Ray, read_places
from backend.runs.launchers.ray import EXIT_CODE, RayLauncher
from backend.runs.processes import request_stop
from backend.runs.queue import ATTEMPT, enqueue
from backend.settings import ROOT, get_settings
from backend.store.engine import reading
from backend.store.tables import Run
from backend.training.config import TrainConfig
from tests.backend.test_hosts import add_run
from tests.live_runs import get_run, wait_until

STANDS_FOR_A_RUN = """#!/bin/sh
# in place of python: -u -m run_training --folder FOLDER
cd "$5"
echo "begun $COLOUR, held by $WORKBENCH_TRAINING_LOCK_HELD"
trap 'exit 7' TERM
i=0
while [ ! -f end ] && [ ! -f stop ]; do i=$((i + 1)); echo $i > heartbeat; sleep 0.05; done
[ ! -f stop ] || echo stopped
exit $(cat end 2>/dev/null || echo 0)
"""


class Dashboard:
    """Stands for Ray's dashboard: jobs are processes here. It can be down, fail, or lose an answer."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.asked: list[dict[str, Any]] = []
        self.failing = self.loses_answers = self.waits = False
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.up()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        this = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(*this.get(self.path.rsplit("/", 1)[-1]))

            def do_POST(self) -> None:
                given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = (500, "") if this.failing else this.post(self.path, json.loads(given or b"null"))
                if this.loses_answers:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                else:
                    self._answer(*answer)

            def _answer(self, code: int, what: object) -> None:
                body = json.dumps(what).encode() if not isinstance(what, str) else what.encode()
                self.send_response(500 if this.failing else code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def down(self) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def get(self, job_id: str) -> tuple[int, object]:
        if job_id not in self.jobs:
            return 404, f"Job {job_id} does not exist"
        job = self.jobs[job_id]
        process = self.processes.get(job_id)
        if job["status"] == "RUNNING" and process is not None and (code := process.poll()) is not None:
            job["status"] = "SUCCEEDED" if code == 0 else "FAILED"
            job["message"] = f"Job entrypoint command failed with exit code {code}, last available logs:\nmore"
        return 200, job

    def post(self, path: str, given: dict[str, Any]) -> tuple[int, object]:
        if path.endswith("/stop"):
            job_id = path.split("/")[-2]
            if job_id in self.processes:  # one that waits for its share goes on to wait, as on real Ray
                os.killpg(self.processes[job_id].pid, signal.SIGKILL)
                self.jobs[job_id]["status"] = "STOPPED"
            return 200, {"stopped": True}
        self.asked.append(given)
        job_id = given["submission_id"]
        if job_id in self.jobs:
            return 400, f"ValueError: Job with submission_id {job_id} already exists."
        self.jobs[job_id] = {"status": "PENDING" if self.waits else "RUNNING", "message": ""}
        if not self.waits:
            self.processes[job_id] = subprocess.Popen(
                ["/bin/sh", "-c", given["entrypoint"]],
                env={**os.environ, **given["runtime_env"]["env_vars"]},
                start_new_session=True,
            )
        return 200, {"submission_id": job_id, "job_id": job_id}


@pytest.fixture
def dashboard() -> Iterator[Dashboard]:
    found = Dashboard()
    yield found
    with suppress(OSError):
        found.down()
    for process in found.processes.values():
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def stand_in(workbench: Path) -> Path:
    program = workbench / "python"
    program.write_text(STANDS_FOR_A_RUN)
    program.chmod(0o755)
    return program


@pytest.fixture
def launcher(workbench: Path, dashboard: Dashboard) -> RayLauncher:
    return launcher_of(workbench, dashboard.address)


def launcher_of(workbench: Path, address: str) -> RayLauncher:
    section = {"kind": "ray", "address": address, "gpus": 0, "cpus": 0.5, "python": str(stand_in(workbench))}
    return RayLauncher("ray", Ray.model_validate({**section, "environment": (("COLOUR", "it's blue"),)}))


@pytest.fixture
def folder(workbench: Path) -> Path:
    folder = workbench / "runs" / "r 1"  # a name that a shell would split
    folder.mkdir(parents=True)
    (folder / ATTEMPT).write_text("one")
    return folder


def until(launcher: RayLauncher, job: dict[str, Any], name: str, seconds: float = 30) -> None:
    wait_until(f"it is {name}", lambda: launcher.state(job).name == name, seconds)


def test_a_job_is_submitted_once_and_ends_with_its_code(launcher: RayLauncher, folder: Path) -> None:
    job = launcher.submit(folder)
    assert launcher.submit(folder) == job and launcher.state(job).name == "running"
    wait_until("it has begun", (folder / "heartbeat").exists)
    assert (folder / "log.txt").read_text() == "begun it's blue, held by the scheduler\n"
    (folder / "end").write_text("3")
    until(launcher, job, "ended")
    assert launcher.state(job).code == 3 and launcher.state(job).words == ""
    assert launcher.submit(folder) == job  # the same attempt, ended
    (folder / ATTEMPT).write_text("two")
    (folder / "end").unlink()
    again = launcher.submit(folder)
    assert again != job and launcher.state(again).name == "running"
    launcher.stop(again, force=False)
    until(launcher, again, "ended")
    assert launcher.state(again).code == 0 and "stopped" in (folder / "log.txt").read_text()
    launcher.stop(again, force=True)  # nothing happens to one that has ended


def test_force_and_a_job_that_waits_are_rays_to_end(launcher: RayLauncher, folder: Path, dashboard: Dashboard) -> None:
    job = launcher.submit(folder)
    launcher.stop(job, force=True)
    state = launcher.state(job)
    assert (state.name, state.code) == ("ended", None) and "was stopped" in state.words
    (folder / ATTEMPT).write_text("two")
    dashboard.waits = True
    waits = launcher.submit(folder)
    assert launcher.state(waits).name == "queued"
    launcher.stop(waits, force=False)
    assert launcher.state(waits).name == "ended"


def test_a_job_that_is_killed_ends_with_its_signal_or_rays_words(
    launcher: RayLauncher, folder: Path, dashboard: Dashboard
) -> None:
    job = launcher.submit(folder)
    wait_until("it has begun", (folder / "heartbeat").exists)
    (run,) = psutil.Process(dashboard.processes[job["id"]].pid).children()
    run.kill()
    until(launcher, job, "ended")
    assert launcher.state(job).code == -signal.SIGKILL
    (folder / EXIT_CODE).unlink()
    dashboard.jobs[job["id"]] |= {"status": "FAILED", "message": "The node died.\nand a long log"}
    assert launcher.state(job).code is None and launcher.state(job).words == "Ray ended its job: The node died."


@pytest.mark.parametrize("how", ["down", "failing"])
def test_while_ray_is_not_reached_nothing_is_known_and_nothing_done(
    launcher: RayLauncher, folder: Path, dashboard: Dashboard, how: str
) -> None:
    def gone(yes: bool) -> None:
        if how == "down":
            (dashboard.down if yes else dashboard.up)()
        dashboard.failing = yes

    gone(True)
    with pytest.raises(LauncherAway):
        launcher.submit(folder)
    gone(False)
    job = launcher.submit(folder)
    gone(True)
    assert launcher.state(job).name == "unknown"
    for action in (lambda: launcher.stop(job, force=True), lambda: launcher.submit(folder)):
        with pytest.raises(LauncherAway):
            action()
    launcher.pull(job, folder)  # the folder is here
    launcher.stop(job, force=False)  # the run itself sees that
    gone(False)
    until(launcher, job, "ended")
    assert launcher.state(job).code == 0 and len(dashboard.processes) == 1


def test_an_answer_that_is_lost_starts_no_second_job(launcher: RayLauncher, folder: Path, dashboard: Dashboard) -> None:
    dashboard.loses_answers = True
    with pytest.raises(LauncherAway):
        launcher.submit(folder)
    dashboard.loses_answers = False
    job = launcher.submit(folder)
    assert launcher.state(job).name == "running" and len(dashboard.asked) == 1


def test_a_job_that_ray_knows_nothing_of_is_unknown_unless_its_folder_tells(
    launcher: RayLauncher, folder: Path, dashboard: Dashboard
) -> None:
    job = launcher.submit(folder)
    dashboard.jobs.clear()  # the head was started anew
    assert launcher.state(job).name == "unknown"
    launcher.stop(job, force=False)
    wait_until("its process has ended", (folder / EXIT_CODE).exists)
    wait_until("it is whole", lambda: launcher.state(job).name == "ended")
    dashboard.jobs["other"] = {"status": "A_WORD_OF_NEXT_YEAR"}
    assert launcher.state({"id": "other", "folder": str(folder / "none")}).name == "unknown"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('address = "head:8265"', "is not the address of a Ray dashboard"),
        ('address = "http://head:8265/#/jobs"', "is not the address of a Ray dashboard"),
        ('address = "http://head:8265"\nsecrets = ["HF_TOKEN"]', "Ray keeps a job's environment and shows it"),
        ('address = "http://head:8265"\nenvironment = { HF_TOKEN = "abc" }', "looks like a secret"),
        ('address = "http://head:8265"\ngpus = -1', "gpus"),
    ],
)
def test_a_wrong_section_is_refused(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "launch.toml").write_text(f'[ray]\nkind = "ray"\n{line}\n')
    with pytest.raises(UserError, match=message):
        read_places(tmp_path / "launch.toml")


def test_what_would_be_run_can_be_seen_before(launcher: RayLauncher, folder: Path, dashboard: Dashboard) -> None:
    said = launcher.script(folder)
    assert said.startswith(f"ray job submit --no-wait --address {dashboard.address} --entrypoint-num-cpus=0.5")
    assert "--submission-id r-1-one" in said and "run_training --folder" in said and not dashboard.asked


def test_the_token_of_a_cluster_is_taken_from_the_environment(
    launcher: RayLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, str]] = []

    def request(*_: object, headers: dict[str, str], **__: object) -> httpx.Response:
        seen.append(headers)
        return httpx.Response(200, json={"status": "RUNNING"})

    monkeypatch.setattr("backend.runs.launchers.ray.httpx.request", request)
    launcher.state({"id": "a", "folder": "/none"})
    monkeypatch.setenv("RAY_AUTH_TOKEN", "abc")
    launcher.state({"id": "a", "folder": "/none"})
    assert seen == [{}, {"Authorization": "Bearer abc"}]


def through_the_queue(workbench: Path, monkeypatch: pytest.MonkeyPatch, address: str, python: str) -> None:
    (workbench / "launch.toml").write_text(
        f'[ray]\nkind = "ray"\naddress = "{address}"\ngpus = 0\ncpus = 1\npython = "{python}"\nproject = "{ROOT}"\n'
        'environment = { DATABASE_URL = "postgresql://nobody@127.0.0.1:1/none", OMP_NUM_THREADS = "1" }\n'
    )
    monkeypatch.setenv("WORKBENCH_LAUNCH", str(workbench / "launch.toml"))
    monkeypatch.setattr("backend.runs.queue.ensure_dispatcher", lambda launcher: None)
    get_settings.cache_clear()


def test_through_the_queue_a_lost_network_ends_nothing(
    workbench: Path, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    through_the_queue(workbench, monkeypatch, dashboard.address, str(stand_in(workbench)))
    run_id = add_run(workbench / "runs" / "r1")
    enqueue(run_id, "ray")
    dispatcher = Dispatcher(find_launcher("ray"))
    dashboard.down()
    dispatcher.round()
    assert get_run(run_id).status == "queued" and "is not reached" in get_run(run_id).reason
    dashboard.up()
    wait_until("it runs", lambda: (dispatcher.round(), get_run(run_id).status == "running")[1])
    dashboard.down()
    dispatcher.round()
    assert get_run(run_id).status == "running"
    request_stop(run_id)
    dashboard.up()
    wait_until("it has ended", lambda: (dispatcher.round(), get_run(run_id).status != "running")[1])
    assert get_run(run_id).exit_code == 0 and "stopped" in (workbench / "runs" / "r1" / "log.txt").read_text()
    assert len(dashboard.processes) == 1


def test_a_job_that_waits_for_what_no_node_has_can_be_taken_back(
    workbench: Path, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray goes on to say that it waits, for ever: whoever waits for its end, as a parent of several, would too."""
    through_the_queue(workbench, monkeypatch, dashboard.address, str(stand_in(workbench)))
    run_id, dashboard.waits = add_run(workbench / "runs" / "r1"), True
    enqueue(run_id, "ray")
    dispatcher = Dispatcher(find_launcher("ray"))
    wait_until("it is there", lambda: (dispatcher.round(), len(dashboard.jobs))[1])
    dispatcher.round()
    request_stop(run_id)
    dispatcher.round()
    assert (get_run(run_id).status, get_run(run_id).reason) == ("cancelled", "taken out of the queue")
    enqueue(run_id, "ray")
    dashboard.waits = False
    wait_until("its next job runs", lambda: (dispatcher.round(), get_run(run_id).status == "running")[1])


# --- a real one ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def ray_head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A local Ray head with three CPUs; its dashboard's address."""
    ray = shutil.which("ray")
    if ray is None:
        pytest.skip("needs Ray on the PATH: pip install 'ray[default]', in an environment of its own")
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    folder = Path(f"/tmp/ray-{os.getpid()}")  # its sockets' paths have to be short  # noqa: S108
    command = [ray, "start", "--head", "--block", "--num-cpus", "3", "--num-gpus", "0", "--port", str(ports[0])]
    more = ["--dashboard-host", "127.0.0.1", "--dashboard-port", str(ports[1]), "--temp-dir", str(folder)]
    log = tmp_path_factory.mktemp("ray") / "log"
    with log.open("wb") as file:
        head = subprocess.Popen(
            [*command, *more, "--object-store-memory", "100000000", "--disable-usage-stats"],
            stdout=file,
            stderr=file,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        )
    address = f"http://127.0.0.1:{ports[1]}"

    def answers() -> bool:
        assert head.poll() is None, log.read_text()
        with suppress(httpx.TransportError):
            return httpx.get(f"{address}/api/jobs/", timeout=30).is_success
        return False

    try:
        wait_until("Ray answers", answers, 180)
        yield address
    finally:
        head.send_signal(signal.SIGTERM)  # which ends all that it has started
        with suppress(subprocess.TimeoutExpired):
            head.wait(60)
        with suppress(ProcessLookupError):
            os.killpg(head.pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def submitted(launcher: RayLauncher, folder: Path) -> dict[str, Any]:
    """Submit, again and again as a dispatcher does: a young head answers before it has an agent for jobs."""
    jobs: list[dict[str, Any]] = []

    def try_it() -> bool:
        with suppress(LauncherAway):
            jobs.append(launcher.submit(folder))
        return bool(jobs)

    wait_until("Ray takes it", try_it, 180)
    return jobs[0]


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_real_ray_runs_stops_and_knows_its_jobs(ray_head: str, workbench: Path, folder: Path) -> None:
    launcher = launcher_of(workbench, ray_head)
    job = submitted(launcher, folder)
    until(launcher, job, "running", 120)
    assert launcher.submit(folder) == job
    wait_until("it has begun", (folder / "heartbeat").exists, 60)
    assert (folder / "log.txt").read_text() == "begun it's blue, held by the scheduler\n"
    launcher.stop(job, force=False)
    until(launcher, job, "ended", 60)
    assert launcher.state(job).code == 0
    (folder / ATTEMPT).write_text("two")
    again = submitted(launcher, folder)
    until(launcher, again, "running", 120)
    launcher.stop(again, force=True)
    until(launcher, again, "ended", 60)
    assert launcher.state({**job, "id": "no-such-job", "folder": "/none"}).name == "unknown"
    (folder / ATTEMPT).write_text("three")
    fails = submitted(launcher, folder)
    (folder / "end").write_text("3")
    until(launcher, fails, "ended", 120)
    assert launcher.state(fails).code == 3


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_three_seeds_train_side_by_side_on_real_ray(
    ray_head: str, tiny_config: TrainConfig, workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    through_the_queue(workbench, monkeypatch, ray_head, sys.executable)
    parent = create_several(tiny_config, {"seed": [1, 2, 3]})
    with reading() as session:
        children = [run.id for run in session.query(Run).filter(Run.parent_id == parent).order_by(Run.id)]
    for child in children:
        enqueue(child, "ray")
    dispatcher = Dispatcher(find_launcher("ray"))
    most = 0

    def done() -> bool:
        nonlocal most
        dispatcher.round()
        statuses = [get_run(child).status for child in children]
        most = max(most, statuses.count("running"))
        return all(status not in ("queued", "running") for status in statuses)

    wait_until("all have ended", done, 500)
    assert [get_run(child).status for child in children] == ["finished"] * 3, get_run(children[0]).reason
    assert most == 3
    for child in children:
        assert (Path(get_run(child).folder) / "comparison_base_vs_tuned.json").exists()
