"""Why a run's process died, in plain words: from its exit code or signal first, and from its log only where that ended there."""

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


_GOES_ON = re.compile(r"^\r?(?:\x1b\[2K)?(?:step \d+/\d+ |eval at step \d|going on from step |not copied to the store)")
"""Lines that a run writes while it goes on: what stands before one of them did not end it."""
_FROM_OUTSIDE = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}
KILLED_ON_REQUEST = "killed on request"


def cause_of_death(exit_code: int | None, log: str) -> str:
    """Why a process ended, in one line.

    A signal from outside says nothing of what the log holds; one from inside (a crash) and an error do, if the log ended
    with it.

    Args:
        exit_code: of the process, negative for a signal; None when it is not known.
        log: the end of its log.
    """
    end = _end_of(log)
    known = known_cause(end)
    if exit_code is not None and exit_code < 0:
        return _of_signal(-exit_code, known)
    if exit_code == 0:
        return "it ended with exit code 0 and did not say how"
    if known:
        return known
    if found := list(_EXCEPTION.finditer(end)):
        return found[-1].group(0)
    if exit_code:
        return f"it ended with exit code {exit_code}"
    return "its process is gone and nobody saw how: killed, or the machine was switched off"


def _of_signal(number: int, known: str | None) -> str:
    if number == signal.SIGKILL:
        return "killed (SIGKILL): by somebody, or by the system because main memory ran out"
    words = f"killed by {_signal_name(number)}"
    return words if known is None or number in _FROM_OUTSIDE else f"{words}: {known}"


def stopped_by(exit_code: int | None) -> str | None:
    """The signal by which somebody asked the process to end, if that ended it: SIGTERM or SIGINT."""
    asked = exit_code in (-signal.SIGTERM, -signal.SIGINT)
    return _signal_name(-exit_code) if asked and exit_code is not None else None


def _end_of(log: str) -> str:
    """What the log says after the last sign that the run went on; of several errors there, the last."""
    lines = log.rstrip().splitlines()
    lines = lines[max((i + 1 for i, line in enumerate(lines) if _GOES_ON.match(line)), default=0) :]
    starts = [i for i, line in enumerate(lines) if line.startswith("Traceback ")]
    return "\n".join(lines[starts[-1] :] if starts else lines)


def known_cause(text: str) -> str | None:
    """What a known error's text means and what helps; None for other texts."""
    return next((words for pattern, words in _KNOWN if pattern.search(text)), None)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
