"""Words of others inside our Markdown: a model's, a file's, a log's. Nothing in them is fetched, run or led to."""

import re

_BREAK = "\u200b"
"""A space of no width: it breaks what stands around it, and is not seen. The exact text is always a click away."""
_LEADS_OUT = re.compile(r"""
    !\[                    # a picture
    | \](?=[(\[:])         # a link, a reference, the definition of one
    | \[(?=\^)             # a footnote
    | <(?=[A-Za-z/!?])     # HTML, <address>
    | :(?=//)              # https://
    | www(?=\.)
    | @
""", re.X | re.I)  # fmt: skip
_FENCE = re.compile(r"(^```[^\n`]*\n.*?^```[ \t]*$)", re.M | re.S)
_DIRECTIVE = re.compile(r":(?=[\w+-])")
_HEADING = re.compile(r"^#{1,4} ", re.M)
_UNDERLINE = re.compile(r"^(.*\S.*)\n(=+|-+)(?=[ \t]*$)", re.M)  # makes a heading of the line above it
_MARKS = re.compile(r"([!-/:-@\[-`{-~])")  # every ASCII character that Markdown could read as one of its own


def harmless(text: str) -> str:
    """Others' Markdown, still read as Markdown, but without pictures, links, addresses and HTML.

    What would make one is broken wherever it stands: whether something is a code fence or only looks like one is for the
    browser to decide. Outside of fences, which is only a matter of looks, dollars are no formulas, icons and colours no
    directives, and headings are no larger than ours.
    """
    parts = _FENCE.split(_lead_nowhere(text))
    for i in range(0, len(parts), 2):
        plain = _DIRECTIVE.sub(":" + _BREAK, parts[i].replace("$", "\\$"))
        parts[i] = _HEADING.sub("##### ", _UNDERLINE.sub(r"\1\n\n\2", plain))
    return "".join(parts)


def message(text: object) -> str:
    """An error or a result in our own words, which may quote a user's: ``harmless``, line by line."""
    return harmless(str(text)).replace("\n", "  \n")


def literal(text: str) -> str:
    """Markdown that shows ``text`` and nothing else, line by line."""
    unread = _DIRECTIVE.sub(":" + _BREAK, _lead_nowhere(text))
    return _MARKS.sub(r"\\\1", unread).replace("\n", "  \n")


def _lead_nowhere(text: str) -> str:
    return _LEADS_OUT.sub(lambda found: found[0][0] + _BREAK + found[0][1:], text)
