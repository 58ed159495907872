"""The recorder: a queue of limited size, from which a thread writes masked answers to the store."""

import logging
import queue
import threading
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select

from backend.serving.config import ServingConfig
from backend.store.engine import StoreAway, writing
from backend.store.tables import Answer, utc_now
from backend.suites import mask

_MOST_WAITING = 10_000
_BATCH = 500
_FLUSH_SECONDS, _AWAY_SECONDS = 1.0, 10.0
_log = logging.getLogger("workbench.recorder")


@dataclass(frozen=True)
class Given:
    """An answer that the gateway gave."""

    task: str
    engine: str
    profile: str
    messages: list[dict[str, str]]
    text: str
    reward: float
    components: dict[str, float]
    unparsable: bool
    retries: int
    milliseconds: float


class Recorder:
    """Writes answers in the background.

    While the database is away, answers wait; if more than ``_MOST_WAITING`` are waiting, new ones are dropped. A batch
    that the database rejects is dropped too.

    Attributes:
        dropped: how many answers were dropped.
    """

    def __init__(self, config: ServingConfig) -> None:
        self._config, self.dropped = config, 0
        self._waiting: queue.Queue[tuple[Any, Given]] = queue.Queue(_MOST_WAITING)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def keep(self, given: Given) -> None:
        """Add an answer to the queue; never waits and never raises."""
        try:
            self._waiting.put_nowait((utc_now(), given))
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Write the waiting answers, and stop the thread."""
        self._ending.set()
        self._thread.join(timeout=30)

    def _write(self) -> None:
        batch: list[tuple[Any, Given]] = []
        while True:
            ending = self._ending.is_set()
            while len(batch) < _BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            if batch:
                try:
                    self._save(batch)
                    batch = []
                    continue
                except StoreAway as error:
                    _log.warning("%s", error)
                    if ending:
                        self.dropped += len(batch)
                        return
                    self._ending.wait(_AWAY_SECONDS)
                except Exception:  # an answer that cannot be written must not stop the writing of later ones
                    self.dropped += len(batch)
                    _log.exception("%d answers could not be kept", len(batch))
                    batch = []
                    continue
            elif ending:
                return
            self._ending.wait(_FLUSH_SECONDS)

    def _save(self, batch: list[tuple[Any, Given]]) -> None:
        rows = [self._row(at, given) for at, given in batch]
        with writing() as session:
            session.execute(insert(Answer), rows)
            newest = session.scalar(select(func.max(Answer.id))) or 0
            session.execute(
                delete(Answer).where(Answer.id <= newest - self._config.keep_answers, Answer.completion_id.is_(None))
            )

    def _row(self, at: Any, given: Given) -> dict[str, Any]:
        keep = self._config.keep_texts
        return {
            **vars(given),
            "at": at,
            "characters": len(given.text),
            "messages": [{**m, "content": _storable(m["content"])} for m in given.messages] if keep else None,
            "text": _storable(given.text) if keep else None,
        }


def _storable(text: str) -> str:
    """The text, masked, and without characters that a database rejects."""
    clean = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return mask(clean)
