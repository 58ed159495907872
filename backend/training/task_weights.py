"""Improvement-aware task weights (IWU): a task that does not improve gets more weight than one that does.

MT-GRPO (arXiv 2602.05547), Subroutine 1. Per update, with J_k a task's mean reward and I_k its change:

    z = softmax(ξ)    s_k = I_k + λ J_k    g_k = z_k (s_k - Σ_j z_j s_j)    ξ <- ξ - β g

A task with a low reward, or without improvement, gains weight. (The seeds report SQL being *down*-weighted by "IWU",
final report §5, which is the opposite of the paper's rule; here the paper's rule is implemented.)

The weights change either the components' weights (setting ``reward``), or how often a task's prompts are drawn (setting
``sampling``, as in the paper). Drawing by z alone does not give a task its share, because groups without signal have no
effect: in the authors' experiment a task with weight 0.63 got 0.36 of the batch. So ratio-preserving sampling (Algorithm
2) draws prompts in proportion to

    z_k · min(1 / (1 - ρ_k), M)    with ρ_k the share of the task's groups without signal.

There are three differences from the paper. The first two are needed because a step has few prompts: J_k is an
exponential moving average that is updated only when the task is in the batch, and I_k is the change of that average,
where the paper uses the change of the objective. Third, the paper generates more groups than needed and drops those
without signal until the shares are right. Here only the factor corrects the shares, so they are right on average: most
of a step's time is generation.
"""

from dataclasses import dataclass, field
from math import exp
from typing import Any

CLIP = 0.1
"""I_k is clipped to ±this, as in the authors' experiments."""
SMOOTHING = 0.5
LARGEST_FACTOR = 5.0
"""M: a task whose groups carry no signal at all is drawn at most this much more often."""


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
    beta: float = 1.0
    xi: dict[str, float] = field(default_factory=dict)
    level: dict[str, float] = field(default_factory=dict)
    flat: dict[str, float] = field(default_factory=dict)
    """ρ_k, a moving average."""

    def __post_init__(self) -> None:
        self.xi = {task: self.xi.get(task, 0.0) for task in self.tasks}

    def weights(self) -> dict[str, float]:
        """z = softmax(ξ): positive, summing to 1; uniform at the start."""
        top = max(self.xi.values())
        raw = {task: exp(value - top) for task, value in self.xi.items()}
        total = sum(raw.values())
        return {task: value / total for task, value in raw.items()}

    def sampling_weights(self) -> dict[str, float]:
        """z_k · min(1 / (1 - ρ_k), M), summing to 1."""
        raw = {}
        for task, z in self.weights().items():
            signal = 1 - self.flat.get(task, 0.0)
            raw[task] = z * (min(1 / signal, LARGEST_FACTOR) if signal > 0 else LARGEST_FACTOR)
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
        z = self.weights()
        s = {task: improvement[task] + self.lam * self.level[task] for task in self.tasks}
        mean = sum(z[task] * s[task] for task in self.tasks)
        for task in self.tasks:
            self.xi[task] -= self.beta * z[task] * (s[task] - mean)
        return self.weights()

    def state(self) -> dict[str, Any]:
        """The state as plain values, for a checkpoint."""
        return {"xi": self.xi, "level": self.level, "flat": self.flat, "lam": self.lam, "beta": self.beta}

    @classmethod
    def from_state(cls, tasks: tuple[str, ...], state: dict[str, Any]) -> "TaskWeights":
        """The weights from a checkpoint's ``state``.

        Raises:
            ValueError: the state is for other tasks.
        """
        if set(state["xi"]) != set(tasks):
            raise ValueError(f"the checkpoint weighs tasks {sorted(state['xi'])}, this run {sorted(tasks)}")
        return cls(tasks, state["lam"], state["beta"], dict(state["xi"]), dict(state["level"]), dict(state["flat"]))
