"""Decisions on proposals: accept them into their notes, refuse them, or take a decision back.

The command line, the API, the page and the plugin all decide here. No model is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from companion.app.outbox import Outbox
from companion.app.run import Run
from companion.app.types.changes import Undone
from companion.app.types.proposals import Acceptance, Decisions
from companion.app.types.runs import NoteResult, RunKind
from companion.enrich.apply import File
from companion.enrich.job import NoteStatus, Result, failed_result, new_run
from companion.enrich.parse_answer import read_edited_value
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError, NoteError, NoteRefused, NotThere, UsageError
from companion.store.moves import follow_moves
from companion.store.outbox import UNDO_IN_EDITOR, OutboxRow
from companion.store.proposals import Proposal
from companion.vault.files import is_vault_there


class Decider:
    """Decides on the proposals of one vault. Safe to use from any thread.

    outbox: has edits of open notes made by their editors.
    """

    def __init__(self, space: Workspace, outbox: Outbox | None = None) -> None:
        self._space = space
        self._store = space.journal.proposals
        self._outbox = outbox or Outbox(space)

    def run(self, decisions: Decisions) -> Run:
        """Return a run that accepts, refuses and reopens proposals; see Vault."""
        ids = set(decisions.ids)
        proposals = self._store.get_all(ids)
        unknown = ids - {each.id for each in proposals}
        kind: RunKind = "undo"
        if not decisions.undo:
            kind = "accept" if decisions.accept else "refuse"
        total = len({each.path for each in proposals}) + len(unknown)
        return Run(kind, total, lambda run: self._decide(decisions, run.id), run=decisions.run)

    def undo_changes(
        self,
        changes: Sequence[int],
        refused: Mapping[int, str] | None = None,
        run: str | None = None,
    ) -> Run:
        """Return a run that takes changes back in this order; see Vault.

        refused: proposals to reopen after that, by id, each with its note.
        """
        reopened = refused or {}

        def work(run: Run) -> Iterator[NoteResult]:
            for number in changes:
                yield NoteResult.of_undone(self._undo_change(number, run.id))
            if reopened:
                yield from self._decide(Decisions(undo=list(reopened)), run.id)

        return Run("undo", len(changes) + len(set(reopened.values())), work, run=run)

    def _decide(self, decisions: Decisions, run: str) -> Iterator[NoteResult]:
        accepted = self.accept(decisions.accept, run=run)
        refused = self.refuse(decisions.refuse, reason=decisions.reason, run=run)
        results = chain(accepted, refused, self.undo(decisions.undo, run))
        yield from map(NoteResult.of_decision, results)

    def _undo_change(self, number: int, run: str) -> Undone:
        journal = self._space.journal
        change = journal.change(number)
        if change is None:
            return Undone.failed(number, NotThere(f"there is no change {number}"))
        remaining = change.name_parts(change.remaining_parts)
        try:
            undone = self._outbox.undo(change, run)
        except NoteError as error:
            return Undone.failed(number, error, change.path, remaining)
        if isinstance(undone, OutboxRow):
            return Undone(
                change=number,
                path=undone.path,
                undone_by=None,
                left=remaining,
                reason=UNDO_IN_EDITOR,
                waits=undone.id,
            )
        before = journal.notes.moved_from.get(undone.path)
        return Undone(
            change=number,
            path=undone.path,
            undone_by=undone.change,
            left=undone.remaining,
            reason=undone.reason or None,
            moved_from=change.path if change.path != undone.path else before,
        )

    def accept(
        self, acceptances: Iterable[Acceptance], by: str = "user", run: str | None = None
    ) -> Iterator[Result]:
        """Write the proposals into their notes, and yield the result for each note.

        The proposals for one note become one change. run: the name of the run that the changes
        belong to. by: who decides: `user`, or `agent:` and a name.

        Raises UsageError if the vault is not there, and StorageError, after which the rest can be
        accepted again.
        """
        space = self._space
        if not is_vault_there(space.root):
            raise UsageError(f"the vault {space.root} is not available; mount its drive")
        by_id = {each.id: each for each in acceptances}
        proposals = self._store.get_all(by_id)
        if not all((space.root / each.path).is_file() for each in proposals):
            follow_moves(space.root, space.journal)
        into = File(run or new_run())
        for path, group, result in self._by_note(by_id):
            yield result or self._accept_in(path, group, by_id, by, into)

    def _accept_in(
        self,
        path: str,
        group: Sequence[Proposal],
        by_id: Mapping[int, Acceptance],
        by: str,
        into: File,
    ) -> Result:
        """Write the proposals into their note, as far as they fit; return the result."""
        why_not, fit = dict[int, str](), list[Proposal]()
        for each in group:
            try:
                if each.state != by_id[each.id].state:
                    raise AnswerError(describe_state(each))
                fit.append(self._take_edited(each, by_id[each.id].text))
            except AnswerError as error:
                why_not[each.id] = str(error)
        result = Result(path, "failed")
        try:
            if fit:
                result = self._outbox.accept(self._space, path, fit, by, into)
        except NoteError as error:
            result = failed_result(path, error)
            why_not |= {each.id: result.reason for each in fit}
        return self._conclude(result, group, result.why_not | why_not)

    def _take_edited(self, proposal: Proposal, text: str | Sequence[str] | None) -> Proposal:
        """Return the proposal with the value in the user's text, which is stored; None: as it is.

        Raises AnswerError.
        """
        if text is None:
            return proposal
        field, context = self._space.prompts.field_of(proposal.kind), self._space.context()
        resolve = context.resolver(field, proposal.path)
        value = read_edited_value(field, text, resolve)
        self._store.edit_value(proposal.id, value)
        return replace(proposal, value=value)

    def refuse(self, ids: Iterable[int], reason: str = "", run: str = "") -> Iterator[Result]:
        """Refuse the proposals, and yield the result for each note; nothing is asked for again.

        run: the name of the run by which that can be undone.
        """
        for path, group, result in self._by_note(ids):
            if result is None:
                if waiting := [each.id for each in group if each.waits_for_editor]:
                    self._outbox.withdraw(waiting)
                mine = [each.id for each in group]
                decide = partial(self._store.decide, states=("open", "rejected"), run=run)
                decided = decide(mine, "refused", "user", reason)
                why_not = {e.id: describe_state(e) for e in group if e.id not in decided}
                result = self._conclude(Result(path, "refused", reason), group, why_not)
            yield result

    def undo(self, ids: Iterable[int], run: str | None = None) -> Iterator[Result]:
        """Take decisions back, which reopens the proposals; yield the result for each note.

        An accepted value is taken out of its note, with everything that was accepted with it.
        """
        run = run or new_run()
        for path, group, result in self._by_note(ids):
            yield result or self._undo_in(path, group, run)

    def _undo_in(self, path: str, group: Sequence[Proposal], run: str) -> Result:
        why_not, undo_id = dict[int, str](), None
        status: NoteStatus = "unchanged"
        reason = ""
        self._outbox.withdraw([each.id for each in group if each.waits_for_editor])
        for number in dict.fromkeys(each.change for each in group if each.state == "accepted"):
            own = [each.id for each in group if each.change == number]
            change = number and self._space.journal.change(number)
            try:
                if not change:
                    raise NoteRefused("its change is no longer in the journal", path)
                if (undo_id := self._outbox.undo(change, run).change) is None:
                    status, reason = "proposed", UNDO_IN_EDITOR
                    why_not |= dict.fromkeys(own, reason)
            except NoteError as error:
                why_not |= dict.fromkeys(own, error.reason)
        reopened = self._store.reopen([each.id for each in group if each.id not in why_not])
        for each in self._store.get_all(each.id for each in group):
            if each.id not in reopened:
                why_not.setdefault(each.id, describe_state(each))
        return self._conclude(Result(path, status, reason, change=undo_id), group, why_not)

    def _by_note(
        self, ids: Iterable[int]
    ) -> Iterator[tuple[str, Sequence[Proposal], Result | None]]:
        """Yield the proposals of each note, and the results of unknown ids."""
        ids = list(dict.fromkeys(ids))
        groups: dict[str, list[Proposal]] = {}
        for each in self._store.get_all(ids):
            groups.setdefault(each.path, []).append(each)
        existing = {each.id for group in groups.values() for each in group}
        for id_ in ids:
            if id_ not in existing:
                reason = f"there is no proposal {id_}"
                yield "", (), Result("", "failed", reason, why_not={id_: reason})
        for path, group in groups.items():
            yield path, group, None

    def _conclude(
        self, result: Result, group: Sequence[Proposal], why_not: Mapping[int, str]
    ) -> Result:
        """Return the result with the proposals as they are now.

        It has failed if the decision failed for every one. A decision that an editor has yet to
        make is `proposed` until then.
        """
        now = self._store.get_all(each.id for each in group)
        states = {each.id: each.state for each in now}
        filled = tuple(replace(each, state=states[each.id]) for each in result.filled)
        rest = tuple(each for each in now if all(each.id != one.id for one in filled))
        result = replace(result, filled=filled, waiting=rest, why_not=dict(why_not))
        if result.status != "proposed" and all(each.id in why_not for each in now):
            return replace(
                result, status="failed", reason="; ".join(dict.fromkeys(why_not.values()))
            )
        unfilled = (f"proposal {id_}: {why}" for id_, why in why_not.items())
        return replace(result, unfilled=(*result.unfilled, *unfilled))


def describe_state(proposal: Proposal) -> str:
    """Return in words why nobody can decide on the proposal in its state."""
    by = {"user": "you", "setting": "a setting"}.get(proposal.decided_by, proposal.decided_by)
    words = {
        "asked": "its question is in a batch, and not answered yet",
        "open": "it is open",
        "accepted": f"it was accepted already (change {proposal.change})",
        "refused": "it was refused already",
        "rejected": "it was rejected by a check",
        "superseded": "a newer one took its place",
        "closed": "its need is gone",
    }[proposal.state]
    why = f": {proposal.reason}" if proposal.reason else ""
    return f"{words}{f', by {by}' if by and proposal.state == 'refused' else ''}{why}"
