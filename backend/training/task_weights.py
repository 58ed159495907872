"""Improvement-aware task weights (IWU): a task that does not improve gets more weight than one that does.

MT-GRPO (arXiv 2602.05547), Subroutine 1. Per update, with J_k a task's mean reward and I_k its change:

    z = softmax(ξ)    s_k = I_k + λ J_k    g_k = z_k (s_k - Σ_j z_j s_j)    ξ <- Adam step against g, of size β

A task with a low reward, or without improvement, gains weight. (The seeds report SQL being *down*-weighted by "IWU",
final report §5, which is the opposite of the paper's rule; here the paper's rule is implemented.)

Left alone, the rule gives everything to a task that cannot be learned: on the seeds' own curves a plain step of size 1
brings one task to 0.96 and another to 0.005 by step 1,500. Four things hold it:

- The step is the authors': Adam with β = 0.025. It counts how sure a direction is, not how large the rewards are.
- ξ decays, so that it stays within about ±1 and the weights can turn round within some forty updates.
- A task that nobody solves, that is, whose mean reward has not risen for a long time, gives its weight back: it keeps
  h_k = 2^(-updates without a gain / 200) of it, and what is given back is shared equally.
- No task falls below the floor, 1/(4K) for K tasks.

The weights change either the advantages (setting ``reward``), or how often a task's prompts are drawn (setting
``sampling``, as in the paper). Drawing by weight alone does not give a task its share, because groups without signal have
no effect: in the authors' experiment a task with weight 0.63 got 0.36 of the batch. So ratio-preserving sampling (Algorithm
2) draws prompts in proportion to

    w_k · min(1 / (1 - ρ_k), M)    with ρ_k the share of the task's groups without signal.

There are further differences from the paper. Two are needed because a step has few prompts: J_k is an exponential
moving average that is updated only when the task is in the batch, and I_k is the change of that average, where the paper
uses the change of the objective. Third, the paper generates more groups than needed and drops those without signal until
the shares are right. Here only the factor corrects the shares, so they are right on average: most of a step's time is
generation.
"""

from dataclasses import dataclass, field
from math import exp, sqrt
from typing import Any

STEP = 0.025
"""β, as in the authors' experiments."""
CLIP = 0.1
"""I_k is clipped to ±this, as in the authors' experiments."""
SMOOTHING = 0.5
LARGEST_FACTOR = 5.0
"""M: a task whose groups carry no signal at all is drawn at most this much more often."""
_MOMENTS = (0.9, 0.999)
"""Adam's decay rates."""
_TINY = 1e-8
_SLOW = 0.98
"""Smoothing of the level in which a gain is looked for: about fifty updates."""
_GAIN = 0.01
"""What a task's slow level must rise by to count as a gain."""
_HALF_LIFE = 200
"""Updates without a gain after which a task keeps half of its weight."""


