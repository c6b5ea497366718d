"""Decisions on proposals: accept them into their notes, refuse them, or take a decision back.

The command line, the API, the page and the plugin all decide here. No model is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from companion.app.types.decisions import Acceptance
from companion.enrich.answers.parse_answer import read_edited_value
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.note_writer import NoteValues, NoteWriter
from companion.enrich.places import Places, find_places
from companion.enrich.result import (
    Decided,
    NoteStatus,
    OpenProposal,
    Result,
    decided_result,
    failed_result,
    new_run,
)
from companion.enrich.workspace import LEFT_ALONE, Workspace
from companion.errors import AnswerError, NoteError, NoteRefused, UsageError
from companion.note.needs import Need
from companion.store.journal import Change, NewChange
from companion.store.moves import follow_moves
from companion.store.outbox_store import UNDO_IN_EDITOR, OutboxRow
from companion.store.proposal import Proposal, describe_state
from companion.store.proposal_store import Selection
from companion.store.undo import Undone, undo_change
from companion.vault.files import is_vault_there
from companion.vault.write import Snapshot


class Decider:
    """Decides on the proposals of one vault. Safe to use from any thread.

    context: returns the current names and callout styles of the vault. write: writes values into a
    note, or has that done, and returns the result; None: NoteWriter.write. take_back: undoes a
    change, for a run, or leaves that to an editor; None: undo_change. withdraw: cancels the
    acceptance of proposals that are not written yet because an editor shows their note.
    """

    def __init__(
        self,
        workspace: Workspace,
        context: Callable[[], VaultContext],
        write: Callable[[NoteWriter, NoteValues], Result] | None = None,
        take_back: Callable[[Change, str], Undone | OutboxRow] | None = None,
        withdraw: Callable[[Sequence[int]], None] = lambda ids: None,
    ) -> None:
        self._space = workspace
        self._store = workspace.journal.proposals
        self._context = context
        self._write = write or NoteWriter.write
        self._withdraw = withdraw
        self.take_back: Callable[[Change, str], Undone | OutboxRow] = take_back or partial(
            undo_change, workspace.root, workspace.journal
        )

    def accept(
        self, acceptances: Iterable[Acceptance], by: str = "user", run: str | None = None
    ) -> Iterator[Result]:
        """Write the proposals into their notes, and yield the outcome for each note.

        The proposals for one note become one change. run: the name of the run that the changes
        belong to. by: who decides: `user`, or `agent:` and a name.

        Raises UsageError if the vault is not there, and StorageError, after which the rest can be
        accepted again.
        """
        by_id = {each.id: each for each in acceptances}
        writer = NoteWriter(self._space, self._context, run or new_run())
        groups, unknown = self._by_note(by_id, follow=True)
        yield from unknown
        for path, group in groups.items():
            yield self._accept_in(path, group, by_id, writer, by)

    def _by_note(
        self, ids: Iterable[int], *, follow: bool = False
    ) -> tuple[dict[str, list[Proposal]], list[Result]]:
        """Return the proposals by note, and the outcomes of unknown ids.

        follow: look for notes that were moved. Raises UsageError if the vault is not there.
        """
        root, ids = self._space.root, list(dict.fromkeys(ids))
        if follow and not is_vault_there(root):
            raise UsageError(f"the vault {root} is not available right now; mount its drive")
        proposals = self._store.get_all(ids)
        if follow and not all((root / each.path).is_file() for each in proposals):
            follow_moves(root, self._space.journal)
            proposals = self._store.get_all(ids)
        groups: dict[str, list[Proposal]] = {}
        for each in proposals:
            groups.setdefault(each.path, []).append(each)
        existing = {each.id for each in proposals}
        reasons = {id_: f"there is no proposal {id_}" for id_ in ids if id_ not in existing}
        unknown = [
            decided_result(Result("", "failed", reason), [Decided(id_, None, reason)])
            for id_, reason in reasons.items()
        ]
        return groups, unknown

    def _accept_in(
        self,
        path: str,
        group: Sequence[Proposal],
        by_id: Mapping[int, Acceptance],
        writer: NoteWriter,
        by: str,
    ) -> Result:
        """Write the proposals into their note, as far as they fit; return the outcome.

        Open proposals without a place are closed. Those from a note that is now ignored or private
        are deleted, too. Other open proposals for the needs that were filled are superseded.
        """
        result, values, why_not = Result(path, "failed"), None, dict[int, str]()
        try:
            values = self._find_values(group, by_id, by, writer.read, why_not, self._close)
            if values:
                result = self._write(writer, values)
        except NoteError as error:
            result = failed_result(path, error)
            why_not = {each.id: result.reason for each in group} | why_not
        filled = {each.need.key for each in result.filled}
        for each in values.proposals if values else ():
            if result.change is None or each.need.key not in filled:
                why_not.setdefault(each.id, result.reason or "it was edited meanwhile")
        if result.change is not None:
            rest = self._store.select(Selection([result.path], states=("open",)))
            ids = [each.id for each in rest if each.need in filled]
            self._store.decide(ids, "superseded", "need", f"change {result.change} filled it")
        now = self._store.get_all(each.id for each in group)
        decided = [Decided(each.id, each.state, why_not.get(each.id)) for each in now]
        return decided_result(result, decided)

    def _find_values(
        self,
        group: Sequence[Proposal],
        by_id: Mapping[int, Acceptance],
        by: str,
        read: Callable[[str], Snapshot],
        why_not: dict[int, str],
        close: Callable[[Places], None] = lambda places: None,
    ) -> NoteValues | None:
        """Return the values to write into the note, as read returns it; None: there are none.

        why_not gets the reasons against the others. close: called with the places. Raises
        NoteError.
        """
        obstacles = ((each.id, _refuse(each, by_id[each.id])) for each in group)
        why_not |= {id_: why for id_, why in obstacles if why}
        fit = [each for each in group if each.id not in why_not]
        if not fit:
            return None
        places = find_places(self._space, fit[0].path, fit, read)
        close(places)
        why_not |= places.gone
        by_need: dict[str, OpenProposal] = {}
        for each in fit:
            if each.id in why_not:
                continue
            if each.need in by_need:
                why_not[each.id] = "another proposal for the same was accepted with it"
                continue
            need, acceptance = places.needs[each.need], by_id[each.id]
            try:
                edited = self._take_edited(each, need, acceptance.text)
            except AnswerError as error:
                why_not[each.id] = str(error)
                continue
            by_need[each.need] = OpenProposal.of(each.id, need, edited)
        states = {by_id[each.id].state for each in by_need.values()}
        proposals = tuple(by_need.values())
        if not proposals:
            return None
        return NoteValues(places.job, places.task, proposals, decided_by=by, states=tuple(states))

    def _take_edited(
        self, proposal: Proposal, need: Need, text: str | Sequence[str] | None
    ) -> Proposal:
        """Return the proposal with the value in the user's text, which is stored; None: unchanged.

        Raises AnswerError.
        """
        if text is not None:
            field = self._space.prompts.field_of(need.kind)
            context, is_linking = self._context(), self._space.config.callout.links
            resolve = context.resolver(field, proposal.path, is_linking=is_linking)
            value = read_edited_value(field, text, resolve, context.form_of(field))
            self._store.edit_value(proposal.id, value)
            return replace(proposal, value=value)
        if proposal.edited is not None and not proposal.waits_for_editor:
            self._store.edit_value(proposal.id, None)
        return proposal

    def _close(self, places: Places) -> None:
        """Close the proposals without a place; forget all if the note is left alone now."""
        for number, reason in places.gone.items():
            self._store.decide([number], "closed", "need", reason)
        if places.is_excluded:
            self._store.forget([places.job.path], LEFT_ALONE, "need", to="closed")

    def refuse(self, ids: Iterable[int], reason: str = "", run: str = "") -> Iterator[Result]:
        """Refuse the proposals, and yield the outcome for each note; nothing is asked for again.

        run: the name of the run by which that can be undone.
        """
        groups, unknown = self._by_note(ids)
        yield from unknown
        for path, group in groups.items():
            if waiting := [each.id for each in group if each.waits_for_editor]:
                self._withdraw(waiting)
            mine = [each.id for each in group]
            decide = partial(self._store.decide, states=("open", "rejected"), run=run)
            decided_ids = set(decide(mine, "refused", "user", reason))
            decided = [
                Decided(
                    each.id, each.state, None if each.id in decided_ids else describe_state(each)
                )
                for each in self._store.get_all(mine)
            ]
            yield decided_result(Result(path, "refused", reason), decided)

    def undo(self, ids: Iterable[int], run: str | None = None) -> Iterator[Result]:
        """Take decisions back, which reopens the proposals; yield the outcome for each note.

        An accepted value is taken out of its note, with everything that was accepted with it.
        """
        run = run or new_run()
        groups, unknown = self._by_note(ids)
        yield from unknown
        for path, group in groups.items():
            why_not: dict[int, str] = {}
            undo_id: int | None = None
            status: NoteStatus = "unchanged"
            reason = ""
            self._withdraw([each.id for each in group if each.waits_for_editor])
            for number in dict.fromkeys(each.change for each in group if each.state == "accepted"):
                change = number and self._space.journal.change(number)
                try:
                    if not change:
                        raise NoteRefused("its change is no longer in the journal", path)
                    if (undo_id := self.take_back(change, run).change) is None:
                        status, reason = "proposed", UNDO_IN_EDITOR
                        why_not |= {each.id: reason for each in group if each.change == number}
                except NoteError as error:
                    why_not |= {each.id: error.reason for each in group if each.change == number}
            reopened = self._store.reopen([each.id for each in group if each.id not in why_not])
            now = self._store.get_all(each.id for each in group)
            for each in now:
                if each.id not in reopened:
                    why_not.setdefault(each.id, describe_state(each))
            decided = [Decided(each.id, each.state, why_not.get(each.id)) for each in now]
            yield decided_result(Result(path, status, reason, change=undo_id), decided)

    def plan_acceptance(self, row: OutboxRow, text: str) -> tuple[Result, NewChange]:
        """Return the change by which a text in an editor accepts the proposals of a row.

        It comes with the texts before and after it. Nothing is decided yet; the change accepts them
        once it is recorded as made. Proposals that cannot be accepted, or have no place in the
        text, are left out.

        Raises NoteError if none can be accepted.
        """
        data = text.encode("utf-8")
        writer = NoteWriter(self._space, self._context, row.run)
        read = partial(Snapshot, self._space.root, data=data, mtime_ns=0)
        values = self._require_values(row, read)
        result, change = writer.plan_on(values, data)
        if change is None:
            raise NoteRefused(result.reason, values.job.path)
        return result, change

    def write(self, row: OutboxRow) -> Result:
        """Write the proposals of a row into its note's file, as far as they have a place in it.

        Raises NoteError, also if none has one.
        """
        writer = NoteWriter(self._space, self._context, row.run)
        result = writer.write(self._require_values(row, writer.read))
        if result.change is None:
            raise NoteRefused(result.reason, result.path)
        return result

    def _require_values(self, row: OutboxRow, read: Callable[[str], Snapshot]) -> NoteValues:
        """Return what _find_values does. Raises NoteRefused if none can be accepted, or fits."""
        by_id = {id_: Acceptance(id=id_) for id_ in row.proposals}
        why_not, group = dict[int, str](), self._store.get_all(by_id)
        values = self._find_values(group, by_id, row.decided_by, read, why_not) if group else None
        if values is None:
            reasons = "; ".join(dict.fromkeys(why_not.values())) or "none of it is wanted any more"
            raise NoteRefused(reasons, group[0].path if group else "")
        return replace(values, new_values=(row.remark,) if row.remark else ())


def _refuse(proposal: Proposal, acceptance: Acceptance) -> str:
    """Return why the proposal cannot be accepted, whatever its note holds; empty if it can."""
    if proposal.state != acceptance.state:
        return describe_state(proposal)
    if proposal.value is None and acceptance.text is None:
        return "its text was deleted; ask for it again"
    return ""
