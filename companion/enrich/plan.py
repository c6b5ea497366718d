"""From values to edits: what a note becomes once its needs are filled. No files, no model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from companion.errors import NoteRefused
from companion.note.callouts import Styles, answer_callout, place_callout, place_section_callout
from companion.note.edit import Edit, apply_edits
from companion.note.facts import find_facts
from companion.note.frontmatter import add_property, fill_property
from companion.note.needs import CALLOUT, Need, Rules, find_callout, postponed_by
from companion.note.parsed_note import ParsedNote
from companion.note.sections import Section
from companion.note.status_mark import KEEP, replace_status_marks
from companion.note.text import NoteText


class Filling(NamedTuple):
    """What a need is filled with, inert already.

    value: of a property, its text, or texts for a list; of a callout, the lines of its body.
    remark: what history should say of it beside the value.
    """

    need: Need
    value: str | list[str]
    remark: str = ""


def any_filling(need: Need, is_list: bool) -> Filling:
    """Return a harmless filling, to see whether the note has a place for the need at all."""
    return Filling(need, ["text"] if is_list else "text")


class Plan(NamedTuple):
    """The edits of one note, and its text with them made. left: what was to go and stays, why."""

    edits: list[Edit]
    text: str
    left: tuple[str, ...] = ()


def plan_edits(
    view: ParsedNote,
    fillings: Sequence[Filling],
    rules: Rules,
    styles: Styles,
    afterwards: str,
) -> Plan:
    """Return the edits that put the fillings in their places, checked on the text they make.

    afterwards: what becomes of the mark that a note is postponed: `keep`, `remove`, or a tag to
    put in its place. While the note needs more than what is filled, it stays.

    Raises NoteRefused: a place is gone, the properties do not allow an exact edit, or the new
    text would still have a need that was filled.
    """
    ordered = sorted(fillings, key=lambda filling: _rank(view, filling.need))
    edits = [edit for filling in ordered for edit in _edits_for(view, filling, styles)]
    open_needs = _open_needs(view, fillings, rules) if afterwards != KEEP else []
    edits += replace_status_marks(view, rules, KEEP if open_needs else afterwards)
    text = apply_edits(view.note.text, edits)
    new = ParsedNote(NoteText(text))
    _require_filled(new, fillings, rules)
    left = () if afterwards == KEEP else tuple(_marks_left(new, rules, open_needs))
    return Plan(edits, text, left)


def _open_needs(view: ParsedNote, fillings: Sequence[Filling], rules: Rules) -> list[str]:
    """Return what the note needs beside what is filled, in words."""
    filled = {filling.need.key for filling in fillings}
    return [need.kind for need in find_facts(view, rules).needs if need.key not in filled]


def _rank(view: ParsedNote, need: Need) -> int:
    """Return what goes first where two things are put at the same place.

    The items of the last property stand before a property that is added, and both before a
    callout.
    """
    if need.kind == CALLOUT:
        return 2
    return 0 if view.property_key(need.kind) else 1


def _edits_for(view: ParsedNote, filling: Filling, styles: Styles) -> list[Edit]:
    need, value = filling.need, filling.value
    if need.kind == CALLOUT:
        return [_callout_edit(view, need, [value] if isinstance(value, str) else value, styles)]
    key = view.property_key(need.kind)
    if key is None:
        return add_property(view.note, need.kind, value)
    return fill_property(view.note, key, value)


def _callout_edit(view: ParsedNote, need: Need, body: list[str], styles: Styles) -> Edit:
    callout = find_callout(view, need)
    if need.where == "section":
        section = Section(need.heading or "", need.at, need.of)
        if callout not in view.section_callouts(section):  # it is alike, and in another one
            return place_section_callout(view.note, view.lines, section, body, styles.section)
    if callout:
        return answer_callout(view.note, view.lines, callout, body)
    if need.where == "top":
        return place_callout(view.note, view.lines, body, styles.top)
    raise NoteRefused(f"its empty callout “{need.question or need.heading}” is gone")


def _require_filled(new: ParsedNote, fillings: Sequence[Filling], rules: Rules) -> None:
    """Check that the new text has none of the needs that were filled, so no run fills it twice."""
    needs = {need.key for need in find_facts(new, rules, explicit=True).needs}
    if not needs.isdisjoint(filling.need.key for filling in fillings):
        raise NoteRefused("what was filled would still count as empty; fill it by hand")


def _marks_left(new: ParsedNote, rules: Rules, open_needs: Sequence[str]) -> Iterator[str]:
    if (mark := postponed_by(new, rules)) and open_needs:
        yield f"the mark {mark} stays, because the note still needs: {', '.join(open_needs)}"
    elif mark:
        yield (
            f"the mark {mark} stays, because more than the mark would change, or a property that "
            "is to be filled would become empty; take it out by hand"
        )
