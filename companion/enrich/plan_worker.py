"""Plans in child processes, so that every core is used where many notes are filled at once.

A plan takes 2 ms of a note's processor time (ruamel.yaml is pure Python), and Python runs one
thread at a time. A child gets text and returns text: it opens no file. What a child does not
answer is planned in this process, so nothing is lost without it. It ends when its standard input
does, which is when this process ends, however it ends.
"""

from __future__ import annotations

import gc
import pickle
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
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
_RESTARTS = 3  # of children that died; then it is taken that none can live here


_CODE = """\
import sys
sys.path.insert(0, sys.argv[1])
from companion.enrich.plan_worker import main
main()
"""


class _Order(NamedTuple):
    text: str
    fillings: Sequence[Filling]
    styles: Styles
    afterwards: str


class Planner:
    """Plans notes, from any thread; in child processes, where it may have some.

    children: how many at most. The first starts at once, further ones when all are busy; one that
    died is replaced by the next plan.

    In this process it plans one note at a time, because threads that only compute switch every
    5 ms, which costs a fifth of their time.
    """

    def __init__(self, rules: Rules, *, children: int = 0) -> None:
        self._rules = rules
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._most = children
        self._starts_left = children + _RESTARTS if children else 0
        self._running: list[_Child] = []
        self._idle: list[_Child] = []
        weakref.finalize(self, _kill_all, self._running)
        if children and (child := self._start()):
            self._idle.append(child)

    @property
    def pids(self) -> list[int]:
        """The process ids of the children that run."""
        return [child.pid for child in self._running]

    def plan(
        self, parsed: ParsedNote, fillings: Sequence[Filling], styles: Styles, afterwards: str
    ) -> Plan:
        """Return what plan_edits does. Raises NoteRefused."""
        order = _Order(parsed.note.text, fillings, styles, afterwards)
        if self._most:
            with suppress(OSError, EOFError, pickle.UnpicklingError), self._lend() as child:
                if child and (planned := child.plan(order)):
                    return planned
        with self._lock:
            return plan_edits(parsed, fillings, self._rules, styles, afterwards)

    @contextmanager
    def _lend(self) -> Iterator[_Child | None]:
        """Lend an idle child once there is one, or a new one; None where none can run.

        One that fails is ended: it is out of step with its answers from then on.
        """
        child = None
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._may_start or not self._running)
            if self._idle:
                child = self._idle.pop()
            elif self._may_start:
                child = self._start()
        try:
            yield child
        except BaseException:
            with self._changed:
                if child:
                    child.kill()
                    self._running.remove(child)
                self._changed.notify_all()
            raise
        if child:
            with self._changed:
                self._idle.append(child)
                self._changed.notify()  # all of them would wake up, and all but one in vain

    @property
    def _may_start(self) -> bool:
        """Whether one more child may be started."""
        return len(self._running) < self._most and self._starts_left > 0

    def _start(self) -> _Child | None:
        self._starts_left -= 1
        try:
            child = _Child(self._rules)
        except OSError:
            self._starts_left = 0
            return None
        self._running.append(child)
        return child


class _Child:
    """A child process that plans by the rules. Raises OSError if it cannot be started."""

    def __init__(self, rules: Rules) -> None:
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        # -P: no module of the working directory; only the package that this module belongs to
        command = [sys.executable, "-P", "-c", _CODE, str(Path(companion.__file__).parents[1])]
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing)
        self.pid = self._process.pid
        self._rules: Rules | None = rules

    def plan(self, order: _Order) -> Plan | None:
        """Return its plan; None where the note is refused.

        Raises OSError, EOFError or UnpicklingError when it has ended.
        """
        orders, plans = self._process.stdin, self._process.stdout
        assert orders and plans
        if self._rules is not None:  # they come first
            pickle.dump(self._rules, orders)
            self._rules = None
        pickle.dump(order, orders)
        orders.flush()
        answer = pickle.load(plans)  # noqa: S301 (from our own child)
        return answer if isinstance(answer, Plan) else None

    def kill(self) -> None:
        """End it; it holds nothing that could be lost."""
        with suppress(OSError), self._process:
            self._process.kill()


def answer_orders(orders: BinaryIO, plans: BinaryIO) -> None:
    """Answer each order with its plan, or with None where it is refused, until orders end.

    The rules come before the first order.
    """
    with suppress(EOFError):
        rules: Rules = pickle.load(orders)  # noqa: S301 (from our own parent)
        while True:
            order: _Order = pickle.load(orders)  # noqa: S301 (from our own parent)
            parsed, plan = ParsedNote(NoteText(order.text)), None
            with suppress(NoteRefused):  # the parent finds out why by itself
                plan = plan_edits(parsed, order.fillings, rules, order.styles, order.afterwards)
            pickle.dump(plan, plans)
            plans.flush()


def _kill_all(children: list[_Child]) -> None:
    for child in children:
        child.kill()


def main() -> None:
    """Serve the parent process; Ctrl-C is left to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(10_000)  # as in a run of many notes
    answer_orders(sys.stdin.buffer, sys.stdout.buffer)
