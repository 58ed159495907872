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
from backend.evaluation.words import split_words
from backend.models.load import Policy
from backend.progress import OnProgress
from backend.records import Completion, PromptRecord
from backend.suites import ToScore, counting_judges, get_task
from backend.training.checks import Check, Status, each_task, listed_tasks, task_text
from backend.training.config import TrainConfig
from backend.training.over_optimisation import over_optimisation
from backend.training.reward_functions import components_of
from backend.wording import Text, decimal, fill, general, joined
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
    mended = Text(
        "so before the SFT warm-up, which is to mend it", "assim antes do aquecimento por SFT, que deve corrigir isso"
    )
    return replace(found, status="warn", found=joined([found.found, mended]))


def _rollouts_differ(sampled: list[Sampled]) -> Check:
    shares = [len({c.text for c in s.completions}) / len(s.completions) for s in sampled]
    distinct = fmean(shares)
    status: Status = "fail" if distinct < 0.5 else "warn" if distinct < 0.8 else "pass"
    same = sum(share == 1 / len(s.completions) for share, s in zip(shares, sampled, strict=True))
    found = fill(
        "{distinct} of a group's completions differ; {same} of {n} groups are all the same",
        "{distinct} das respostas de um grupo diferem; em {same} de {n} grupos são todas iguais",
        distinct=f"{distinct:.0%}", same=same, n=len(sampled),
    )  # fmt: skip
    story = Text(
        "identical rollouts: no advantage, so no gradient",
        "amostras idênticas: sem vantagem, logo sem gradiente",
    )
    return Check("rollouts-differ", status, found, story)


def _signal(sampled: list[Sampled]) -> Check:
    shares = {
        task: fmean(all(a.components == s.scores[0].components for a in s.scores) for s in of_task)
        for task, of_task in _samples_by_task(sampled).items()
    }
    worst = max(shares.values())
    status: Status = "fail" if worst > 0.5 else "warn" if worst > 0.25 else "pass"
    found = fill(
        "groups without signal: {tasks}", "grupos sem sinal: {tasks}",
        tasks=each_task({task: f"{share:.0%}" for task, share in shares.items()}),
    )  # fmt: skip
    story = Text("groups of equal rewards, which train nothing", "grupos de recompensas iguais, que não treinam nada")
    return Check("signal", status, found, story)


def _ceiling(config: TrainConfig, sampled: list[Sampled]) -> Check:
    cut = fmean(c.truncated for s in sampled for c in s.completions)
    status: Status = "fail" if cut > 0.5 else "warn" if cut > 0.1 else "pass"
    found = fill(
        "{cut} of the completions are cut at {n} tokens", "{cut} das respostas são cortadas em {n} tokens",
        cut=f"{cut:.0%}", n=config.max_completion_length,
    )  # fmt: skip
    story = Text("completions that are all cut at the ceiling", "respostas todas cortadas no teto")
    return Check("ceiling", status, found, story)


def _thinking(policy: Policy, sampled: list[Sampled]) -> Check:
    asked = policy.tokenizer.apply_chat_template(sampled[0].prompt.chat, add_generation_prompt=True, tokenize=False)
    opens = asked.rfind("<think>") > asked.rfind("</think>")
    share = fmean("<think>" in c.text or "</think>" in c.text for s in sampled for c in s.completions)
    status: Status = "fail" if opens or share > 0.1 else "warn" if share else "pass"
    found = [
        fill("{share} of the completions think aloud", "{share} das respostas pensam em voz alta", share=f"{share:.0%}")
    ]
    if opens:
        found.append(Text("the chat template opens <think>", "o modelo de conversa abre <think>"))
    story = Text("a <think> that uses up the whole length", "um <think> que gasta o tamanho todo")
    return Check("thinking", status, joined(found), story)


