"""Worked examples in a task's system prompt, for a task with too few prompts to learn from (final report §9)."""

from backend.records import Message, PromptRecord
from backend.suites import tasks


def with_examples(prompts: list[PromptRecord], count: int) -> list[PromptRecord]:
    """The prompts with the first ``count`` examples of their task added to the system prompt.

    A task without examples stays as it is. The user's text does not change, so neither do the scores.
    """
    if not count:
        return prompts
    examples = {name: task.examples for name, task in tasks().items() if task.examples}
    return [_extended(p, examples[p.task][: count + 1]) if p.task in examples else p for p in prompts]


def _extended(prompt: PromptRecord, lines: tuple[str, ...]) -> PromptRecord:
    system = "\n\n".join([m.content for m in prompt.messages if m.role == "system"] + ["\n".join(lines)])
    rest = tuple(m for m in prompt.messages if m.role != "system")
    return prompt.model_copy(update={"messages": (Message(role="system", content=system), *rest)})
