"""The median stopping rule, on recorded curves and on small ones that one can check by hand; nothing is trained."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backend.commands.train import app
from backend.errors import UserError
from backend.evaluation.several import settings_among, several_table, several_words
from backend.runs.children import COMPARISON, train_children
from backend.runs.median import OBJECTIVE, check_median_stop, median_stop
from backend.runs.plan import make_plan, read_plan, write_plan
from backend.runs.reasons import reason_words
from backend.settings import get_settings
from backend.store.engine import reading, writing
from backend.store.runs import save_metrics
from backend.store.tables import Run
from backend.training.metrics_file import read_series
from tests.backend.test_several import Stand, add_family, evaluate, stand  # noqa: F401  (a fixture)
from tests.live_runs import get_run
from tests.recorded import RUN_FOLDER

Curve = list[tuple[int, float]]
OTHERS: dict[str, Curve] = {
    "a": [(0, 0.1), (10, 0.2), (20, 0.4)],
    "b": [(0, 0.1), (10, 0.4), (20, 0.6)],
    "c": [(0, 0.1), (10, 0.6), (20, 0.8)],
}
"""Their averages after the start: 0.2, 0.4, 0.6 up to step 10, and 0.3, 0.5, 0.7 up to step 20."""


@pytest.mark.parametrize(
    ("curve", "grace", "stops"),
    [
        ([(10, 0.39)], 1, True),
        ([(10, 0.40)], 1, False),  # strictly worse alone
        ([(10, 0.39)], 2, False),  # grace
        ([(10, 0.39), (20, 0.49)], 2, True),
        ([(10, 0.45), (20, 0.49)], 2, True),
        ([(10, 0.60), (20, 0.10)], 2, False),  # its best counts, not its last
        ([(0, 0.90), (10, 0.39)], 1, True),  # the base model's value is not its own
        ([(0, 0.10)], 1, False),
        ([], 1, False),
        ([(10, 0.1), (20, 0.1), (30, 0.1)], 1, False),  # nobody has got as far
    ],
)
def test_a_run_is_stopped_below_the_median_of_the_others_averages(curve: Curve, grace: int, stops: bool) -> None:
    assert (median_stop({**OTHERS, "x": curve}, "x", grace) is not None) is stops


def test_fewer_than_three_others_that_got_as_far_stop_nobody() -> None:
    two = {name: OTHERS[name] for name in ("b", "c")}
    assert median_stop({**two, "x": [(10, 0.0)]}, "x", 1) is None
    short = {**two, "a": OTHERS["a"][:2], "x": [(10, 0.0), (20, 0.0)]}
    assert median_stop(short, "x", 1) is None and median_stop({**short, "x": [(10, 0.0)]}, "x", 1) is not None


def test_the_reason_has_the_numbers_it_was_decided_by_in_both_languages() -> None:
    why = median_stop({**OTHERS, "x": [(10, 0.1), (20, 0.25)]}, "x", 2)
    assert why == (
        "stopped by the median rule at step 20: its best mean reward, 0.250, is below 0.500, the median of what 3 others had "
        "on average by then"
    )
    said = reason_words(why)
    assert said.pt == (
        "parado pela regra da mediana no passo 20: sua melhor recompensa média, 0.250, está abaixo de 0.500, a mediana do que "
        "3 outros tinham em média até ali"
    )


def test_on_a_recorded_curve_a_worse_copy_is_stopped_and_the_others_are_not() -> None:
    recorded = read_series(RUN_FOLDER / "metrics.jsonl")[OBJECTIVE]
    assert len(recorded) >= 4
    curves = {f"lr{shift}": [(s, v + shift / 100) for s, v in recorded] for shift in (0, 1, 2, 3)}
    curves["worse"] = [(s, 0.5 * v) for s, v in recorded]
    assert [name for name in curves if median_stop(curves, name, 3)] == ["worse"]


@pytest.mark.parametrize(
    ("grid", "grace", "message"),
    [
        ({"seed": [1, 2, 3]}, 3, "seeds are a sample"),
        ({"seed": [1, 2], "learning_rate": [1e-4, 1e-3]}, 3, "seeds are a sample"),
        ({"profile": ["v4.2.1", "v5"]}, 3, "another profile they do not compare"),
        ({"tasks": [["push"], ["insights"]]}, 3, "another tasks they do not compare"),
        ({"learning_rate": [1e-4, 1e-3]}, 0, "1 or more"),
    ],
)
def test_where_it_would_not_be_fair_it_is_refused(grid: dict[str, list[object]], grace: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_median_stop(grid, grace)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "1,2,3", "--median-stop", "3"], "seeds are a sample"),
        (["--median-stop", "3"], "are for several runs"),
        (["--resume", "r1", "--median-stop", "3"], "leave --median-stop out"),
    ],
)
def test_the_command_line_refuses_in_a_line(
    workbench: Path, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.release.start.first_start", lambda: None)
    done = CliRunner().invoke(app, ["--preset", "nano", *arguments] if "--resume" not in arguments else arguments)
    assert done.exit_code == 2 and message in done.output and "Traceback" not in done.output
    assert not list((workbench / "runs").glob("*/config.json"))


@pytest.mark.slow
def test_a_run_of_several_ends_the_child_that_falls_behind_says_so_and_does_not_compare_it(
    example_workbench: Path,
    stand: Stand,  # noqa: F811
) -> None:
    rates = [{"learning_rate": rate} for rate in (1e-4, 2e-4, 3e-4, 9e-4)]
    ids = add_family(example_workbench / "runs", *rates)
    for child in ids[:3]:
        evaluate(child)
    recorded = read_series(RUN_FOLDER / "metrics.jsonl")[OBJECTIVE]

    def trains(child: str) -> None:
        """The fourth has its evaluations too, and learns nothing."""
        if child == ids[3]:
            with writing() as session:
                save_metrics(session, child, [{"step": s, "name": OBJECTIVE, "value": 0.01} for s, _ in recorded])

    stand.at_look = trains
    folder = example_workbench / "runs" / "parent"
    write_plan(folder, make_plan(median_stop=2))
    assert read_plan(folder).median_stop == 2
    end = train_children("parent", ids)
    assert stand.asked == [ids[3]]
    assert end.status == "finished" and end.reason.startswith(
        "3 of 4 runs have finished, 1 stopped by the median rule; "
    )
    assert reason_words(end.reason).pt.startswith("3 de 4 treinos terminaram, 1 parado(s) pela regra da mediana; ")
    stopped = get_run(ids[3])
    assert stopped.status == "stopped" and stopped.reason.startswith("stopped by the median rule at step ")

    evaluate(ids[3])  # as after a resume of its own that was broken off: it still counts as stopped
    with reading() as session:
        settings = settings_among(session, [session.get_one(Run, child) for child in ids])
    assert [len(setting.seeds) for setting in settings] == [1, 1, 1, 0]
    assert list(settings[3].stopped.values()) == [stopped.reason] and stopped.reason in several_table(settings)
    words = several_words(settings)
    assert any("The median rule stopped 1 of them early" in w.en and "regra da mediana parou 1" in w.pt for w in words)
    found = json.loads((get_settings().runs_dir / "parent" / COMPARISON).read_text())
    assert found["settings"][3]["tasks"] == [] and found["settings"][3]["stopped"] == {"1": stopped.reason}

    before = len(stand.started)
    assert train_children("parent", ids).status == "finished" and len(stand.started) == before  # it is done with


def test_it_stops_nobody_who_did_not_ask_for_it(example_workbench: Path, stand: Stand) -> None:  # noqa: F811
    ids = add_family(example_workbench / "runs", *({"learning_rate": rate} for rate in (1e-4, 2e-4, 3e-4, 9e-4)))
    with writing() as session:
        for place, child in enumerate(ids):
            rows = [{"step": s, "name": OBJECTIVE, "value": 0.9 - 0.2 * place} for s in (10, 20, 30)]
            save_metrics(session, child, rows)
    train_children("parent", ids)
    assert stand.asked == []
