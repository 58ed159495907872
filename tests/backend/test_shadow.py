"""Measures that only watch: which there are, what fails, and how they are named. (That losses stay: test_resume.)"""

from pathlib import Path

import pytest

from backend.errors import UserError
from backend.suites import ToScore
from backend.training.config import TrainConfig, get_preset, override
from backend.training.shadow import Shadow, shadow_means

CHAT = [{"role": "user", "content": "Nota: 2/5. Chegou quebrado"}]
FACTS = {
    "nota": 2,
    "delivery_issue": False,
    "product_issue": True,
    "seller_issue": False,
    "complaint_category": "produto",
}
ANSWER = '{"sentiment": "negativo", "product_issue": true, "delivery_issue": false, "seller_issue": false, "complaint_category": "produto"}'


def asked(task: str = "extraction", text: str = ANSWER) -> tuple[str, ToScore]:
    return task, ToScore(CHAT, text, dict(FACTS))


@pytest.mark.slow
def test_truth_a_profile_and_functions_ride_along_each_for_its_tasks(tmp_path: Path) -> None:
    path = tmp_path / "watchers_here.py"
    path.write_text(
        "def long(completion):\n    return float(len(completion))\n\ndef wants_nota(completions, nota):\n    return nota\n"
    )
    shadow = Shadow(("truth", "v4.0", str(path)), ("extraction", "push"))
    assert shadow.names == ["fact_accuracy", "v4.0", "long", "wants_nota"]
    right, push = shadow.watch([asked(), asked("push", "Corra!")])
    assert right["fact_accuracy"] == 1.0 and right["long"] == len(ANSWER) and right["wants_nota"] == 2
    assert 0 < right["v4.0"] <= 1
    assert "fact_accuracy" not in push and push["long"] == 6
    means = shadow_means(["extraction", "push"], [right, push])
    assert means["shadow/long/push"] == 6 and "shadow/fact_accuracy/extraction" in means
    (one,) = Shadow((f"{path}:long",), ("push",)).watch([asked("push", "ab")])
    assert one == {"long": 2}


@pytest.mark.slow
def test_a_measure_that_fails_is_left_out_and_said_once_or_ends_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "watchers_that_fail.py"
    path.write_text("def broken(completion):\n    raise ValueError('no')\n\ndef fine(completion):\n    return 1.0\n")
    shadow = Shadow((str(path),), ("push",))
    for _ in range(2):
        assert shadow.watch([asked("push")]) == [{"fine": 1.0}]
    assert capsys.readouterr().out.count("broken failed and is left out here") == 1
    with pytest.raises(UserError, match="broken failed"):
        shadow.watch([asked("push")], may_fail=False)


def test_what_is_no_measure_is_refused_with_what_could_be(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'v9' is no shadow measure; give truth"):
        override(get_preset("nano"), {"shadow": "truth,v9"})
    with pytest.raises(UserError, match="there is no file"):
        Shadow((str(tmp_path / "none.py"),), ("push",))
    with pytest.raises(UserError, match="twice"):
        Shadow(("truth", "truth"), ("extraction",))
    with pytest.raises(UserError, match="suite of tasks"):
        Shadow((str(Path(__file__).parents[1] / "learning_tasks.py"),), ("push",))


def test_the_truth_measures_watch_by_default() -> None:
    assert TrainConfig().shadow == ("truth",)
    assert override(get_preset("nano"), {"shadow": ""}).shadow == ()