def _parser(sampled: list[Sampled]) -> Check:
    answers = [(get_task(s.prompt.task).json, c.text) for s in sampled for c in s.completions]
    found = [json.parse(text) for json, text in answers if json is not None]
    recovered = fmean(p.value is not None for p in found)
    strict = fmean(p.value is not None and p.strict for p in found)
    status: Status = "fail" if recovered < 0.10 else "warn" if recovered < 0.30 else "pass"
    words = fill(
        "JSON found in {recovered} of the answers that need it ({strict} by the strict parser)",
        "JSON encontrado em {recovered} das respostas que o exigem ({strict} pelo leitor estrito)",
        recovered=f"{recovered:.0%}", strict=f"{strict:.0%}",
    )  # fmt: skip
    story = Text(
        "right answers that are not understood: one parser fix was worth more than every algorithm",
        "respostas certas que não são lidas: um conserto do leitor de JSON valeu mais que todos os algoritmos",
    )
    return Check("parser", status, words, story)


def _headroom(config: TrainConfig, sampled: list[Sampled]) -> Check:
    constant_tasks: dict[str, Text] = {}
    still: list[Text] = []
    full: list[str] = []
    for task, of_task in _samples_by_task(sampled).items():
        scores = [one for s in of_task for one in s.scores]
        totals = [one.total for one in scores]
        if max(totals) - min(totals) < 1e-9:
            constant_tasks[task] = fill("= {value}", "= {value}", value=decimal(totals[0]))
        bounds = get_task(task).bounds
        if bounds is not None and fmean(totals) > bounds[0] + 0.95 * (bounds[1] - bounds[0]):
            full.append(task)
        names = [c.name for c in components_of((task,), config.profile) if c.maximum > 0 or c.weight < 0]
        still += [
            fill("{task}/{name}", "{task}/{name}", task=task_text(task), name=name)
            for name in names
            if len({one.components.get(name) for one in scores}) == 1
        ]
    story = Text(
        "a reward that cannot move, and so cannot teach", "uma recompensa que não se move e por isso não ensina"
    )
    if constant_tasks:
        found = fill(
            "the reward is constant: {tasks}", "a recompensa é constante: {tasks}", tasks=each_task(constant_tasks)
        )
        return Check("headroom", "fail", found, story)
    means = {
        task: decimal(fmean(one.total for s in of_task for one in s.scores))
        for task, of_task in _samples_by_task(sampled).items()
    }
    notes = [
        fill(
            "base means {means} ({profile})", "médias do modelo base {means} ({profile})",
            means=each_task(means), profile=config.profile,
        )
    ]  # fmt: skip
    if still:
        notes.append(fill("constant: {names}", "constante: {names}", names=joined(still, ", ")))
    if full:
        notes.append(fill("nothing left to gain: {tasks}", "nada mais a ganhar: {tasks}", tasks=listed_tasks(full)))
    return Check("headroom", "warn" if len(notes) > 1 else "pass", joined(notes), story)


def attack_check(
    config: TrainConfig, sampled: list[Sampled], on_progress: OnProgress = lambda done, total: None
) -> Check:
    """A short search for cheap texts on the sampled prompts, with pieces of the sampled completions."""
    story = Text(
        "a reward that pays almost in full for texts that nobody wants",
        "uma recompensa que paga quase tudo por textos que ninguém quer",
    )
    ended: dict[str, list[Text]] = {how: [] for how in _ATTACKS}
    tasks = _samples_by_task(sampled)
    for done, (task, of_task) in enumerate(tasks.items()):
        on_progress(done, len(tasks))
        how, words = _attacked(config, task, of_task)
        ended[how].append(words)
    said = [fill(*_ATTACKS[how], tasks=joined(words, ", ")) for how, words in ended.items() if words]
    return Check("attack", "warn" if ended["broken"] or ended["not searched"] else "pass", joined(said), story)


