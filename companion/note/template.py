"""Template syntax in a note's text: every note made from it would be born with what is filled in.

Obsidian's help, "Templates": the core plugin replaces `{{title}}`, `{{date}}` and `{{time}}`, the
last two also with a format, as `{{date:YYYY-MM-DD}}`. Templater's documentation, "Commands": what
stands between `<%` and `%>`, on several lines too, is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from companion.errors import NoteRefused
from companion.note.code_span import CodeSpans
from companion.note.line import Line
from companion.note.view import NoteView

_SIGNS = ("{{", "<%")
_TEMPLATE = re.compile(
    r"\{\{[ \t]*(?:title|date|time)[ \t]*(?::[^{}\r\n]*)?\}\}|<%[-_+*~]?", re.IGNORECASE
)
_CODE_OR_FORMULA = re.compile(
    r"\\[\\`$]|(?P<run>`+)|\$\$.*?\$\$|\$(?=[^\s$])[^$]*(?<=[^\s$])\$(?!\d)"
)
_LONGEST = 40  # characters of it that are shown


def find_template(view: NoteView) -> NoteRefused | None:
    """Return why the note's text makes it a template, with the line; None: it does not.

    Code and formulas are about templates, and make none: outside of them only.
    """
    note = view.note
    if not any(note.text.find(sign, note.body_start) >= 0 for sign in _SIGNS):
        return None
    last_closing = note.text.rfind("%>")
    for line in view.lines:
        for found in _find_in(line):
            if found[0].startswith("{{") or line.start + found.end() <= last_closing:
                what = found[0][:_LONGEST]
                reason = f"a template: its text holds {what}; if it is none, write it as `{what}`"
                return NoteRefused(reason, line=note.line_number(line.start))
    return None


def _find_in(line: Line) -> Iterator[re.Match[str]]:
    if line.kind in ("code", "math") or not any(sign in line.text for sign in _SIGNS):
        return iter(())
    return _TEMPLATE.finditer(_masked(line.text))


def _masked(text: str) -> str:
    """Return text of the same length with `!` in the place of inline code and formulas."""
    code, parts, position = CodeSpans(text), list[str](), 0
    while match := _CODE_OR_FORMULA.search(text, position):
        end = code.end_of(*match.span()) if match["run"] else match.end()
        parts += text[position : match.start()], "!" * (end - match.start())
        position = end
    return "".join(parts) + text[position:]
