"""A real SLURM of one node on loopback, with daemons, ports and files of its own; gone afterwards."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from backend.runs.processes import started_at

_TOOLS = ("munged", "slurmctld", "slurmd", "sbatch", "srun")
_CONFIGURATION = """ClusterName=loopback
SlurmctldHost={name}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CryptoType=crypto/munge
SlurmUser=root
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
KillWait=5
JobRequeue=1
SlurmdParameters=config_overrides
NodeName={name} NodeAddr=127.0.0.1 CPUs=4 RealMemory=100000 State=UNKNOWN
PartitionName=main Nodes={name} Default=YES MaxTime=INFINITE State=UP
"""


class SlurmBox:
    """The cluster; ``SLURM_CONF`` points at it while it is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("munge", "state", "spool"):
            (folder / name).mkdir(mode=0o755, parents=True)
        for above in (folder, *folder.parents):  # munge wants a socket that everybody can reach
            with suppress(PermissionError):
                above.chmod(above.stat().st_mode | 0o055)
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(64))
        key.chmod(0o400)
        ports = {"controller": _free_port(), "node": _free_port()}
        name = socket.gethostname().split(".")[0]
        (folder / "slurm.conf").write_text(_CONFIGURATION.format(name=name, folder=folder, **ports))

    def up(self) -> None:
        """Start all of it, and wait until the node takes jobs."""
        munge = self.folder / "munge"
        files = [
            f"--{what}={munge / name}"
            for what, name in (("socket", "socket"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"))
        ]
        subprocess.run(["munged", f"--key-file={self.folder / 'munge.key'}", *files, "--force"], check=True)
        self.controller_up()
        subprocess.run(["slurmd", "-f", str(self.folder / "slurm.conf")], check=True)
        _wait(
            lambda: (
                "idle"
                in subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True, check=False).stdout
            )
        )

    def controller_up(self) -> None:
        """Start the controller."""
        subprocess.run(["slurmctld", "-f", str(self.folder / "slurm.conf")], check=True)

    def controller_down(self) -> None:
        """The controller is gone, for a while."""
        _end(self.folder / "slurmctld.pid")

    def down(self) -> None:
        """End all of it."""
        subprocess.run(["scancel", "--me", "--signal=KILL", "--full"], check=False, capture_output=True, timeout=30)
        for pid in ("slurmd.pid", "slurmctld.pid", "munge/pid"):
            _end(self.folder / pid)


@contextmanager
def slurm_box(folder: Path) -> Iterator[SlurmBox]:
    """A cluster that is up; skips the test where SLURM is not installed, or this is not root (.ci/run installs it)."""
    if os.geteuid() != 0 or any(shutil.which(tool) is None for tool in _TOOLS):
        pytest.skip("needs SLURM and root: apt-get install slurm-wlm munge")
    box = SlurmBox(folder)
    with ExitStack() as after, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        after.callback(box.down)
        box.up()
        yield box


def _free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _end(file: Path) -> None:
    with suppress(OSError, ValueError):
        pid = int(file.read_text())
        os.kill(pid, signal.SIGTERM)
        _wait(lambda: started_at(pid) is None)


def _wait(condition: object) -> None:
    deadline = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.1)
