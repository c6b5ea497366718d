"""Batches: the calls about notes as lines of a file, and the answers to them.

What is asked and how an answer is accepted is as in a run (asker, accept, new_proposals); only the
call is made elsewhere, and later. Nothing is asked once more, for nobody is there to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from companion.config import Config
from companion.enrich.asker import Asker
from companion.enrich.model import ModelFacts
from companion.enrich.new_proposals import ProposalMaker
from companion.enrich.note_writer import NoteWriter
from companion.enrich.outcome import Accepted, Rejected
from companion.enrich.places import find_job, find_places
from companion.enrich.run import NoteStatus, Result, Waiting, failed_result, proposed_result
from companion.enrich.task import Job, Task, prepare_task
from companion.enrich.workspace import Workspace
from companion.errors import EndpointError, NoteError
from companion.llm.batch_api import AnswerLine, make_line, new_id
from companion.llm.endpoint import Endpoint
from companion.llm.request import Capabilities, Question
from companion.llm.response import Usage
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from companion.store.batches import BatchCall, NewBatchCall
from companion.store.proposal import NewProposal, Proposal
from companion.vault.files import skip_reason
from companion.vault.write import Snapshot, read_note

_ANSWERED = "it was answered before"
_REPLACED = "it was asked for again since, or is filled"


@dataclass
class BatchMaker:
    """Makes the calls of one batch. where: how messages name it, as by its file.

    capabilities: what the endpoint turned out to support; None: nothing is known of it.
    """

    asker: Asker
    batch: str
    where: str
    capabilities: Capabilities | None = None

    def __post_init__(self) -> None:
        space, asker = self.asker.workspace, self.asker
        self._endpoint = batch_endpoint(space.config)
        self._maker = ProposalMaker(space, asker.model)
        self._writer = NoteWriter(space, lambda: asker.callout_styles, self.batch)

    def make(self, job: Job) -> Planned:
        """Return the lines that ask for the note's needs, and the outcome of needs without a call.

        Values that similar notes decide are stored as proposals; the calls are not stored yet.

        Raises JournalError.
        """
        space, job = self.asker.workspace, job._replace(propose=True)
        space.refresh()
        if reason := skip_reason(space.root, job.path, space.ignore):
            return Planned(Result(job.path, "skipped", reason))
        try:
            task = prepare_task(space, job, self._writer.read(job.path).data)
            if task.skipped:
                return Planned(Result(job.path, "skipped", task.skipped))
            if not task.needs:
                nothing = Result(job.path, "unchanged", "nothing to ask for", left=task.unfilled)
                return Planned(nothing)
            self._writer.require_places(job.path, task)
        except NoteError as error:
            return Planned(failed_result(job.path, error))
        planned, outcomes, _ = self.asker.plan(job.path, task.parsed, task.needs)
        made = self._maker.make(job, task, outcomes, (0, 0), self.batch)
        ids = space.journal.proposals.add(made)
        result = _to_result(job.path, outcomes, made, ids, Usage())
        calls, lines = [], []
        for call in planned:
            needs = [each.need for each in call.questions]
            placeholders = self._maker.make_asked(job, task, needs, self.batch, self.where)
            keys = [each.ask.key for each in call.questions] if call.schema else []
            calls.append(NewBatchCall(new_id(), placeholders, keys, call.max_tokens))
            question = Question(call.messages, call.max_tokens, call.schema)
            lines.append(make_line(calls[-1].id, question, self._endpoint, self.capabilities))
        return Planned(replace(result, left=(*task.unfilled, *result.left)), calls, lines)


class Planned(NamedTuple):
    """The calls about a note, and their lines in the file; result: the outcome without them."""

    result: Result
    calls: Sequence[NewBatchCall] = ()
    lines: Sequence[bytes] = ()


class BatchReader:
    """Takes the answers to calls of batches; each becomes proposals, or is refused.

    make_asker: returns an asker for a model as the one that a batch was made for.
    """

    def __init__(self, workspace: Workspace, make_asker: Callable[[ModelFacts], Asker]) -> None:
        self._workspace = workspace
        self._store = workspace.journal.proposals
        self._make_asker = make_asker
        self._askers: dict[str, Asker] = {}
        self._endpoint = batch_endpoint(workspace.config)

    def take(self, call: BatchCall, line: AnswerLine) -> Result:
        """Store the answer to the call; return the outcome.

        A second answer changes nothing. A failure that may not come again is not remembered:
        another run asks.

        Raises JournalError.
        """
        proposals = self._store.get_all(call.proposals)
        path = proposals[0].path
        if call.state == "answered":
            return Result(path, "unchanged", _ANSWERED)
        if line.is_asked_again:
            why = line.error or f"error {line.reply.status if line.reply else 0}"
            return self._fail(call, path, f"no answer ({why}); ask again")
        try:
            return self._accept(call, line, path, proposals)
        except NoteError as error:
            return failed_result(path, error)
        except EndpointError as error:
            return self._fail(call, path, str(error))

    def _fail(self, call: BatchCall, path: str, reason: str) -> Result:
        if call.state == "out":
            self._workspace.journal.batches.close_call(call, "failed")
        return Result(path, "failed", reason)

    def _accept(
        self, call: BatchCall, line: AnswerLine, path: str, proposals: Sequence[Proposal]
    ) -> Result:
        """Store the answer; return the outcome. Raises NoteError: it can be taken later."""
        source = self._store.source(proposals[0])
        gone = self._find_replaced(path, proposals)
        if len(gone) < len(proposals):
            try:
                places = find_places(self._workspace, path, proposals, self._read)
                gone, source = {**places.gone, **gone}, source or places.task.data
            except NoteError:  # what is given waits; its place is looked for when it is accepted
                if source is None:
                    raise
        kept = [each for each in proposals if each.id not in gone]
        if not kept or source is None:
            self._workspace.journal.batches.close_call(call, "answered", closed=gone)
            return Result(path, "unchanged", "; ".join(dict.fromkeys(gone.values())))
        parsed = ParsedNote(NoteText.decode(source))
        if (asker := self._askers.get(call.batch)) is None:
            batch = self._workspace.journal.batches.get(call.batch)
            assert batch, "a call is of a batch"
            asker = self._askers[call.batch] = self._make_asker(ModelFacts(**batch.model))
        needs = [each.place for each in proposals if each.place is not None]
        answers = asker.accept_later(
            path,
            parsed,
            needs,
            call.keys,
            lambda schema: line.to_answer(schema, self._endpoint, call.max_tokens),
        )
        by_need = {each.need: each for each in kept}
        outcomes = [each for each in answers.outcomes if each.need.key in by_need]
        task = Task(source, parsed, None, (), ())
        job = find_job(path, proposals)._replace(propose=True)
        maker = ProposalMaker(self._workspace, asker.model)
        tokens = answers.usage.input_tokens, answers.usage.output_tokens
        made = []
        for new in maker.make(job, task, outcomes, tokens, call.batch):
            placeholder = by_need[new.need.key]
            made.append(
                new._replace(
                    prompt=placeholder.prompt,
                    sentences=placeholder.sentences,
                    options=placeholder.options,
                )
            )
        ids = self._workspace.journal.batches.close_call(call, "answered", made, gone)
        return _to_result(path, outcomes, made, ids, answers.usage)

    def _find_replaced(self, path: str, proposals: Sequence[Proposal]) -> dict[int, str]:
        """Return the proposals that newer ones have replaced, by id, and why."""
        latest = self._store.latest(path)
        gone = {}
        for each in proposals:
            newest = latest.get(each.need)
            if each.state not in ("asked", "closed") or (newest and newest.id > each.id):
                gone[each.id] = _REPLACED
        return gone

    def _read(self, path: str) -> Snapshot:
        return read_note(self._workspace.root, path, max_bytes=self._workspace.ignore.max_bytes)


def batch_endpoint(config: Config) -> Endpoint:
    """Return the endpoint whose settings the lines of a file follow."""
    if not config.is_embedded:
        return config.endpoint
    table = config.endpoint
    return Endpoint(base_url="http://localhost", model=table.model, json_mode=table.json_mode)


def _to_result(
    path: str,
    outcomes: Iterable[Accepted | Rejected],
    made: Sequence[NewProposal],
    ids: Sequence[int],
    usage: Usage,
) -> Result:
    """Return the result of a note: proposals that wait, and why other needs have no value."""
    waiting = {
        new.need.key: Waiting(id_, new.need.kind, new.flags)
        for id_, new in zip(ids, made, strict=True)
        if new.state == "open"
    }
    rejected = (each for each in outcomes if isinstance(each, Rejected))
    unused = (each.reason for each in rejected if each.need.key not in waiting)
    reasons = tuple(dict.fromkeys(unused))
    if waiting:
        return proposed_result(path, list(waiting.values()), reasons, usage)
    status: NoteStatus = "failed" if any(n.state == "rejected" for n in made) else "unchanged"
    return Result(path, status, reasons[-1] if reasons else "", left=reasons[:-1], usage=usage)
