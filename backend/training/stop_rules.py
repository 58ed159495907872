"""The watch table: rules that check a run's logged metrics, and show, warn or stop when they fire.

Each rule is a pure function of the metrics so far, so it can be tested on past runs: ``first_firing`` returns when it
would first have fired. Thresholds come from the handoff, "Must watch in real time", and the final report.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from backend.evaluation.gap import LIMIT
from backend.suites import label_of, tasks
from backend.wording import Text, decimal, fill

CLIPPED_SHARE = 0.5
ZERO_VARIANCE_SHARE = 0.5
GRAD_NORM = 2.0
ENTROPY_SHARE = 0.2
"""As a share of the mean entropy of the first 50 steps."""
DISTINCT_SHARE = 0.5
NEAR_CEILING = 0.95
FEWEST_POINTS = 3
"""Logged values that a mean over 25 steps needs."""

NAN_LOSS = "nan-loss"

Action = Literal["show", "warn", "stop"]
Series = Mapping[str, Sequence[tuple[int, float]]]
"""Metric name -> (step, value) pairs in step order."""


@dataclass(frozen=True)
class Rule:
    """One line of the watch table.

    Attributes:
        name: short and stable; watch.json and the pages use it.
        what: the rule in words.
        action: what happens when it fires.
        check: metrics so far -> the numbers that made it fire, in words; None while it does not.
        reads: how the metric's name begins without which it cannot fire; "" for one that is always watched.
    """

    name: str
    what: Text
    action: Action
    check: Callable[[Series], str | None]
    reads: str = ""


@dataclass(frozen=True)
class Firing:
    """A rule that fired: the rule, the step, and the numbers that made it fire."""

    rule: Rule
    step: int
    numbers: str

    def __str__(self) -> str:
        return f"{self.rule.name} at step {self.step}: {self.rule.what} ({self.numbers})"


def floors(task_names: Iterable[str]) -> dict[str, float]:
    """task -> its floor, the evaluation mean below which a rule warns; tasks without a floor are left out."""
    known = tasks()
    return {name: floor for name in task_names if name in known and (floor := known[name].floor) is not None}


def default_rules(
    max_completion_length: int, task_floors: Mapping[str, float], on_gap: Action = "warn"
) -> tuple[Rule, ...]:
    """The rules a run starts with.

    Args:
        max_completion_length: the run's ceiling in tokens.
        task_floors: see ``floors``.
        on_gap: what the rule ``gap`` does.
    """
    return (
        Rule(
            NAN_LOSS,
            Text("the loss or its gradient is not a number", "a perda ou seu gradiente não é um número"),
            "stop",
            _nan_loss,
            "loss",
        ),
        *(_floor_rule(task, floor) for task, floor in task_floors.items()),
        Rule(
            "ceiling",
            Text(
                "more than half of the completions hit the length ceiling for 20 steps",
                "mais da metade das respostas bate no teto de tamanho por 20 passos",
            ),
            "stop",
            _ceiling,
            "completions/clipped_ratio",
        ),
        Rule(
            "no-signal",
            Text(
                "more than half of the groups carry no signal for 20 steps",
                "mais da metade dos grupos não traz sinal por 20 passos",
            ),
            "stop",
            _no_signal,
            "zero_variance/mean",
        ),
        Rule(
            "grad-norm",
            Text("gradient norm above 2.0", "norma do gradiente acima de 2,0"),
            "warn",
            _grad_norm,
            "grad_norm",
        ),
        Rule(
            "entropy-collapse",
            Text(
                "entropy below 20 % of its start while the reward falls",
                "entropia abaixo de 20 % do início enquanto a recompensa cai",
            ),
            "stop",
            _entropy_collapse,
        ),
        Rule(
            "same-answers",
            Text(
                "a group's completions are mostly the same, for 20 steps",
                "as respostas de um grupo são quase todas iguais, por 20 passos",
            ),
            "warn",
            _same_answers,
            "distinct/mean",
        ),
        Rule(
            "one-sided",
            Text(
                "one component rises while its task's others fall, for 50 steps",
                "um componente sobe e os outros da tarefa caem, por 50 passos",
            ),
            "warn",
            _one_sided,
            "rewards/",
        ),
        Rule(
            "gap",
            Text(
                "the reward rises while truth or people do not go along",
                "a recompensa sobe e a verdade ou as pessoas não acompanham",
            ),
            on_gap,
            _gap,
            "eval/gap/",
        ),
        Rule(
            "gpu-memory",
            Text(
                "GPU memory rises steadily, by over 5 % in 100 steps",
                "a memória da GPU sobe sem parar, mais de 5 % em 100 passos",
            ),
            "warn",
            _gpu_memory,
            "gpu_memory_gb",
        ),
        Rule(
            "disk",
            Text("the disk is nearly full (under 1 GB)", "o disco está quase cheio (menos de 1 GB)"),
            "stop",
            _disk,
        ),
        Rule(
            "long-answers",
            fill(
                "mean completion length within 5 % of the ceiling of {n} tokens",
                "tamanho médio das respostas a 5 % do teto de {n} tokens",
                n=max_completion_length,
            ),
            "warn",
            lambda series: _long_answers(series, max_completion_length),
            "completions/mean_length",
        ),
    )


def limit_of(
    name: str, values: Sequence[float], known: Collection[str] = (), max_completion_length: int | None = None
) -> float | None:
    """The threshold of a rule, for a line in the metric's chart; None if no rule has a fixed threshold for it.

    Args:
        name: the metric.
        values: its values so far, in step order.
        known: the names of all of the run's metrics.
        max_completion_length: the run's ceiling in tokens.
    """
    fixed = {
        **{f"eval/{task}": floor for task, floor in floors(tasks()).items()},
        "completions/clipped_ratio": CLIPPED_SHARE,
        "zero_variance/mean": ZERO_VARIANCE_SHARE,
        "grad_norm": GRAD_NORM,
        "distinct/mean": DISTINCT_SHARE,
    }
    if name == "entropy/rollouts" and sum(other.startswith(f"{name}/") for other in known) > 1:
        return None  # the rule takes each task's own mean, whatever the mix of a step
    if name in ("entropy", "entropy/rollouts") and len(values) >= 50:
        return ENTROPY_SHARE * _mean(values[:50])
    if name == "completions/mean_length" and max_completion_length:
        return NEAR_CEILING * max_completion_length
    return fixed.get(name)


def evaluate_rules(rules: Sequence[Rule], series: Series) -> list[Firing]:
    """The rules that fire on the metrics so far."""
    step = max((points[-1][0] for points in series.values() if points), default=0)
    return [Firing(rule, step, numbers) for rule in rules if (numbers := rule.check(series)) is not None]


def first_firing(rule: Rule, series: Series) -> Firing | None:
    """The rule's first firing on a whole run's metrics; None if it never fires."""
    steps = sorted({step for points in series.values() for step, _ in points})
    for step in steps:
        so_far = {name: [p for p in points if p[0] <= step] for name, points in series.items()}
        numbers = rule.check({name: points for name, points in so_far.items() if points})
        if numbers is not None:
            return Firing(rule, step, numbers)
    return None


def _last(series: Series, name: str, count: int) -> list[float] | None:
    """The last ``count`` values of a metric; None when there are fewer."""
    points = series.get(name, ())
    return [value for _, value in points[-count:]] if len(points) >= count else None


def _nan_loss(series: Series) -> str | None:
    last = {name: values[0] for name in ("loss", "grad_norm") if (values := _last(series, name, 1))}
    return ", ".join(f"{name} {value}" for name, value in last.items() if not math.isfinite(value)) or None


def _floor_rule(task: str, floor: float) -> Rule:
    def check(series: Series) -> str | None:
        points = series.get(f"eval/{task}", ())
        below = points and points[-1][0] >= 100 and points[-1][1] < floor
        return f"eval/{task} {points[-1][1]:.3f}" if below else None

    words = fill(
        "{task} below {floor} after step 100",
        "{task} abaixo de {floor} após o passo 100",
        task=label_of(task),
        floor=decimal(floor),
    )
    return Rule(f"{task}-floor", words, "warn", check)


def _sustained(series: Series, name: str, above: float, steps: int) -> str | None:
    last = _last(series, name, steps)
    return f"{name} at least {min(last):.2f} for {steps} steps" if last and min(last) > above else None


def _ceiling(series: Series) -> str | None:
    return _sustained(series, "completions/clipped_ratio", CLIPPED_SHARE, 20)


def _no_signal(series: Series) -> str | None:
    return _sustained(series, "zero_variance/mean", ZERO_VARIANCE_SHARE, 20)


def _grad_norm(series: Series) -> str | None:
    last = _last(series, "grad_norm", 1)
    return f"grad_norm {last[0]:.2f}" if last and last[0] > GRAD_NORM else None


def entropy_of(series: Series) -> str:
    """The metric that tells a run's token entropy: our own, or in earlier and imported runs the trainer's."""
    return "entropy/rollouts" if series.get("entropy/rollouts") else "entropy"


def _entropy_collapse(series: Series) -> str | None:
    """In the rollouts, step by step, or on the eval prompts, evaluation by evaluation.

    In the rollouts each task counts the same, however many of the last steps were of it: a task whose answers are settled by
    their form has a hundredth of another's entropy, and ten steps of it alone would look like a collapse.
    """
    entropy = entropy_of(series)
    of_tasks = [name for name in series if name.startswith(f"{entropy}/")]
    pairs = [(name, name.replace(entropy, "task_reward", 1)) for name in of_tasks] or [(entropy, "task_reward/mean")]
    return _collapse(series, entropy, pairs, (50, 10, 20)) or _collapse(
        series, "eval/entropy", [("eval/entropy", "eval/mean_reward")], (2, 2, 2)
    )


def _collapse(
    series: Series, called: str, pairs: Sequence[tuple[str, str]], points: tuple[int, int, int]
) -> str | None:
    """Entropy far below its start while the reward falls, each a mean over pairs of metrics.

    Args:
        series: the metrics.
        called: what the entropy is called.
        pairs: the names of an entropy and of the reward beside it.
        points: how many values the mean entropy at the start, the mean now, and each of the two mean rewards are of; shared by
            the pairs, and at least two of each.
    """
    first, last, window = (max(2, math.ceil(count / len(pairs))) for count in points)
    means: list[tuple[float, float, float, float]] = []
    for entropy, reward in pairs:
        levels, rewards = ([value for _, value in series.get(name, ())] for name in (entropy, reward))
        if len(levels) < first + 2 * last or len(rewards) < 2 * window:
            return None
        parts = levels[:first], levels[-last:], rewards[-2 * window : -window], rewards[-window:]
        means.append((_mean(parts[0]), _mean(parts[1]), _mean(parts[2]), _mean(parts[3])))
    start, now, before, after = (_mean(of) for of in zip(*means, strict=True))
    collapsed = now < ENTROPY_SHARE * start and after < before
    return f"{called} {start:.2f} at the start, {now:.2f} now" if collapsed else None


def _same_answers(series: Series) -> str | None:
    """Detect from the texts that a group has nothing left to compare."""
    last = _last(series, "distinct/mean", 20)
    return f"at most {max(last):.0%} distinct in 20 steps" if last and max(last) < DISTINCT_SHARE else None


def _gpu_memory(series: Series) -> str | None:
    last = _last(series, "gpu_memory_gb", 100)
    if last is None:
        return None
    quarters = [_mean(last[i : i + 25]) for i in range(0, 100, 25)]
    rising = all(after > before for before, after in pairwise(quarters))
    return f"{last[0]:.1f} to {last[-1]:.1f} GB" if rising and last[-1] > 1.05 * last[0] else None


def _one_sided(series: Series) -> str | None:
    """Over the last 50 steps. A component is logged only in steps whose prompts include its task."""
    now = max((points[-1][0] for points in series.values() if points), default=0)
    tasks: dict[str, dict[str, float]] = {}
    for name, points in series.items():
        parts = name.split("/")
        if now < 50 or len(parts) != 4 or parts[0] != "rewards" or parts[3] != "mean":
            continue
        halves = [[value for step, value in points if low < step <= low + 25] for low in (now - 50, now - 25)]
        if min(map(len, halves)) >= FEWEST_POINTS:
            tasks.setdefault(parts[1], {})[parts[2]] = _mean(halves[1]) - _mean(halves[0])
    for task, change in tasks.items():
        moving = {name: delta for name, delta in change.items() if abs(delta) > 0.01}
        up = [name for name, delta in moving.items() if delta > 0]
        if len(up) == 1 and len(moving) >= 3:
            return f"{task}/{up[0]} rises by {moving[up[0]]:.2f}, {len(moving) - 1} others fall"
    return None


def _gap(series: Series) -> str | None:
    """Two evaluations in a row at which a measure has not gone along with the reward: see ``backend.evaluation.gap``."""
    for name in series:
        _, of, rest = name.partition("eval/gap/")
        last = _last(series, name, 2) if of else None
        if last and min(last) >= LIMIT:
            measure, _, task = rest.rpartition("/")
            since = int(series[f"eval/gap_since/{rest}"][-1][1])
            reward = "eval/mean_reward" if task == "overall" else f"eval/{task}"
            changes = {task: reward, measure: f"eval/{measure}"}
            said = [
                f"{label} {change:+.2f}"
                for label, of in changes.items()
                if (change := _change(series, of, since)) is not None
            ]
            return f"since step {since}: {', '.join(said)}"
    return None


def _change(series: Series, name: str, since: int) -> float | None:
    points = dict(series.get(name, ()))
    return points[max(points)] - points[since] if since in points else None


def _disk(series: Series) -> str | None:
    last = _last(series, "disk_free_gb", 1)
    return f"{last[0]:.2f} GB free" if last and last[0] < 1.0 else None


def _long_answers(series: Series, ceiling: int) -> str | None:
    last = _last(series, "completions/mean_length", 1)
    return f"mean length {last[0]:.0f}" if last and last[0] > NEAR_CEILING * ceiling else None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
