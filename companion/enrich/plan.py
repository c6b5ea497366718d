"""From values to edits: what a note becomes when its needs are filled. No files, no model.

Where many notes are filled at once, a child process plans, so that a second core is used: a plan
takes most of a note's CPU time (1.9 of 4.4 ms, for ruamel.yaml is pure Python), and Python runs one
thread at a time. The child gets text and returns text: it opens no file. What it does not answer is
planned in this process, so nothing is lost without it. It ends when its standard input does, which
is when this process ends, however it ends.
"""

from __future__ import annotations

import pickle
import signal
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import companion
from companion.errors import NoteRefused
from companion.note.callouts import Styles, answer_callout, place_callout, place_section_callout
from companion.note.edit import Edit, apply_edits
from companion.note.facts import find_facts
from companion.note.frontmatter import add_property, fill_property
from companion.note.needs import CALLOUT, Need, Rules, find_callout, postponed_by
from companion.note.outline import Section
from companion.note.parsed_note import ParsedNote
from companion.note.status_mark import KEEP, replace_status_marks
from companion.note.text import NoteText

if TYPE_CHECKING:
    from subprocess import Popen

CHILD_FROM = 16  # notes at once, from which a child is worth its 30 MB and the time of its start
_IN_CHILD = """\
import sys
sys.path.insert(0, sys.argv[1])
from companion.enrich.plan import main
main()
"""


class Filling(NamedTuple):
    """What a need is filled with, sanitized.

    value: of a property, its text, or texts for a list; of a callout, the lines of its body.
    remark: what the history says of it beside the value.
    """

    need: Need
    value: str | list[str]
    remark: str = ""


def sample_filling(need: Need, is_list: bool) -> Filling:
    """Return a filling to test with whether the note has a place for the need at all."""
    return Filling(need, ["text"] if is_list else "text")


class Plan(NamedTuple):
    """The edits of one note, and its text with the edits made.

    left: the marks that were to be removed and are not, and why.
    """

    edits: list[Edit]
    text: str
    left: tuple[str, ...] = ()


def plan_edits(
    parsed: ParsedNote,
    fillings: Sequence[Filling],
    rules: Rules,
    styles: Styles,
    afterwards: str,
) -> Plan:
    """Return the edits that put the fillings in their places, checked on the text they make.

    afterwards: what becomes of the mark that a note is postponed: `keep`, `remove`, or a tag to
    put in its place. The mark stays while the note needs more than what is filled.

    Raises NoteRefused: a place is gone, the properties do not allow an exact edit, or the new
    text would still have a need that was filled, so that every run would fill it once more.
    """
    filled = {filling.need.key for filling in fillings}
    ordered = sorted(fillings, key=lambda filling: _rank(parsed, filling.need))
    edits = [edit for filling in ordered for edit in _find_edits(parsed, filling, styles)]
    open_needs = []
    if afterwards != KEEP:
        needs = find_facts(parsed, rules).needs
        open_needs = [need.kind for need in needs if need.key not in filled]
    edits += replace_status_marks(parsed, rules, KEEP if open_needs else afterwards)
    text = apply_edits(parsed.note.text, edits)
    new = ParsedNote(NoteText(text))
    if any(need.key in filled for need in find_facts(new, rules, explicit=True).needs):
        raise NoteRefused("what was filled would still count as empty; fill it by hand")
    left = () if afterwards == KEEP else tuple(_marks_left(new, rules, open_needs))
    return Plan(edits, text, left)


def _rank(parsed: ParsedNote, need: Need) -> int:
    """Return the order of insertions at the same place, the lowest first.

    The items of the last property come before a property that is added, and both before a
    callout.
    """
    if need.kind == CALLOUT:
        return 2
    return 0 if parsed.property_key(need.kind) else 1


