"""The verdicts of a gate, in the chosen language."""

from app.ui.language import t
from backend.audit.gate_words import GATE_WORDS


def gate_words(verdict: str) -> str:
    """A gate's verdict in the chosen language."""
    return t(*GATE_WORDS[verdict]) if verdict in GATE_WORDS else verdict
