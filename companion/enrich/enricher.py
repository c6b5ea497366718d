"""One note from its needs to its new text: read, ask, plan, read again, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from companion.enrich.answer import NothingToSay
from companion.enrich.asker import Asker, Outcome
from companion.enrich.draft import Draft, Job, draft_note
from companion.enrich.plan import Filling, Plan
from companion.enrich.planner import MANY, Planner
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError, NoteChanged, NoteError, NoteRefused
from companion.llm.answer import Usage
from companion.llm.client import Client
from companion.note.edit import Edit, diff_edits
from companion.note.needs import Need
from companion.vault.files import skip_reason
from companion.vault.journal import NewChange
from companion.vault.write import SETTLE, NoteMixed, Snapshot, read_note, write_note

Status = Literal["enriched", "unchanged", "skipped", "failed"]
_TRIES = 3


@dataclass(frozen=True)
class Result:
    """What became of a job. filled: what was written; left: what was not, and why.

    old, new: the note's text before and after, where it changed or would change.
    change: the id of the change in the journal; None where nothing was written.
    ends_run: the reason holds for every note, so the run ends with it.
    """

    path: str
    status: Status
    reason: str = ""
    filled: tuple[Filling, ...] = ()
    left: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    old: str = ""
    new: str = ""
    change: int | None = None
    ends_run: bool = False


class Enricher:
    """Works on the notes of one run; enrich() may be called from any thread.

    run: the name of the run in the journal. settle: seconds that a note must be unchanged
    before it is read.
    """

    def __init__(
        self,
        workspace: Workspace,
        asker: Asker,
        client: Client,
        run: str,
        settle: float = SETTLE,
    ) -> None:
        self.workspace = workspace
        self.run = run
        self._asker = asker
        self._client = client
        self._settle = settle
        at_once = workspace.config.concurrency
        client.limit_calls(at_once)
        self._planner = Planner(workspace.rules, workspace.config.styles, has_child=at_once >= MANY)

    def enrich(self, job: Job) -> Result:
        """Return what became of the note. What concerns this note alone is a result, no error.

        Raises EndpointError, Cancelled, JournalError: no other note can be worked on then either.
        """
        if reason := skip_reason(self.workspace.root, job.path, self.workspace.ignore):
            return Result(job.path, "skipped", reason)
        try:
            return self._enrich(job)
        except NoteRefused as error:
            return Result(job.path, "skipped", in_words(error))
        except NoteError as error:
            return Result(job.path, "failed", in_words(error))

    def plan(self, draft: Draft, fillings: Sequence[Filling]) -> tuple[Plan, list[Edit]]:
        """Return what becomes of the draft's note, and the edits of its text as it was read.

        Raises NoteRefused.
        """
        space = self.workspace
        whole = len(fillings) == len(draft.needs)
        afterwards = space.config.notes.postponed_afterwards if whole else "keep"
        plan = self._planner.plan(draft.view, fillings, afterwards)
        old = draft.data.decode("utf-8")
        return plan, plan.edits if old == draft.view.note.text else diff_edits(old, plan.text)

    def _enrich(self, job: Job) -> Result:
        draft = draft_note(self.workspace, job, self._snapshot(job).data)
        if draft.skipped:
            return Result(job.path, "skipped", draft.skipped)
        if not draft.needs:
            return Result(job.path, "unchanged", "nothing to fill", left=draft.left)
        outcome = self._asker.ask(job.path, draft.view, draft.needs, self._client)
        if not job.dry_run:
            self._remember(job.path, outcome.refused)
        left = (*draft.left, *dict.fromkeys(str(error) for error in outcome.refused.values()))
        if not outcome.fillings or draft.own - _keys(outcome.fillings):
            nothing = all(isinstance(error, NothingToSay) for error in outcome.refused.values())
            status: Status = "unchanged" if nothing else "failed"
            return Result(job.path, status, left[-1], left=left[:-1], usage=outcome.usage)
        return self._write(job, draft, outcome, left)

    def _write(self, job: Job, draft: Draft, outcome: Outcome, left: tuple[str, ...]) -> Result:
        """Plan on the note as it is now, and write it; again on what somebody wrote meanwhile."""
        for attempt in range(1, _TRIES + 1):
            snapshot = self._snapshot(job)
            if snapshot.data != draft.data:
                _require_same_note(draft.data, snapshot)
                draft = draft_note(self.workspace, job, snapshot.data)
            fillings = _still_needed(outcome.fillings, draft)
            if draft.skipped or not fillings or draft.own - _keys(fillings):
                reason = draft.skipped or "it was edited meanwhile and needs nothing now"
                return Result(job.path, "unchanged", reason, usage=outcome.usage)
            plan, edits = self.plan(draft, fillings)
            made = Result(
                job.path,
                "enriched",
                "",
                tuple(fillings),
                left,
                outcome.usage,
                old=draft.data.decode("utf-8"),
                new=plan.text,
            )
            if made.new == made.old:
                return Result(job.path, "unchanged", "it is as it was", usage=outcome.usage)
            if job.dry_run:
                return made
            try:
                return replace(made, change=self._commit(snapshot, made, edits))
            except NoteMixed:
                raise
            except NoteChanged:
                if attempt == _TRIES:
                    raise
        raise AssertionError("unreachable")

    def _commit(self, snapshot: Snapshot, made: Result, edits: list[Edit]) -> int:
        change = NewChange(
            run=self.run,
            path=made.path,
            kind="enrich",
            edits=edits,
            needs=tuple(filling.need.key for filling in made.filled),
            model=self._client.settings.model,
            note="; ".join(filling.remark for filling in made.filled if filling.remark),
        )
        return write_note(snapshot, made.new.encode("utf-8"), self.workspace.journal, change)

    def _snapshot(self, job: Job) -> Snapshot:
        space = self.workspace
        limit = space.ignore.max_bytes
        return read_note(space.root, job.path, settle=self._settle, max_bytes=limit)

    def _remember(self, path: str, refused: Mapping[Need, AnswerError]) -> None:
        for need, error in refused.items():
            outcome: Literal["nothing", "rejected"] = (
                "nothing" if isinstance(error, NothingToSay) else "rejected"
            )
            self.workspace.journal.remember(path, need.key, outcome, str(error))


def _require_same_note(asked: bytes, now: Snapshot) -> None:
    """Raise NoteChanged when most of what the model was asked about has gone from the note."""
    old = {line.strip() for line in asked.splitlines()} - {b""}
    kept = old & {line.strip() for line in now.data.splitlines()}
    if len(kept) * 2 < len(old):
        reason = "it was rewritten while the model was thinking; enrich it again"
        raise NoteChanged(reason, now.path)


def in_words(error: NoteError) -> str:
    """Return the reason and the line, without the path, which stands beside it already."""
    return f"{error.reason} (line {error.line})" if error.line else error.reason


def _keys(fillings: Sequence[Filling]) -> set[str]:
    return {filling.need.key for filling in fillings}


def _still_needed(fillings: Sequence[Filling], draft: Draft) -> list[Filling]:
    """Return the fillings whose need the note still has, with the need as it is now."""
    needs = {need.key: need for need in draft.needs}
    return [
        filling._replace(need=needs[filling.need.key])
        for filling in fillings
        if filling.need.key in needs
    ]
