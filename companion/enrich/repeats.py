"""What repeats from note to note: the same answer, which nobody can trust, and the same fault."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from threading import Lock

from companion.enrich.checks import checks_are_on
from companion.enrich.workspace import Workspace
from companion.errors import NoteError
from companion.llm.errors import LastingFault
from companion.store.proposals import Flag, Proposal
from companion.store.undo import undo_change

_LEAST = 40  # letters of an answer that two notes do not share by chance
_LIMIT_AT_FIRST = 3  # notes in a row, while the model has answered for none yet
_LIMIT_LATER = 10  # the same, once it has answered for some: then it may be the notes
_ANSWERED = ("", "unfit")


class RepeatedAnswers:
    """Finds answers that several notes get, as from a cache: all of them wait. From any thread."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._lock = Lock()
        self._first_paths: dict[str, str] = {}  # of the note with each text
        self._repeated = set[str]()

    def flag(self, path: str, proposal: Proposal) -> Proposal:
        """Return the proposal, flagged if another note got the same text, which waits then, too."""
        text = _text_of(proposal)
        if not proposal.origin.model or len(text) < _LEAST or not checks_are_on():
            return proposal
        with self._lock:
            first = self._first_paths.setdefault(text, path)
            if first == path:
                return proposal
            self._repeated.add(text)
        self.take_back(first)
        remark = "; ".join(filter(None, (proposal.remark, f"{first} got the same answer")))
        flags: tuple[Flag, ...] = tuple(dict.fromkeys((*proposal.flags, "unsupported")))
        return replace(proposal, flags=flags, remark=remark)

    def take_back(self, path: str) -> None:
        """Let what another note got, too, wait, flagged; take it out of the note if it is there."""
        if not self._repeated:
            return
        journal = self._space.journal
        latest = journal.proposals.latest(path).values()
        mine = [each for each in latest if _text_of(each) in self._repeated]
        ids = {each.id for each in mine}
        for each in mine:
            change = journal.change(each.change or 0)
            if each.decided_by == "setting" and change and not journal.presence.is_open(path):
                with suppress(NoteError):
                    undo_change(self._space.root, journal, change, each.origin.run)
                    ids |= set(change.proposals)
        journal.proposals.reopen(ids)
        journal.proposals.flag([each.id for each in mine], "unsupported")


def _text_of(proposal: Proposal) -> str:
    return " ".join(proposal.text.casefold().split())


class RepeatedFaults:
    """Ends a run when the same fault leaves note after note unanswered. From any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._fault = ""
        self._notes = 0
        self._limit = _LIMIT_AT_FIRST

    def count(self, proposals: Iterable[Proposal]) -> None:
        """Count what came of a note. Raises LastingFault if the same fault occurs too often.

        A refusal by the model is about the note, and does not count either way.
        """
        by_model = [each for each in proposals if each.origin.model and each.state != "asked"]
        with self._lock:
            if any(each.fault in _ANSWERED for each in by_model):
                self._notes, self._limit = 0, _LIMIT_LATER  # the model answered, be it badly
                return
            first = next((each for each in by_model if each.fault != "no answer"), None)
            if first is None:
                return
            self._notes = self._notes + 1 if first.fault == self._fault else 1
            self._fault = first.fault
            if self._notes >= self._limit:
                raise LastingFault(
                    f"{self._limit} notes in a row got no answer, for the same reason:"
                    f" {first.reason}",
                    "model-unfit",
                )
