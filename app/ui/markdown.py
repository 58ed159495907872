"""Show text from outside (a model, a file, a log) in our Markdown, without pictures, links, addresses and HTML."""

import re

_BREAK = "\u200b"
"""A zero-width space. Inserted into Markdown syntax, it breaks the syntax without being seen. The exact text can always
be opened with a click."""
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
_UNDERLINE = re.compile(r"^(.*\S.*)\n(=+|-+)(?=[ \t]*$)", re.M)  # a line of = or - makes the line above it a heading
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")  # every ASCII character that can be Markdown syntax


def harmless(text: str) -> str:
    """Markdown from outside, still rendered as Markdown, but without pictures, links, addresses and HTML.

    Their syntax is broken everywhere, also inside code fences, because only the browser decides what is a code fence.
    Outside code fences, for the appearance only: dollar signs start no formulas, colons start no icons or colours, and
    headings are not larger than ours.
    """
    parts = _FENCE.split(_without_links(text))
    for i in range(0, len(parts), 2):
        plain = _DIRECTIVE.sub(":" + _BREAK, parts[i].replace("$", "\\$"))
        parts[i] = _HEADING.sub("##### ", _UNDERLINE.sub(r"\1\n\n\2", plain))
    return "".join(parts)


def message(text: object) -> str:
    """A message of the workbench, which may quote a user's text: ``harmless``, with its line breaks kept."""
    return harmless(str(text)).replace("\n", "  \n")


def literal(text: str) -> str:
    """Markdown that shows ``text`` literally, with its line breaks kept."""
    plain = _DIRECTIVE.sub(":" + _BREAK, _without_links(text))
    return _PUNCTUATION.sub(r"\\\1", plain).replace("\n", "  \n")


def _without_links(text: str) -> str:
    """The text with the syntax of pictures, links, footnotes, addresses and HTML broken."""
    return _LEADS_OUT.sub(lambda found: found[0][0] + _BREAK + found[0][1:], text)
