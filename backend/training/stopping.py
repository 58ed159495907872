"""A stop asked for by a signal, wherever the process is.

While the trainer works, ``callbacks.StopSignal`` ends it at the next step with a checkpoint. Before and after (loading,
preflight, evaluations) there is nothing to wait for: the signal raises ``StopRequested`` there.
"""

import signal
from typing import Any

STOPS = (signal.SIGTERM, signal.SIGINT)


class StopRequested(BaseException):
    """Somebody asked the process to end; its text is the signal's name. No ``except Exception`` takes it for an error."""


def stop_at_once() -> None:
    """From now on the first stop signal raises ``StopRequested``; a second one ends the process."""
    for number in STOPS:
        signal.signal(number, _raise)


def _raise(number: int, _frame: Any) -> None:
    for each in STOPS:
        signal.signal(each, signal.SIG_DFL)
    raise StopRequested(signal.Signals(number).name)
