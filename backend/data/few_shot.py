"""Worked examples for a task's system prompt: for a task with too few prompts to be learned (final report §9, push)."""

from pathlib import Path

from backend.data.records import Message, PromptRecord

_FOLDER = Path(__file__).parent / "few_shot_examples"


def with_examples(prompts: list[PromptRecord], count: int) -> list[PromptRecord]:
    """The prompts with the first ``count`` examples of their task added to the system prompt.

    Examples are the ``- `` lines of ``few_shot_examples/<task>.md``, after its opening line; a task without such a
    file stays as it is. The user's text does not change, so neither do the scores.
    """
    return [_extended(p, count) for p in prompts] if count else prompts


def _extended(prompt: PromptRecord, count: int) -> PromptRecord:
    path = _FOLDER / f"{prompt.task}.md"
    if not path.is_file():
        return prompt
    lines = path.read_text(encoding="utf-8").splitlines()
    examples = [line for line in lines if line.startswith("- ")][:count]
    added = "\n".join([lines[0], *examples])
    system = "\n\n".join([m.content for m in prompt.messages if m.role == "system"] + [added])
    rest = tuple(m for m in prompt.messages if m.role != "system")
    return prompt.model_copy(update={"messages": (Message(role="system", content=system), *rest)})
