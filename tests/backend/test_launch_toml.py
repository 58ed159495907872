"""launch.toml is checked where it is read, and what a place would run can be seen before."""

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backend.commands.runs import app as runs_command
from backend.errors import UserError
from backend.runs.launchers import find_launcher
from backend.runs.launchers.config import Slurm, Ssh, read_places
from backend.runs.places import Room, rooms
from backend.settings import get_settings
from tests.backend.test_hosts import add_run

SSH = '[gpu1]\nkind = "ssh"\nhost = "me@gpu1"\nfolder = "/data/runs"\n'
SLURM = '[cluster]\nkind = "slurm"\npartition = "gpu"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "launch.toml"
    path.write_text(text)
    return path


def test_a_section_for_each_kind(tmp_path: Path) -> None:
    more = 'environment = { MODE = "fast" }\nsecrets = ["HF_TOKEN"]\noptions = ["-p", "2222"]\n'
    places = read_places(written(tmp_path, SSH + more + SLURM + 'options = { account = "lab" }\nhours = 2\ngpus = 4\n'))
    gpu1, cluster = places["gpu1"], places["cluster"]
    assert isinstance(gpu1, Ssh) and gpu1.environment == (("MODE", "fast"),) and gpu1.at_once == 1
    assert isinstance(cluster, Slurm) and cluster.gpus == 4 and cluster.options == (("account", "lab"),)
    assert read_places(tmp_path / "none.toml") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[gpu1", "cannot read"),
        ('[gpu1]\nkind = "cloud"\n', "gpu1.*'ssh', 'slurm'"),
        ('[gpu1]\nkind = "ssh"\nhost = "me@gpu1"\n', "folder: Field required"),
        (SSH + 'partition = "gpu"\n', "partition: Extra inputs"),
        (SSH.replace("me@gpu1", "-oProxyCommand=x"), "is not a host as ssh takes it"),
        (SSH.replace("/data/runs", "data"), "is not an absolute path"),
        (SSH + 'environment = { HF_TOKEN = "abc" }\n', "HF_TOKEN looks like a secret: name it under secrets"),
        (SSH + 'environment = { "A B" = "abc" }\n', "is not the name of an environment variable"),
        (SSH + 'python = "a\\nb"\n', "holds a line break"),
        (SLURM + "gpus = -1\n", "gpus: Input should be greater than or equal to 0"),
        (SLURM + "hours = 0\n", "hours"),
        (SSH.replace("gpu1]", "local]"), r"\[local\] cannot be a place's name"),
        (SSH.replace("[gpu1]", '["a b"]'), "cannot be a place's name"),
        ("gpu1 = 3\n", "is not a section"),
    ],
)
def test_a_wrong_section_is_refused_with_where_and_why(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_places(written(tmp_path, text))


@pytest.fixture
def two_places(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_LAUNCH", str(written(workbench, SSH + 'secrets = ["HF_TOKEN"]\n' + SLURM)))
    get_settings.cache_clear()
    return workbench


def test_what_is_free_where(two_places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.runs.queue import enqueue

    monkeypatch.setattr("backend.runs.queue.ensure_dispatcher", lambda launcher: None)
    for name in ("a", "b"):
        enqueue(add_run(two_places / "runs" / name), "gpu1")
    assert rooms() == {"local": Room(1, 0, 0), "gpu1": Room(1, 0, 2), "cluster": Room(100, 0, 0)}
    assert [room.free for room in rooms().values()] == [1, 0, 100]
    done = CliRunner().invoke(runs_command, ["places"])
    assert "gpu1" in done.output and "0 of 1 free, 0 under way, 2 waiting" in done.output
    with pytest.raises(UserError, match=r"there is no place 'gpu2'.*gpu1, cluster"):
        enqueue(add_run(two_places / "runs" / "c"), "gpu2")


def test_a_dry_run_prints_the_script_and_starts_nothing(two_places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hush-4711")
    run_id = add_run(two_places / "runs" / "r1")
    done = CliRunner().invoke(runs_command, ["launch", run_id, "--where", "gpu1", "--dry-run"])
    assert done.exit_code == 0, done.output
    assert "ssh me@gpu1 sh -s" in done.output and "--folder" in done.output and "hush" not in done.output
    assert "export HF_TOKEN='***'" in done.output
    with pytest.raises(UserError, match="several seeds"):
        from backend.runs.queue import enqueue
        from backend.store.engine import writing
        from backend.store.tables import Run

        child = add_run(two_places / "runs" / "child")
        with writing() as session:
            session.get_one(Run, child).parent_id = run_id
        enqueue(run_id, "gpu1")


def test_the_script_for_slurm_has_what_the_section_says(two_places: Path) -> None:
    pytest.importorskip("submitit", reason="needs submitit: pip install 'reward-workbench[slurm]'")
    written(
        two_places,
        SLURM
        + 'hours = 2.5\ngpus = 2\ncpus = 8\nmemory_gb = 64\nsetup = ["module load cuda"]\nproject = "/srv/work bench"\n'
        'python = "/srv/python"\nenvironment = { MODE = "it\'s fast" }\noptions = { account = "lab" }\n',
    )
    run_id = add_run(two_places / "runs" / "r1")
    lines = CliRunner().invoke(runs_command, ["launch", run_id, "--where", "cluster", "--dry-run"]).output.splitlines()
    for wanted in (
        "#SBATCH --job-name=r1", "#SBATCH --partition=gpu", "#SBATCH --time=150", "#SBATCH --gpus-per-node=2",
        "#SBATCH --cpus-per-task=8", "#SBATCH --mem=64.0GB", "#SBATCH --account=lab", "module load cuda",
        "cd '/srv/work bench'", """export MODE='it'"'"'s fast'""",
    ):  # fmt: skip
        assert wanted in lines, wanted
    assert any("/srv/python -u -m submitit.core._submit" in line for line in lines)


def test_a_missing_package_is_said_clearly(two_places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from backend.runs import launchers

    launchers._launcher.cache_clear()
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UserError, match=r"pip install 'reward-workbench\[slurm\]'"):
        find_launcher("cluster")
    assert stat.S_ISREG((two_places / "launch.toml").stat().st_mode)
