"""The checks of preflight that need completions, sampled exactly as training and evaluation will sample them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import isnan
from statistics import fmean

import numpy as np

from backend.audit.attack import high_of, search
from backend.evaluation.noise import expected_spread
from backend.evaluation.paired import FEWEST_PAIRS
from backend.evaluation.power import detectable_from_spread, prompts_needed
from backend.models.load import Policy
from backend.progress import OnProgress
from backend.records import Completion, PromptRecord
from backend.suites import ToScore, counting_judges, get_task
from backend.training.checks import Check, Status
from backend.training.config import TrainConfig
from backend.training.over_optimisation import over_optimisation
from backend.training.reward_functions import components_of
from rewards.types import Score

_ATTACK_CALLS, _ATTACK_SECONDS = 2_000, 20.0
"""Calls of the reward for one task, and the longest that they may take."""
_SMALL_CHANGE = 0.05
"""The change of mean reward for which preflight says how many prompts would show it."""


@dataclass(frozen=True)
class Sampled:
    """A prompt with completions from the policy before training, and their scores."""

    prompt: PromptRecord
    completions: list[Completion]
    scores: list[Score]


def sample_checks(
    config: TrainConfig, policy: Policy, sampled: list[Sampled], on_progress: OnProgress = lambda done, total: None
) -> Iterator[Check]:
    """The checks of rollouts; ``on_progress`` is told of the tasks that have been attacked, which takes longest."""
    yield _rollouts_differ(sampled)
    yield _before_warm_up(config, sampled, _signal)
    yield _before_warm_up(config, sampled, lambda some: _ceiling(config, some), every_task=True)
    yield _thinking(policy, sampled)
    if in_json := [s for s in sampled if get_task(s.prompt.task).json]:
        yield _before_warm_up(config, in_json, _parser)
    yield _before_warm_up(config, sampled, lambda some: _headroom(config, some))
    yield attack_check(config, sampled, on_progress)
    yield over_optimisation(sampled)


def _samples_by_task(sampled: list[Sampled]) -> dict[str, list[Sampled]]:
    tasks: dict[str, list[Sampled]] = {}
    for s in sampled:
        tasks.setdefault(s.prompt.task, []).append(s)
    return tasks


def _before_warm_up(
    config: TrainConfig, sampled: list[Sampled], check: Callable[[list[Sampled]], Check], every_task: bool = False
) -> Check:
    """``check``; a failure that the SFT warm-up is to mend is a warning, for GRPO never trains the policy that was sampled.

    It mends what fails in the tasks of its pairs alone, or in ``every_task``: to end an answer is learned from any pair.
    """
    found = check(sampled)
    if not config.sft_epochs or found.status != "fail":
        return found
    others = [s for s in sampled if config.sft_tasks and s.prompt.task not in config.sft_tasks and not every_task]
    if others and check(others).status == "fail":
        return found
    return replace(found, status="warn", found=f"{found.found}; so before the SFT warm-up, which is to mend it")


def _rollouts_differ(sampled: list[Sampled]) -> Check:
    shares = [len({c.text for c in s.completions}) / len(s.completions) for s in sampled]
    distinct = fmean(shares)
    status: Status = "fail" if distinct < 0.5 else "warn" if distinct < 0.8 else "pass"
    same = sum(share == 1 / len(s.completions) for share, s in zip(shares, sampled, strict=True))
    found = f"{distinct:.0%} of a group's completions differ; {same} of {len(sampled)} groups are all the same"
    return Check("rollouts-differ", status, found, "V1: identical rollouts, so no advantage and no gradient")


def _signal(sampled: list[Sampled]) -> Check:
    shares = {
        task: fmean(all(a.components == s.scores[0].components for a in s.scores) for s in of_task)
        for task, of_task in _samples_by_task(sampled).items()
    }
    worst = max(shares.values())
    status: Status = "fail" if worst > 0.5 else "warn" if worst > 0.25 else "pass"
    found = "groups without signal: " + ", ".join(f"{task} {share:.0%}" for task, share in shares.items())
    return Check("signal", status, found, "V1: groups of equal rewards train nothing")


def _ceiling(config: TrainConfig, sampled: list[Sampled]) -> Check:
    cut = fmean(c.truncated for s in sampled for c in s.completions)
    status: Status = "fail" if cut > 0.5 else "warn" if cut > 0.1 else "pass"
    found = f"{cut:.0%} of the completions are cut at {config.max_completion_length} tokens"
    return Check("ceiling", status, found, "V2: every completion was cut at the ceiling")


def _thinking(policy: Policy, sampled: list[Sampled]) -> Check:
    asked = policy.tokenizer.apply_chat_template(sampled[0].prompt.chat, add_generation_prompt=True, tokenize=False)
    opens = asked.rfind("<think>") > asked.rfind("</think>")
    share = fmean("<think>" in c.text or "</think>" in c.text for s in sampled for c in s.completions)
    status: Status = "fail" if opens or share > 0.1 else "warn" if share else "pass"
    found = f"{share:.0%} of the completions think aloud" + ("; the chat template opens <think>" if opens else "")
    return Check("thinking", status, found, "V2: <think> used up the whole length")


def _parser(sampled: list[Sampled]) -> Check:
    answers = [(get_task(s.prompt.task).json, c.text) for s in sampled for c in s.completions]
    found = [json.parse(text) for json, text in answers if json is not None]
    recovered = fmean(p.value is not None for p in found)
    strict = fmean(p.value is not None and p.strict for p in found)
    status: Status = "fail" if recovered < 0.10 else "warn" if recovered < 0.30 else "pass"
    words = f"JSON found in {recovered:.0%} of the answers that need it ({strict:.0%} by the strict parser)"
    return Check("parser", status, words, "V4: one parser fix was worth more than every algorithm")


def _headroom(config: TrainConfig, sampled: list[Sampled]) -> Check:
    constant_tasks, still, full = [], [], []
    for task, of_task in _samples_by_task(sampled).items():
        scores = [one for s in of_task for one in s.scores]
        totals = [one.total for one in scores]
        if max(totals) - min(totals) < 1e-9:
            constant_tasks.append(f"{task} = {totals[0]:.2f}")
        bounds = get_task(task).bounds
        if bounds is not None and fmean(totals) > bounds[0] + 0.95 * (bounds[1] - bounds[0]):
            full.append(task)
        names = [c.name for c in components_of((task,), config.profile) if c.maximum > 0 or c.weight < 0]
        still += [f"{task}/{name}" for name in names if len({one.components.get(name) for one in scores}) == 1]
    story = "a reward that cannot move cannot teach"
    if constant_tasks:
        return Check("headroom", "fail", f"the reward is constant: {', '.join(constant_tasks)}", story)
    means = ", ".join(
        f"{task} {fmean(one.total for s in of_task for one in s.scores):.2f}"
        for task, of_task in _samples_by_task(sampled).items()
    )
    notes = [f"constant: {', '.join(still)}"] if still else []
    notes += [f"nothing left to gain: {', '.join(full)}"] if full else []
    found = f"base means {means} ({config.profile})" + "".join(f"; {note}" for note in notes)
    return Check("headroom", "warn" if notes else "pass", found, story)


def attack_check(
    config: TrainConfig, sampled: list[Sampled], on_progress: OnProgress = lambda done, total: None
) -> Check:
    """A short search for cheap texts on the sampled prompts, with pieces of the sampled completions."""
    story = "V4.2 and its like: every reward of the seeds pays 0.90 for texts that nobody wants"
    broken, held = [], []
    tasks = _samples_by_task(sampled)
    for done, (task, of_task) in enumerate(tasks.items()):
        on_progress(done, len(tasks))
        known = get_task(task)
        if known.bounds is None:
            continue
        if judges := counting_judges(task):
            held.append(f"{task} not searched, because {', '.join(judges)} would be asked hundreds of times")
            continue
        texts = [c.text for s in of_task for c in s.completions]
        asked = [ToScore.of(s.prompt, "") for s in of_task]
        found = search(
            task,
            config.profile,
            asked,
            texts,
            texts,
            high_of(known.bounds),
            calls=_ATTACK_CALLS,
            seconds=_ATTACK_SECONDS,
            most_finds=1,
        )
        if found.to_target is None:
            held.append(f"{task} (best {found.best:.2f} in {found.calls})")
        else:
            shown = " ".join(found.finds[0].text.split())[:60] if found.finds else ""
            broken.append(f"{task} after {found.to_target} calls ({shown!r})")
    if broken:
        return Check(
            "attack", "warn", f"cheap texts score high: {', '.join(broken)}; `workbench attack` shows them", story
        )
    return Check("attack", "pass", f"no cheap text scores high: {', '.join(held) or 'nothing to attack'}", story)


def eval_size_check(
    config: TrainConfig,
    evaluated: dict[str, list[PromptRecord]],
    test: dict[str, list[PromptRecord]],
    answered: list[Sampled],
    sampled: list[Sampled],
) -> Check:
    """What the comparison of base and tuned will be able to see.

    Args:
        config: the run's configuration.
        evaluated, test: eval and test prompts per task.
        answered: the base's answers to eval prompts, as in an evaluation.
        sampled: its answers to train prompts, as in training.
    """
    judged, split = (test, "test") if test else (evaluated, "eval")
    answers = config.final_samples if test else config.eval_samples
    seen = []
    for task, prompts in judged.items():
        base, explored = (
            np.array([[one.total for one in s.scores] for s in of if s.prompt.task == task])
            for of in (answered, sampled)
        )
        words = f"{task} {len(prompts)}"
        if min(len(base), len(explored)) >= 2:
            spread = expected_spread(base, explored, answers)
            change = detectable_from_spread(spread, len(prompts), tasks=len(judged))
            needed = prompts_needed(spread, _SMALL_CHANGE, tasks=len(judged))
            words += f" ({'none' if isnan(change) else f'±{change:.2f}'}; {needed} for ±{_SMALL_CHANGE})"
        seen.append(words)
    least = min(len(prompts) for prompts in judged.values())
    few_to_choose = min(len(prompts) for prompts in evaluated.values()) < FEWEST_PAIRS
    status: Status = "fail" if least < FEWEST_PAIRS else "warn" if least < 15 or few_to_choose or not test else "pass"
    found = f"{split} prompts, {answers} answers each, and smallest change they show: {', '.join(seen)}"
    found += "" if test else "; no test prompts, so the best step is chosen on the prompts that judge it"
    return Check("eval-size", status, found, "V4: n of about 2 gave ±0.22 of noise")
