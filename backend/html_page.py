"""One self-contained HTML page: its style inline, without a network, and fit to be printed. Text from outside is escaped."""

from collections.abc import Sequence
from html import escape

from backend.wording import Text

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c1c1c; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } .lead { font-size: 1.2rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .5rem; border-bottom: 1px solid #ddd; } th:first-child, td:first-child { text-align: left; }
td.words, th.words { text-align: left; vertical-align: top; } .wide { overflow-x: auto; } .note { color: #555; font-size: .88rem; } figure { margin: 0; } svg { max-width: 100%; height: auto; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; break-inside: avoid; margin: .5rem 0 1.5rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f5f5f3; padding: .6rem; border-radius: 6px; font-size: .85rem; margin: 0; }
del { background: #fbdcd6; text-decoration: line-through #e0a297; } ins { background: #d5eedb; text-decoration: none; font-weight: 600; }
aside { border-left: 4px solid #888; padding-left: .8rem; }
@media print { body { margin: 0; max-width: none; font-size: 11pt; } h2 { break-after: avoid; } }
@media (max-width: 700px) { .pair { grid-template-columns: 1fr; } }
"""


def document(title: str, parts: Sequence[str], lang: str = "en") -> str:
    """The whole page.

    Args:
        title: of the page.
        parts: HTML, one block each.
        lang: ``en`` or ``pt``.
    """
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
        + "\n".join(parts)
        + "</body></html>\n"
    )


def words_table(heads: Sequence[Text], rows: Sequence[Sequence[Text]], lang: str = "en") -> str:
    """A table of words, which scrolls sideways where it is too wide."""
    head = "".join(f"<th class=words>{escape(h.within(lang))}</th>" for h in heads)
    body = "".join(
        "<tr>" + "".join(f"<td class=words>{escape(c.within(lang))}</td>" for c in row) + "</tr>" for row in rows
    )
    return f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
