"""Runs: notes being filled, or decided on, as iterators over their results."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath

from companion.app.problem import code_of
from companion.app.types.runs import NoteResult, RunKind, RunState
from companion.enrich.configured_model import ASK_FROM
from companion.enrich.job import new_run
from companion.errors import CompanionError
from companion.llm.answers import Usage
from companion.llm.client import Client

__all__ = ["ASK_FROM", "Run", "log_fault", "new_run"]

_log = logging.getLogger(__name__)


class Run:
    """A run over notes. Iterating over it, once, does the work and yields each note's result.

    The iteration raises what ended the run early; what was answered or decided is kept. Other
    threads may see meanwhile what came of it.

    id: names it in an undo. total: the number of its notes, or of the changes to take back. work:
    returns its results, as they come. changed: called after each change. error: what ended it.
    client: makes its calls, while it fills notes. asked_by: the client of the API that is told of
    the result. made_at: Unix time, seconds. left_alone: as in RunShape. warning: for who begins it.
    """

    def __init__(
        self,
        kind: RunKind,
        total: int,
        work: Callable[[Run], Iterator[NoteResult]],
        *,
        left_alone: Mapping[str, int] | None = None,
        run: str | None = None,
    ) -> None:
        self.id, self.kind, self.total = run or new_run(), kind, total
        self.left_alone, self.warning = left_alone or {}, ""
        self.state: RunState = "queued"
        self.error: CompanionError | None = None
        self.made_at = time.time()
        self.results: list[NoteResult] = []
        self.counts: Counter[str] = Counter()
        self.cancelled = threading.Event()
        self.client: Client | None = None
        self.changed: Callable[[], object] = bool
        self.asked_by = ""
        self._work = work

    def __iter__(self) -> Iterator[NoteResult]:
        self._enter("running")
        try:
            for result in self._work(self):
                self.results.append(result)
                if result.counted:
                    self.counts[result.status] += 1
                self.changed()
                yield result
                if self.is_cancelled and self.kind != "fill":
                    break
        except CompanionError as error:
            self._enter("failed", error)
            raise
        except Exception as error:
            log_fault(f"run {self.id}", error)
            self._enter("failed", describe_fault(error))
            raise
        except BaseException:  # nobody follows it any more
            self.cancelled.set()
            self._enter("cancelled")
            raise
        is_cut_short = self.is_cancelled and self.counts.total() < self.total
        self._enter("cancelled" if is_cut_short else "done")

    def finish(self) -> None:
        """Carry it out, for whoever reads its results; its fault is among them."""
        try:
            for _ in self:
                pass
        except CompanionError as error:
            _log.info("run %s ended: %s", self.id, error)
        except Exception:  # which is logged
            return

    @property
    def usage(self) -> Usage:
        """The usage of all calls so far, including those without a usable answer."""
        return self.client.usage if self.client else Usage()

    @property
    def is_cancelled(self) -> bool:
        """Whether cancel was called."""
        return self.cancelled.is_set()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state in ("done", "cancelled", "failed")

    @property
    def fault(self) -> str:
        """What ended it, in words; empty if it ended well, or has not ended."""
        return str(self.error or "")

    @property
    def code(self) -> str:
        """The code of the problem that ended it."""
        return code_of(self.error) if self.error else ""

    def cancel(self) -> str | None:
        """Start no further note. Return in words what is still finished; None: current writes.

        It waits for no lock, since a signal handler calls it.
        """
        self.cancelled.set()
        calls = self.client.under_way if self.client else 0
        number = "1 call" if calls == 1 else f"{calls} calls"
        return f"waiting for {number} under way; what is answered is kept." if calls else None

    def break_off(self) -> int:
        """Break off the calls in progress, and return for how many the endpoint may charge."""
        self.cancelled.set()
        if self.client is None:
            return 0
        calls = self.client.under_way
        self.client.close()
        return calls

    def _enter(self, state: RunState, error: CompanionError | None = None) -> None:
        self.error, self.state = error, state
        self.changed()


def describe_fault(error: Exception) -> CompanionError:
    """Return the error in words for the user; one of ours says the rest."""
    if isinstance(error, CompanionError):
        return error
    return CompanionError(f"unexpected {type(error).__name__}; please report it")


def log_fault(doing: str, error: Exception) -> None:
    """Log an error. If unexpected, only type and place, as its message may quote a note."""
    if isinstance(error, CompanionError | OSError):
        _log.warning("%s: %s", doing, error)
        return
    _log.debug("%s", doing, exc_info=error)
    places = traceback.extract_tb(error.__traceback__)
    where = " > ".join(f"{PurePath(place.filename).name}:{place.lineno}" for place in places)
    _log.error("%s: unexpected %s; please report it (%s)", doing, type(error).__name__, where)
