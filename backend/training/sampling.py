"""The prompt order: which prompts each step trains on. Repeated shuffles, or prompts drawn by task weight.

The order has the same layout as that of TRL's own sampler: a step's prompts, each repeated for its group, and all of
this repeated for every slice of the generated batch. Unlike TRL's, it has no epochs: the prompts of step i depend only on
the seed and i (or, with weights, on draws that the checkpoint stores). So a resumed run sees exactly the prompts that it
would have seen without the interruption.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from torch.utils.data import Sampler


class PromptSampler(Sampler[int]):
    """Indices into the training prompts.

    Args:
        tasks: the task of each training prompt.
        prompts_per_step: different prompts per optimisation step.
        group_size: completions per prompt.
        repeats: how often a step's prompts are returned (once for each slice of the generated batch).
        steps: optimisation steps of the run.
        seed: the seed of every draw.
        weights: the tasks' current weights for drawing prompts; None draws all prompts equally often.
        history: the prompts drawn so far in a run that is resumed, one list of indices per step.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        prompts_per_step: int,
        group_size: int,
        repeats: int,
        steps: int,
        seed: int,
        weights: Callable[[], dict[str, float]] | None = None,
        history: Sequence[list[int]] = (),
    ) -> None:
        self._tasks = tasks
        self._prompts_per_step, self._group_size = prompts_per_step, group_size
        self._repeats, self._steps, self._seed, self._weights = repeats, steps, seed, weights
        self._of_task = {t: [i for i, other in enumerate(tasks) if other == t] for t in dict.fromkeys(tasks)}
        self._replay = list(history)
        self.history: list[list[int]] = []

    def __len__(self) -> int:
        return self._steps * self._repeats * self._prompts_per_step * self._group_size

    def __iter__(self) -> Iterator[int]:
        self.history = []
        self._drawn: Counter[str] = Counter()
        for step in range(self._steps):
            drawn = self._replay[step] if step < len(self._replay) else self._draw(step)
            self.history.append(drawn)
            self._drawn.update(self._tasks[index] for index in drawn)
            for _ in range(self._repeats):
                for index in drawn:
                    yield from [index] * self._group_size

    def _draw(self, step: int) -> list[int]:
        if self._weights is None:
            first, everything = step * self._prompts_per_step, range(len(self._tasks))
            return [self._nth(everything, "all", first + i) for i in range(self._prompts_per_step)]
        weights = self._weights()
        names = list(self._of_task)
        chosen = random.Random(f"{self._seed}-{step}").choices(
            names, [weights[name] for name in names], k=self._prompts_per_step
        )
        return [
            self._nth(self._of_task[task], task, self._drawn[task] + chosen[:i].count(task))
            for i, task in enumerate(chosen)
        ]

    def _nth(self, indices: Sequence[int], name: str, n: int) -> int:
        """The n-th prompt of an endless sequence that goes through ``indices`` in a new order each time."""
        epoch, position = divmod(n, len(indices))
        order = list(indices)
        random.Random(f"{self._seed}-{name}-{epoch}").shuffle(order)
        return order[position]