def _find_edits(parsed: ParsedNote, filling: Filling, styles: Styles) -> list[Edit]:
    need, value = filling.need, filling.value
    if need.kind == CALLOUT:
        return [_callout_edit(parsed, need, [value] if isinstance(value, str) else value, styles)]
    key = parsed.property_key(need.kind)
    if key is None:
        return add_property(parsed.note, need.kind, value)
    return fill_property(parsed.note, key, value)


def _callout_edit(parsed: ParsedNote, need: Need, body: list[str], styles: Styles) -> Edit:
    callout = find_callout(parsed, need)
    if need.where == "section":
        section = Section(need.heading or "", need.at, need.of)
        if callout not in parsed.section_callouts(section):  # one like it, in another section
            return place_section_callout(parsed.note, parsed.lines, section, body, styles.section)
    if callout:
        return answer_callout(parsed.note, parsed.lines, callout, body)
    if need.where == "top":
        return place_callout(parsed.note, parsed.lines, body, styles.top)
    raise NoteRefused(f"its empty callout “{need.question or need.heading}” is gone")


def _marks_left(new: ParsedNote, rules: Rules, open_needs: Sequence[str]) -> Iterator[str]:
    if (mark := postponed_by(new, rules)) and open_needs:
        yield f"the mark {mark} stays, because the note still needs: {', '.join(open_needs)}"
    elif mark:
        yield (
            f"the mark {mark} stays, because more than the mark would change, or a property that "
            "is to be filled would become empty; take it out by hand"
        )


class _Order(NamedTuple):
    text: str
    fillings: Sequence[Filling]
    rules: Rules
    styles: Styles
    afterwards: str


class Planner:
    """Plans notes one at a time, from any thread, in a child process if it has one.

    One at a time, because threads that only compute switch every 5 ms, which costs a fifth of
    their time.
    """

    def __init__(self, rules: Rules, *, has_child: bool = False) -> None:
        self._rules = rules
        self._lock = threading.Lock()
        self._child = _start_child() if has_child else None
        if self._child:
            weakref.finalize(self, _kill, self._child)

    def plan(
        self, parsed: ParsedNote, fillings: Sequence[Filling], styles: Styles, afterwards: str
    ) -> Plan:
        """Return what plan_edits does. Raises NoteRefused."""
        order = _Order(parsed.note.text, fillings, self._rules, styles, afterwards)
        with self._lock:
            planned = self._plan_in_child(order)
            return planned or plan_edits(parsed, fillings, self._rules, styles, afterwards)

    def _plan_in_child(self, order: _Order) -> Plan | None:
        """Return the child's plan; None where the note is refused, or the child has ended."""
        if self._child is None:
            return None
        assert self._child.stdin and self._child.stdout
        try:
            pickle.dump(order, self._child.stdin)
            self._child.stdin.flush()
            answer = pickle.load(self._child.stdout)  # noqa: S301 (from our own child)
        except (OSError, EOFError, pickle.UnpicklingError):
            self._child = None
            return None
        return answer if isinstance(answer, Plan) else None


def serve(orders: BinaryIO, plans: BinaryIO) -> None:
    """Answer each order with its plan, or with None where it is refused, until orders end."""
    with suppress(EOFError):
        while True:
            order: _Order = pickle.load(orders)  # noqa: S301 (from our own parent)
            parsed, planned = ParsedNote(NoteText(order.text)), None
            with suppress(NoteRefused):  # the parent finds out why by itself
                planned = plan_edits(parsed, *order[1:])
            pickle.dump(planned, plans)
            plans.flush()


def _start_child() -> Popen[bytes] | None:
    from subprocess import DEVNULL, PIPE, Popen

    # -P: no module of the working directory; only the package that this module belongs to
    command = [sys.executable, "-P", "-c", _IN_CHILD, str(Path(companion.__file__).parents[1])]
    try:
        return Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    except OSError:
        return None


def _kill(child: Popen[bytes]) -> None:
    with suppress(OSError), child:
        child.kill()  # it holds nothing that could be lost


def main() -> None:
    """Serve the parent process; Ctrl-C is left to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)
