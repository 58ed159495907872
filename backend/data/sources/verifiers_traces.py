"""verifiers' traces (``traces.jsonl``): what an agent was asked and said, as a graph of messages; its last answer is the completion."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backend.data.sources.text_tables import jsonl_rows, reads_jsonl

_NOT_COLUMNS = frozenset(
    "prompt system_prompt idx id name description image workdir agent_user skills network_allow network_block artifacts "
    "artifact_max_bytes timeout resources".split()
)
"""Of a task's data: what is read in another place, and what says only how the task was run."""


def reads(path: Path) -> bool:
    """Whether the name is that of a file of traces."""
    return reads_jsonl(path) and "traces" in path.name.lower()


def rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | ValueError]]:
    """A row for each trace: the messages before the last answer, the answer, and the task's data, rewards and metrics as columns."""
    for place, row in jsonl_rows(path):
        yield place, row if isinstance(row, ValueError) else _row(row)


def _row(trace: Mapping[str, Any]) -> dict[str, Any] | ValueError:
    nodes, task = trace.get("nodes"), trace.get("task")
    if not isinstance(nodes, list) or not isinstance(task, Mapping):
        return ValueError("the line is no trace: it has no nodes and task")
    written = [place for place, node in enumerate(nodes) if node.get("sampled")]
    if not written:
        return ValueError("the trace has no answer of a model")
    path: list[Any] = []
    place: int | None = written[-1]
    while place is not None and len(path) <= len(nodes):  # a trace that names itself as its parent ends too
        path.append(nodes[place]["message"])
        place = nodes[place].get("parent")
    answer, *before = path
    rewards = {f"reward_{name}": r.get("score") for name, r in (trace.get("rewards") or {}).items() if r is not None}
    model = ((trace.get("agent") or {}).get("config") or {}).get("model")
    return {
        **{k: value for k, value in (task.get("data") or {}).items() if k not in _NOT_COLUMNS and value is not None},
        **{name: value for name, value in (trace.get("metrics") or {}).items() if value is not None},
        **rewards,
        "prompt": [m for m in reversed(before) if m.get("content")],
        "completion": [answer],
        "id": str(trace.get("id", "")),
        **({"policy": model} if isinstance(model, str) else {}),
    }
