"""From values to edits: what a note becomes when its needs are filled. No files, no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from companion.errors import NoteRefused
from companion.note.callouts import Styles, answer_callout, place_callout, place_section_callout
from companion.note.edit import Edit, apply_edits
from companion.note.facts import find_facts
from companion.note.frontmatter import add_property, fill_property
from companion.note.needs import CALLOUT, Need, Rules, find_callout, find_needs, postponed_by
from companion.note.outline import Section
from companion.note.parsed_note import ParsedNote
from companion.note.status_mark import KEEP, replace_status_marks
from companion.note.text import NoteText


@dataclass(frozen=True)
class Filling:
    """The value that a need is filled with, sanitized.

    value: for a property, its text, or texts for a list; for a callout, the lines of its body.
    remark: what the history says about it beside the value.
    """

    need: Need
    value: str | list[str]
    remark: str = ""


class Plan(NamedTuple):
    """The edits of one note, and its text with the edits made.

    unfilled: the marks that could not be removed, and why.
    """

    edits: list[Edit]
    text: str
    unfilled: tuple[str, ...] = ()


def plan_edits(
    parsed: ParsedNote, fillings: Sequence[Filling], rules: Rules, styles: Styles, afterwards: str
) -> Plan:
    """Return the edits that put the fillings in their places, checked on the text they make.

    afterwards: what happens to the mark that a note is postponed: `keep`, `remove`, or a tag to
    replace it. The mark stays while the note needs more than what is filled.

    Raises NoteRefused if a place is gone, the properties do not allow an exact edit, or the new
    text would still have a need that was filled, so that every run would fill it again.
    """

    # At one place, items of the last property come before a new property, a callout after both.
    def rank(filling: Filling) -> int:
        kind = filling.need.kind
        return 2 if kind == CALLOUT else 0 if parsed.property_key(kind) else 1

    filled = {filling.need.key for filling in fillings}
    ordered = sorted(fillings, key=rank)
    edits = [edit for filling in ordered for edit in _find_edits(parsed, filling, styles)]
    open_needs = []
    if afterwards != KEEP:
        needs = find_facts(parsed, rules).needs
        open_needs = [need.kind for need in needs if need.key not in filled]
    edits += replace_status_marks(parsed, rules, KEEP if open_needs else afterwards)
    text = apply_edits(parsed.note.text, edits)
    new = ParsedNote(NoteText(text))
    if any(need.key in filled for need in find_needs(new, rules, explicit=True)):
        raise NoteRefused("what was filled would still count as empty; fill it by hand")
    unfilled: tuple[str, ...] = ()
    if afterwards != KEEP and (mark := postponed_by(new, rules)):
        why = (
            "more than the mark would change, or a property that is to be filled would become"
            " empty; take it out by hand"
        )
        if open_needs:
            why = f"the note still needs: {', '.join(open_needs)}"
        unfilled = (f"the mark {mark} stays, because {why}",)
    return Plan(edits, text, unfilled)


def _find_edits(parsed: ParsedNote, filling: Filling, styles: Styles) -> list[Edit]:
    need, value, note, lines = filling.need, filling.value, parsed.note, parsed.lines
    if need.kind != CALLOUT:
        key, form = parsed.property_key(need.kind), styles.form_of(need.kind)
        if key:
            return fill_property(note, key, value, form)
        return add_property(note, need.kind, value, form)
    body = [value] if isinstance(value, str) else value
    callout = find_callout(parsed, need)
    if need.where == "section":
        section = Section(need.heading or "", need.at, need.of)
        if callout not in parsed.section_callouts(section):  # one like it, in another section
            return [place_section_callout(note, lines, section, body, styles.section)]
    if callout:
        return [answer_callout(note, lines, callout, body)]
    if need.where == "top":
        return [place_callout(note, lines, body, styles.top)]
    raise NoteRefused(f"its empty callout “{need.question or need.heading}” is gone")