_ATTACKS = {
    "broken": (
        "cheap texts score high: {tasks}; `workbench attack` shows them",
        "textos baratos pontuam alto: {tasks}; `workbench attack` os mostra",
    ),
    "held": ("no cheap text scores high: {tasks}", "nenhum texto barato pontua alto: {tasks}"),
    "not searched": ("not searched: {tasks}", "sem busca: {tasks}"),
}
"""How the attack on a task ends, and what the check says of such tasks."""


def _attacked(config: TrainConfig, task: str, sampled: list[Sampled]) -> tuple[str, Text]:
    """How the attack on a task ended, and the task with what was found."""
    bounds, name = get_task(task).bounds, task_text(task)
    if bounds is None:
        return "not searched", fill(
            "{task} (its reward has no BOUNDS to say what is high; `workbench attack` takes the best of your data)",
            "{task} (a recompensa não tem BOUNDS que digam o que é alto; `workbench attack` usa o melhor dos seus dados)",
            task=name,
        )
    if judges := counting_judges(task):
        return "not searched", fill(
            "{task} ({judges} would be asked hundreds of times)",
            "{task} ({judges} teria de responder centenas de vezes)",
            task=name,
            judges=", ".join(judges),
        )
    texts = [c.text for s in sampled for c in s.completions]
    found = search(
        task,
        config.profile,
        [ToScore.of(s.prompt, "") for s in sampled],
        texts,
        texts,
        high_of(bounds),
        calls=_ATTACK_CALLS,
        seconds=_ATTACK_SECONDS,
        most_finds=1,
    )
    if found.to_target is None:
        words = ("{task} (best {best} in {calls})", "{task} (o melhor {best} em {calls})")
        return "held", fill(*words, task=name, best=decimal(found.best), calls=found.calls)
    shown = " ".join(found.finds[0].text.split())[:60] if found.finds else ""
    words = ("{task} after {calls} calls ({text})", "{task} após {calls} chamadas ({text})")
    return "broken", fill(*words, task=name, calls=found.to_target, text=repr(shown))


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
    judged, split = (test, split_words("test")) if test else (evaluated, split_words("eval"))
    answers = config.final_samples if test else config.eval_samples
    seen: dict[str, Text] = {}
    for task, prompts in judged.items():
        base, explored = (
            np.array([[one.total for one in s.scores] for s in of if s.prompt.task == task])
            for of in (answered, sampled)
        )
        words = fill("{n}", "{n}", n=len(prompts))
        if min(len(base), len(explored)) >= 2:
            spread = expected_spread(base, explored, answers)
            change = detectable_from_spread(spread, len(prompts), tasks=len(judged))
            needed = prompts_needed(spread, _SMALL_CHANGE, tasks=len(judged))
            words = fill(
                "{n} ({change}; {needed} for ±{small})", "{n} ({change}; {needed} para ±{small})",
                n=len(prompts),
                change=Text("none", "nenhuma") if isnan(change) else fill("±{by}", "±{by}", by=decimal(change)),
                needed=needed, small=general(_SMALL_CHANGE),
            )  # fmt: skip
        seen[task] = words
    least = min(len(prompts) for prompts in judged.values())
    few_to_choose = min(len(prompts) for prompts in evaluated.values()) < FEWEST_PAIRS
    status: Status = "fail" if least < FEWEST_PAIRS else "warn" if least < 15 or few_to_choose or not test else "pass"
    found = [
        fill(
            "{split} prompts, {answers} answers each, and smallest change they show: {tasks}",
            "prompts de {split}, {answers} respostas cada, e a menor mudança que mostram: {tasks}",
            split=split,
            answers=answers,
            tasks=each_task(seen),
        )
    ]
    if not test:
        found.append(
            Text(
                "no test prompts, so the best step is chosen on the prompts that judge it",
                "sem prompts de teste, o melhor passo é escolhido nos prompts que o julgam",
            )
        )
    story = Text(
        "verdicts on noise: about 2 prompts a task gave ±0.22",
        "vereditos sobre ruído: cerca de 2 prompts por tarefa deram ±0,22",
    )
    return Check("eval-size", status, joined(found), story)
