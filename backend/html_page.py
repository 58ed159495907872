"""One self-contained HTML page: its style inline, without a network, and fit to be printed. Text from outside is escaped."""

from collections.abc import Sequence
from html import escape

from backend.wording import Text

STYLE = """
:root { color-scheme: light dark; --page: #fff; --box: #f4f6f6; --ink: #17211f; --quiet: #55625f; --line: #d5dddb; --accent: #0d6a63;
  --del: #fbdcd6; --ins: #d5eedb; }
@media screen and (prefers-color-scheme: dark) { :root { --page: #101817; --box: #18211f; --ink: #e6eeec; --quiet: #a3b1ad;
  --line: #33403d; --accent: #14ac9d; --del: #5c2a22; --ins: #1d4a33; } }
body { font: 15px/1.5 "Source Sans 3", "Source Sans Pro", system-ui, sans-serif; max-width: 60rem; margin: 1.5rem auto;
  padding: 0 1rem; color: var(--ink); background: var(--page); overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .3rem 0 .8rem; } h2 { font-size: 1.15rem; margin: 1.6rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0 0 .3rem; } .lead { font-size: 1.2rem; } ul { padding-left: 1.2rem; margin: .4rem 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .4rem; border-bottom: 1px solid var(--line); overflow-wrap: normal; }
th:first-child, td:first-child { text-align: left; }
td.words, th.words { text-align: left; vertical-align: top; } .wide { overflow-x: auto; }
.note { color: var(--quiet); font-size: .88rem; } summary { cursor: pointer; }
figure { margin: 0; } svg { max-width: 100%; height: auto; } svg text { fill: var(--ink); }
svg .role-axis-grid line, svg .background { stroke: var(--line); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .8rem; margin: .5rem 0 1rem; }
.box { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; break-inside: avoid; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--box); padding: .6rem; border-radius: .5rem; font-size: .85rem;
  margin: 0; }
del { background: var(--del); } ins { background: var(--ins); text-decoration: none; font-weight: 600; }
aside { background: var(--box); border-left: 4px solid var(--accent); border-radius: .5rem; padding: .6rem .8rem; margin: .8rem 0; }
@media (max-width: 700px) { .pair { grid-template-columns: 1fr; } table { font-size: .82rem; } th, td { padding: .25rem .2rem; }
  th.words, td.words { font-size: .75rem; overflow-wrap: anywhere; } }
@page { margin: 12mm; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 8.5pt; line-height: 1.3; } h2 { break-after: avoid; margin: .7rem 0 .3rem; }
  h1 { font-size: 14pt; } pre { font-size: 7.5pt; padding: .3rem; } p { margin: .4rem 0; }
  .pair { grid-template-columns: 1fr 1fr; break-inside: avoid; } details:not([open]) { display: none; } svg { max-height: 50mm; }
  table { font-size: 8pt; } th, td { padding: .1rem .3rem; } .box { padding: .3rem .5rem; } }
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
