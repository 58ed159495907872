"""A suite of two tasks on which even a random model's completions differ, so that a tiny run has real gradients."""

from rewards.types import Profile, Reward, Task


def _letters(completion: str, prompt: str, profile: Profile) -> dict[str, float]:
    letters = sum(c.isascii() and c.isalpha() for c in completion)
    return {
        "letters": 0.6 * min(1.0, letters / 10),
        "vowels": 0.4 * min(1.0, sum(c in "aeiou" for c in completion) / 3),
    }


def _variety(completion: str, prompt: str, profile: Profile) -> dict[str, float]:
    return {"variety": min(1.0, len(set(completion)) / 12)}


TASKS = (
    Task("letters", Reward({"letters": 0.6, "vowels": 0.4}, _letters)),
    Task("variety", Reward({"variety": 1.0}, _variety)),
)
