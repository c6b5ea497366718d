"""Plans on a second core: one child process that does nothing else, where many calls run at once.

A plan is the dearest part of a note (1.9 of 4.4 ms of CPU, for ruamel.yaml is pure Python), and
Python runs one thread at a time. The child gets text and gives text: it opens no file. Whatever it
does not answer is planned here, so it can be missing without loss. It ends when its standard input
does, which is when this process goes, however it goes.
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

MANY = 16  # notes at once from which a second core is worth the child's 30 MB and its start


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

    One at a time: threads that only compute take turns at the interpreter every 5 ms, and their
    turns cost a fifth of it.
    """

    def __init__(self, rules: Rules, *, has_child: bool = False) -> None:
        self._rules = rules
        self._turn = threading.Lock()
        self._child = _start() if has_child else None
        if self._child:
            weakref.finalize(self, _end, self._child)

    def plan(
        self, view: ParsedNote, fillings: Sequence[Filling], styles: Styles, afterwards: str
    ) -> Plan:
        """Return what plan_edits does. Raises NoteRefused."""
        order = _Order(view.note.text, fillings, self._rules, styles, afterwards)
        with self._turn:
            made = self._ask(order)
            return made or plan_edits(view, fillings, self._rules, styles, afterwards)

    def _ask(self, order: _Order) -> Plan | None:
        """Return the child's plan; None where it has none, since it refuses, or is no more."""
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
        view = ParsedNote(NoteText(order.text))
        return plan_edits(view, order.fillings, order.rules, order.styles, order.afterwards)
    except NoteRefused:  # the parent finds out why by itself
        return None


def _start() -> subprocess.Popen[bytes] | None:
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    # -P: never a module of the folder we are in; the package that this one is of, wherever it lies
    command = [sys.executable, "-P", "-c", _CODE, str(Path(companion.__file__).parents[1])]
    try:
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing)
    except OSError:
        return None


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(OSError), child:
        child.kill()  # it has nothing to lose


def main() -> None:
    """Serve the parent process, which alone answers to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)
