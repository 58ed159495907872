"""What the workbench promises in SECURITY.md, attacked on this machine alone; prints what held.

python -m tests.attack                # a few minutes; PostgreSQL too where TEST_POSTGRES_URL names a server
python -m tests.attack "sign-in"      # the attacks whose name holds a word

Each attack is a set of tests with a time limit, and the hostile queries are also run with the limits that hold outside of tests.
Exit code 1 if anything did not hold.
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from backend.commerce.sql_execution import Refused, run_query
from backend.commerce.synthetic import build_commerce_db
from backend.settings import ROOT
from tests.hostile_queries import QUERIES

SECONDS = 420
"""For one attack; one that takes longer did not hold."""
_QUERY_SECONDS = 2.0


@dataclass(frozen=True)
class Attack:
    """A promise, and the tests that try to break it."""

    name: str
    tests: tuple[str, ...]
    only: str = ""


ATTACKS = (
    Attack("SQL: limits of time, memory, files and result", ("backend/test_sql_limits.py", "backend/test_sql_execution.py")),
    Attack("sign-in: fails closed, never opens up, no open address without it", ("app/test_sign_in_state.py",)),
    Attack("roles: every backend call asks for one; the log only grows", ("backend/test_access.py",)),
    Attack("raters: one person one name, nobody writes another's ratings, opaque items", ("backend/test_raters.py",)),
    Attack("ratings at once: two windows a rater and an import, no deadlock", ("backend/test_rating_at_once.py", "backend/test_at_once.py")),
    Attack("stores: the same values on both databases, UTC, copies, backups", ("backend/test_store_types.py", "backend/test_copy.py")),
    Attack("damaged stores: said at the start", ("backend/test_damaged_store.py",)),
    Attack("files: hostile ones leave nothing behind", ("backend/test_file_limits.py", "backend/test_hostile_files.py")),
    Attack("reward files: end with their process", ("backend/test_reward_file.py",), "crash or endless or memory or loop or exit or limit"),
    Attack("gateway: half-sent bodies, disconnects, forged lines, endless answers, keys", ("backend/test_gateway_limits.py",)),
    Attack("gateway: ordinary requests", ("backend/test_gateway.py",)),
    Attack("personal data: nine tenths masked, nine tenths of the masks right", ("backend/test_personal.py", "backend/test_personal_texts.py")),
    Attack("exports: no formulas, reports that run nothing, bad files refused", ("backend/test_exchange.py", "backend/test_report.py"), "formula or stands_alone or refused"),
    Attack("judges: instructions noticed, no score that is none, keys from outside", ("backend/test_judge.py",), "number or score or injected or speaks or key or stored"),
    Attack("runs elsewhere: secrets in the process alone", ("backend/test_ssh.py",), "secrets"),
    Attack("pages: what a model wrote is text", ("e2e/test_hostile_text.py",)),
)  # fmt: skip


def run(attack: Attack) -> tuple[bool, str]:
    """Whether it held, how many tests said so, and which did not."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
        command += [f"tests/{name}" for name in attack.tests] + (["-k", attack.only] if attack.only else [])
        try:
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return False, f"not done after {SECONDS} s"
        if not report.exists():
            return False, done.stderr.strip()[-300:] or "no report"
        cases = list(ElementTree.parse(report).getroot().iter("testcase"))  # noqa: S314  written by pytest just now
    bad = {case.get("name", ""): why for case in cases for why in (*case.iter("failure"), *case.iter("error"))}
    skipped = [why.get("message", "") for case in cases for why in case.iter("skipped")]
    said = f"{len(cases) - len(bad) - len(skipped)} of {len(cases)} held"
    if skipped:
        said += f", {len(skipped)} not tried: {'; '.join(sorted(set(skipped)))}"
    for name, why in bad.items():
        said += f"\n  {name}: {why.get('message', '').splitlines()[0][:200]}"
    return done.returncode == 0 and not bad, said


def run_queries() -> tuple[bool, str]:
    """The hostile queries, one after the other, with the limits that hold in training and evaluation."""
    longest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        shop = build_commerce_db(Path(folder) / "commerce.db", orders=2_000)
        run_query("SELECT COUNT(*) FROM orders", shop)  # starts the worker
        for query in QUERIES:
            began = time.monotonic()
            with suppress(Refused):
                run_query(query, shop)
            longest = max(longest, time.monotonic() - began)
    return longest < _QUERY_SECONDS, f"{len(QUERIES)} queries, the longest took {longest:.2f} s"


def main() -> int:
    """Run the attacks that are asked for."""
    wanted = " ".join(sys.argv[1:]).lower()
    if not os.environ.get("TEST_POSTGRES_URL"):
        print("PostgreSQL is not attacked: set TEST_POSTGRES_URL to a server of your own\n")
    attacks = [("SQL: hostile queries with the limits outside of tests", run_queries)]
    attacks += [(attack.name, lambda attack=attack: run(attack)) for attack in ATTACKS]
    failed = 0
    for name, action in attacks:
        if wanted not in name.lower():
            continue
        began = time.monotonic()
        held, said = action()
        failed += not held
        print(f"{'held' if held else 'NOT HELD':<9} {name} ({time.monotonic() - began:.0f} s): {said}", flush=True)
    print(f"\n{'everything held' if not failed else f'{failed} did not hold'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