@dataclass
class TaskWeights:
    """The weights' state.

    Attributes:
        tasks: the tasks, in order.
        lam: λ, weight of a task's mean reward relative to its improvement (authors: 0.2 to 0.25 for three tasks).
        beta: β, step size on ξ.
    """

    tasks: tuple[str, ...]
    lam: float = 0.2
    beta: float = STEP
    xi: dict[str, float] = field(default_factory=dict)
    level: dict[str, float] = field(default_factory=dict)
    flat: dict[str, float] = field(default_factory=dict)
    """ρ_k, a moving average."""
    slow: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    """The highest slow level so far that counted as a gain."""
    stale: dict[str, int] = field(default_factory=dict)
    """Updates since the last gain."""
    first: dict[str, float] = field(default_factory=dict)
    second: dict[str, float] = field(default_factory=dict)
    """Adam's moments of g."""
    updates: int = 0

    def __post_init__(self) -> None:
        self.xi = {task: self.xi.get(task, 0.0) for task in self.tasks}

    @property
    def floor(self) -> float:
        """The least weight of a task: a quarter of an equal share."""
        return 1 / (4 * len(self.tasks))

    def weights(self) -> dict[str, float]:
        """The tasks' weights: each at least ``floor``, summing to 1; equal at the start."""
        z = self._softmax()
        kept = {task: z[task] * 2 ** (-self.stale.get(task, 0) / _HALF_LIFE) for task in self.tasks}
        shared = (1 - sum(kept.values())) / len(self.tasks)
        return _at_least(self.floor, {task: value + shared for task, value in kept.items()})

    def sampling_weights(self) -> dict[str, float]:
        """w_k · min(1 / (1 - ρ_k), M), summing to 1."""
        raw = {}
        for task, weight in self.weights().items():
            signal = 1 - self.flat.get(task, 0.0)
            raw[task] = weight * (min(1 / signal, LARGEST_FACTOR) if signal > 0 else LARGEST_FACTOR)
        total = sum(raw.values())
        return {task: value / total for task, value in raw.items()}

    def observe_flat(self, shares: dict[str, float]) -> None:
        """Update ρ_k from a batch: task -> the share of the task's groups without signal."""
        for task, share in shares.items():
            before = self.flat.get(task, 0.0)
            self.flat[task] = SMOOTHING * before + (1 - SMOOTHING) * share

    def update(self, rewards: dict[str, float]) -> dict[str, float]:
        """One update from the mean raw reward of the tasks in a batch; returns the new weights.

        Args:
            rewards: task -> mean reward in [0, 1]; a task that is not in the batch is left out.
        """
        improvement = dict.fromkeys(self.tasks, 0.0)
        for task, reward in rewards.items():
            before = self.level.get(task)
            now = reward if before is None else SMOOTHING * before + (1 - SMOOTHING) * reward
            self.level[task] = now
            if before is not None:
                improvement[task] = max(-CLIP, min(CLIP, now - before))
        if len(self.level) < len(self.tasks):  # the rule needs every task's level
            return self.weights()
        self._look_for_gains(rewards)
        z = self._softmax()
        s = {task: improvement[task] + self.lam * self.level[task] for task in self.tasks}
        mean = sum(z[task] * s[task] for task in self.tasks)
        self._step({task: z[task] * (s[task] - mean) for task in self.tasks})
        return self.weights()

    def _softmax(self) -> dict[str, float]:
        top = max(self.xi.values())
        raw = {task: exp(value - top) for task, value in self.xi.items()}
        total = sum(raw.values())
        return {task: value / total for task, value in raw.items()}

    def _step(self, gradient: dict[str, float]) -> None:
        """Adam with decoupled decay of the size of the step, which bounds ξ."""
        self.updates += 1
        for task, g in gradient.items():
            one, two = _MOMENTS
            self.first[task] = one * self.first.get(task, 0.0) + (1 - one) * g
            self.second[task] = two * self.second.get(task, 0.0) + (1 - two) * g * g
            mean = self.first[task] / (1 - one**self.updates)
            size = sqrt(self.second[task] / (1 - two**self.updates)) + _TINY
            self.xi[task] -= self.beta * (mean / size + self.xi[task])

    def _look_for_gains(self, rewards: dict[str, float]) -> None:
        for task in self.tasks:
            now = self.slow.get(task, self.level[task])
            if task in rewards:
                now = _SLOW * now + (1 - _SLOW) * rewards[task]
            self.slow[task] = now
            self.stale[task] = self.stale.get(task, 0) + 1
            if now > self.best.setdefault(task, now) + _GAIN:
                self.best[task], self.stale[task] = now, 0

    def state(self) -> dict[str, Any]:
        """The state as plain values, for a checkpoint."""
        return {name: value for name, value in vars(self).items() if name != "tasks"}

    @classmethod
    def from_state(cls, tasks: tuple[str, ...], state: dict[str, Any]) -> "TaskWeights":
        """The weights from a checkpoint's ``state``.

        Raises:
            ValueError: the state is for other tasks.
        """
        if set(state["xi"]) != set(tasks):
            raise ValueError(f"the checkpoint weighs tasks {sorted(state['xi'])}, this run {sorted(tasks)}")
        own: dict[str, Any] = {name: dict(kept) if isinstance(kept, dict) else kept for name, kept in state.items()}
        return cls(tasks, **own)


def _at_least(floor: float, weights: dict[str, float]) -> dict[str, float]:
    """The weights, none below ``floor``: those below are raised to it, and the others scaled to what is left."""
    raised: set[str] = set()
    while True:
        left = 1 - floor * len(raised)
        total = sum(value for task, value in weights.items() if task not in raised)
        scaled = {task: floor if task in raised else left * value / total for task, value in weights.items()}
        below = {task for task, value in scaled.items() if value < floor and task not in raised}
        if not below:
            return scaled
        raised |= below
