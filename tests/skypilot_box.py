"""A stand-in for SkyPilot: a `sky` on the PATH whose machines are folders here, and an `ssh` that gets into them.

It prints what SkyPilot's own command line prints, as its source has it. Nothing of it rents anything.
"""

import os
import sys
from pathlib import Path

import pytest
import yaml

_SKY = """#!{python}
import json, os, signal, subprocess, sys
from pathlib import Path
import yaml
cloud = Path(__file__).resolve().parent.parent / "cloud"
with (cloud / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + chr(10))
if (cloud / "down").exists():
    sys.exit("sky.exceptions.ApiServerConnectionError: Could not connect to SkyPilot API server")
words = [w for w in sys.argv[1:] if not w.startswith("-")]
def machine(name):
    return cloud / name
def word_of(name):
    home = machine(name)
    if (home / "word").exists():
        return (home / "word").read_text()
    code = home / "code"
    if not (home / "pid").exists():
        return ""
    if not code.exists():
        return "RUNNING"
    return "SUCCEEDED" if code.read_text().strip() == "0" else "FAILED"
if words[0] == "launch":
    name = sys.argv[sys.argv.index("--cluster") + 1]
    sys.path.append({packages!r})  # not before: it is started often, and starts sooner without
    import yaml
    task = yaml.safe_load(Path(words[-1]).read_text())
    secrets = {{key: os.environ[key] for key in task.get("secrets", {{}})}}
    assert [sys.argv[i + 1] for i, w in enumerate(sys.argv) if w == "--secret"] == list(secrets)
    with (cloud / "requests").open("a") as requests:
        requests.write(name + chr(10))
    if (cloud / "slow").exists() or (cloud / "none left").exists():
        print("Submitted sky.launch request: 0d35ffa7")
        sys.exit(0)
    home = machine(name)
    for there, here in task["file_mounts"].items():
        target = home / there.removeprefix("~/")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", here, str(target)], check=True)
    script = task.get("setup", "") + task["run"]
    environment = {{**os.environ, **task.get("envs", {{}}), **secrets, "HOME": str(home)}}
    (home / "run.sh").write_text(script)
    process = subprocess.Popen(["bash", "-c", f"bash {{home}}/run.sh; echo $? > {{home}}/code"], cwd=home, env=environment,
        start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (home / "pid").write_text(str(process.pid))
    if (cloud / "lost answer").exists():
        sys.exit("requests.exceptions.ConnectionError: connection reset")
    print("\\x1b[32mSubmitted sky.launch request: 0d35ffa7\\x1b[0m")
elif words[0] == "logs":
    word = word_of(words[1])
    if not word:
        sys.exit(f"sky.exceptions.ClusterDoesNotExist: Cluster {{words[1]!r}} does not exist.")
    print(f"Job {{words[2]}}: {{word}}")
    sys.exit(0 if word == "SUCCEEDED" else 101 if word == "RUNNING" else 100)
elif words[:2] == ["api", "status"]:
    requests = (cloud / "requests").read_text().split() if (cloud / "requests").exists() else []
    word = "FAILED" if (cloud / "none left").exists() else "RUNNING" if (cloud / "slow").exists() else "SUCCEEDED"
    word = "CANCELLED" if (cloud / "cancelled").exists() else word
    name = sys.argv[sys.argv.index("--cluster") + 1]
    rows = [{{"name": "sky.down", "status": "SUCCEEDED"}}, {{"name": "sky.launch", "status": word}}]
    print("The flag is ignored because the server does not support it yet.")
    said = "cluster_name" if "--verbose" in sys.argv else "none"
    rows = [row | {{said: name}} for row in rows if name in requests]
    print(json.dumps([{{"name": "sky.launch", "status": "FAILED", "cluster_name": "wb-other"}}, *rows], indent=2))
elif words[0] == "status":
    is_up = (machine(words[1]) / "pid").exists()
    if is_up:
        (machine(words[1]) / "known to ssh").touch()
    print(json.dumps([{{"name": words[1], "status": "UP"}}] if is_up else []))
elif words[0] in ("cancel", "down"):
    home = machine(words[1])
    if (home / "pid").exists():
        try:
            os.killpg(int((home / "pid").read_text()), signal.SIGKILL)
        except ProcessLookupError:
            pass
    if words[0] == "cancel":
        (home / "word").write_text("CANCELLED")
    else:
        if (cloud / "slow").exists():
            (cloud / "cancelled").touch()
        subprocess.run(["rm", "-rf", str(home)])
"""
_SSH = """#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in -o|-p) shift 2 ;; -*) shift ;; *) break ;; esac
done
home={cloud}/$1; shift
[ -e "$home/known to ssh" ] && [ ! -e {cloud}/down ] || {{ echo "ssh: Could not resolve hostname" >&2; exit 255; }}
cd "$home" && HOME=$home exec sh -c "$*"
"""


def sky_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the stand-ins on the PATH; returns the folder whose folders are the machines, and whose files say what goes wrong:

    ``down`` (nothing is reached), ``slow`` (no machine yet), ``none left`` (no machine to be had), ``lost answer``.
    """
    tools, cloud = folder / "bin", folder / "cloud"
    for each in (tools, cloud):
        each.mkdir()
    for name, text in (
        ("sky", _SKY.format(python=sys.executable, packages=str(Path(yaml.__file__).parents[1]))),
        ("ssh", _SSH.format(cloud=cloud)),
    ):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    return cloud
