"""Why a run's process died, in plain words: from its exit code and the end of its log."""

import re
import signal

_KNOWN = (  # what the log says -> what it means, and what helps
    (
        re.compile(r"CUDA out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED"),
        "out of GPU memory: lower num_generations, max_completion_length or prompts_per_step, then resume",
    ),
    (
        # The last four are how safetensors and torch say it.
        re.compile(
            r"No space left on device|Errno 28|OSError: \[Errno 122\]|os error 28|iostream error|PytorchStreamWriter failed|inline_container\.cc"
        ),
        "the disk is full: free some space (old checkpoints), then resume",
    ),
    (
        # On a GPU the sampling kernel's assertion comes first; it must stand before "device-side assert".
        re.compile(
            r"probability tensor contains either|Assertion `probability tensor|Assertion `!\(.*isnan|TensorCompare.*_assert_async"
        ),
        "the model's probabilities are no numbers (inf or nan): its weights broke in a step before. Resume goes on from the "
        "last whole checkpoint; if it happens again, start a new run with a lower learning_rate",
    ),
    (
        re.compile(r"CUDA error|CUDNN_STATUS|device-side assert|NCCL"),
        "the GPU or its driver reported an error; the log says which. Resume; if it comes back, look at the machine",
    ),
    (
        re.compile(r"MemoryError|Cannot allocate memory|std::bad_alloc"),
        "out of main memory: lower prompts_per_step or eval_batch_size, then resume",
    ),
)
_EXCEPTION = re.compile(r"^(?:[\w.]+\.)?(\w*(?:Error|Exception|Interrupt|Exit)): .+", re.M)


def cause_of_death(exit_code: int | None, log: str) -> str:
    """Why a process ended, in one line.

    Args:
        exit_code: of the process, negative for a signal; None when it is not known.
        log: the end of its log.
    """
    if known := known_cause(log):
        return known
    if exit_code == -signal.SIGKILL:
        return "killed (SIGKILL): by somebody, or by the system because main memory ran out"
    if exit_code is not None and exit_code < 0:
        return f"killed by {_signal_name(-exit_code)}"
    if found := list(_EXCEPTION.finditer(log)):
        return found[-1].group(0)
    if exit_code:
        return f"it ended with exit code {exit_code}"
    return "its process is gone and nobody saw how: killed, or the machine was switched off"


def known_cause(text: str) -> str | None:
    """What a known error's text means and what helps; None for other texts."""
    return next((words for pattern, words in _KNOWN if pattern.search(text)), None)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
