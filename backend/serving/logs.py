"""The gateway's log: one line of JSON for each message, so that nothing a message quotes can look like another message."""

import json
import logging
from datetime import UTC, datetime


class JsonLines(logging.Formatter):
    """Each record as ``{"at", "level", "from", "message"}``, and ``"error"`` with a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "from": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said)


def log_as_json() -> None:
    """Write the process's log as lines of JSON, to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
