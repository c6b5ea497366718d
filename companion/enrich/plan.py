"""Plan the edits that put values into a note, without writing anything."""

from __future__ import annotations

from collections.abc import Sequence, Set
from threading import Lock
from typing import NamedTuple

from companion.enrich.job import Task
from companion.enrich.workspace import Workspace
from companion.errors import NoteRefused
from companion.note.callouts import (
    PLAIN,
    SECTION,
    answer_callout,
    place_callout,
    place_section_callout,
)
from companion.note.edits import Edit, apply_edits
from companion.note.entries import is_unambiguous
from companion.note.facts import find_facts
from companion.note.frontmatter import SCALARS, add_property, fill_property
from companion.note.needs import CALLOUT, Need, Rules, find_callout, find_needs, postponed_by
from companion.note.note import ParsedNote
from companion.note.postponed import KEEP, replace_status_marks
from companion.note.text import NoteText
from companion.store.proposals import Proposal, ProposedValue

# Threads that only compute switch every 5 ms, which costs a fifth of their time.
_ONE_PLAN = Lock()


class Plan(NamedTuple):
    """The edits of a note, its text with them, and which marks could not be removed, and why."""

    edits: list[Edit]
    text: str
    unfilled: tuple[str, ...] = ()


def require_places(space: Workspace, path: str, task: Task) -> None:
    """Check that the note can take values where it needs some. Raises NoteRefused."""
    if is_unambiguous(task.parsed.note):
        return  # another plan would cost a third of the throughput
    field_of = space.prompts.field_of
    texts = [
        Proposal(path, need, ["text"] if field_of(need.kind).is_list else "text")
        for need in task.all_needs
    ]
    if texts:
        plan_note(space, task, texts)


def plan_note(space: Workspace, task: Task, proposals: Sequence[Proposal]) -> Plan:
    """Return the edits that put the values in their places in the task's note; see plan_edits.

    Raises NoteRefused.
    """
    fields = space.prompts.fields.values()
    bare = frozenset(field.fills for field in fields if field.kind in SCALARS)
    afterwards = space.config.notes.postponed_afterwards
    with _ONE_PLAN:
        return plan_edits(task.parsed, proposals, space.rules, bare, afterwards)


def plan_edits(
    parsed: ParsedNote, proposals: Sequence[Proposal], rules: Rules, bare: Set[str], afterwards: str
) -> Plan:
    """Return the edits that put the values in their places, checked on the text they make.

    afterwards: what happens to the mark that a note is postponed: `keep`, `remove`, or a tag to
    replace it. The mark stays while the note needs more than what is filled.

    Raises NoteRefused if a place is gone, the properties do not allow an exact edit, or the new
    text would still have a need that was filled, so that every run would fill it again.
    """

    # At one place, items of the last property come before a new property, a callout after both.
    def rank(proposal: Proposal) -> int:
        kind = proposal.kind
        return 2 if kind == CALLOUT else 0 if parsed.property_key(kind) else 1

    filled = {each.need.key for each in proposals}
    edits: list[Edit] = []
    for each in sorted(proposals, key=rank):
        assert each.value is not None, "a value that is written is there"
        edits += _find_edits(parsed, each.need, each.value, bare)
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


def _find_edits(parsed: ParsedNote, need: Need, value: ProposedValue, bare: Set[str]) -> list[Edit]:
    note, lines = parsed.note, parsed.lines
    if need.kind != CALLOUT:
        is_bare = need.kind in bare
        if key := parsed.property_key(need.kind):
            return fill_property(note, key, value, is_bare=is_bare)
        return add_property(note, need.kind, value, is_bare=is_bare)
    body = [value] if isinstance(value, str) else value
    callout = find_callout(parsed, need)
    section = need.section
    if section and callout not in parsed.section_callouts(section):  # that is in another one
        return [place_section_callout(note, lines, section, body, SECTION)]
    if callout:
        return [answer_callout(note, lines, callout, body)]
    if need.where == "top":
        return [place_callout(note, lines, body, PLAIN)]
    raise NoteRefused(f"its empty callout “{need.question or need.heading}” is gone")
