"""Plans in a child process, so that a second core is used where many notes are filled at once.

A plan takes most of a note's CPU time (1.9 of 4.4 ms, for ruamel.yaml is pure Python), and Python
runs one thread at a time. The child gets text and returns text: it opens no file. What it does not
answer is planned in this process, so nothing is lost without it. It ends when its standard input
does, which is when this process ends, however it ends.
"""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import companion
from companion.enrich.plan import Filling, Plan, plan_edits
from companion.errors import NoteRefused
from companion.note.callouts import Styles
from companion.note.needs import Rules
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText

CHILD_FROM = 16  # notes at once, from which a child is worth its 30 MB and the time of its start


_CODE = """\
import sys
sys.path.insert(0, sys.argv[1])
from companion.enrich.plan_worker import main
main()
"""


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
            pickle.dump(_plan(order), plans)
            plans.flush()


def _plan(order: _Order) -> Plan | None:
    try:
        parsed = ParsedNote(NoteText(order.text))
        return plan_edits(parsed, order.fillings, order.rules, order.styles, order.afterwards)
    except NoteRefused:  # the parent finds out why by itself
        return None


def _start_child() -> subprocess.Popen[bytes] | None:
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    # -P: no module of the working directory; only the package that this module belongs to
    command = [sys.executable, "-P", "-c", _CODE, str(Path(companion.__file__).parents[1])]
    try:
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing)
    except OSError:
        return None


def _kill(child: subprocess.Popen[bytes]) -> None:
    with suppress(OSError), child:
        child.kill()  # it holds nothing that could be lost


def main() -> None:
    """Serve the parent process; Ctrl-C is left to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)
