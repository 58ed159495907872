"""Text for people in both languages."""

import pytest

from backend.wording import Text, fill


@pytest.mark.parametrize(
    ("n", "written"),
    [
        (0, Text("0 runs wait", "0 treinos esperam")),
        (1, Text("1 run waits", "1 treino espera")),
        (2, Text("2 runs wait", "2 treinos esperam")),
    ],
)
def test_the_words_follow_the_number(n: int, written: Text) -> None:
    assert fill("{n} {n:run waits|runs wait}", "{n} {n:treino espera|treinos esperam}", n=n) == written


def test_each_part_is_filled_in_in_its_own_language() -> None:
    task = Text("reviews", "avaliações")
    assert fill("{task} of {run}", "{task} de {run}", task=task, run="a|b") == Text(
        "reviews of a|b", "avaliações de a|b"
    )
