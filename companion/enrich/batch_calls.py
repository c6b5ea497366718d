"""Batches: the calls about notes as lines of a file, and the answers to them.

Questions and checks are the same as in a run; only the call is made elsewhere, and later. Nothing
is asked again, since nobody is there to ask.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from companion.config import Config
from companion.enrich.answers.outcome import Accepted, Rejected
from companion.enrich.asker import Asker
from companion.enrich.configured_model import ModelFacts
from companion.enrich.context.similar import SimilarNotes
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.enricher import Enricher
from companion.enrich.new_proposals import make_proposals
from companion.enrich.note_guard import find_withheld
from companion.enrich.places import find_job, find_places
from companion.enrich.result import (
    NoteStatus,
    OpenProposal,
    Result,
    failed_result,
    proposed_result,
    unfilled_result,
)
from companion.enrich.task import Job, Task
from companion.enrich.workspace import Workspace
from companion.errors import EndpointError, NoteError
from companion.llm.batch_api import AnswerLine, BatchClient
from companion.llm.endpoint import Endpoint
from companion.llm.response import Usage
from companion.note.parsed_note import ParsedNote
from companion.private_files import new_private
from companion.store.batch_store import BatchCall, ProviderState
from companion.store.moves import follow_moves
from companion.store.proposal import NewProposal, Proposal
from companion.store.proposal_store import Selection
from companion.vault.write import read_note

_ANSWERED = "it was answered before"
_REPLACED = "it was asked for again since, or is filled"


class BatchMaker:
    """Makes the calls of one batch. where: how messages refer to it, such as by its file.

    calls, size: the number of the lines so far, and their bytes.
    """

    def __init__(self, asker: Asker, client: BatchClient, name: str, where: str) -> None:
        self.asker = asker
        self.name = name
        self.calls = self.size = 0
        client.where = where
        self._client = client
        self._enricher = Enricher(asker, client, name)
        self._journal = asker.workspace.journal

    def make(self, job: Job) -> tuple[Result, list[bytes]]:
        """Return the note's result without the values asked for, and the lines that ask for them.

        Raises EndpointError (of an encoder), StorageError.
        """
        result = self._enricher.enrich(job._replace(propose=True))
        self._client.makes_calls &= not self._client.usage.calls  # one note shows what it takes
        needs = defaultdict[str, list[tuple[int, str]]](list)
        questions = Selection([result.path], states=["asked"], run=self.name)
        in_order = reversed(self._journal.proposals.select(questions))  # that of the needs
        for each in in_order:
            needs[each.answer[0]].append((each.id, each.answer[1]))  # type: ignore[index]
        lines = [line for line in self._client.lines if line.id in needs]
        self._client.lines.clear()
        for line in lines:
            ids, keys = zip(*needs[line.id], strict=True)
            call = BatchCall(
                line.id, self.name, "out", ids, keys if line.is_json else (), line.max_tokens
            )
            self._journal.batches.add(call)
            self.calls, self.size = self.calls + 1, self.size + len(line.data)
        return result, [line.data for line in lines]


def write_batch(
    maker: BatchMaker, file: Path, jobs: Iterable[Job], provider: str = ""
) -> Iterator[Result]:
    """Write a batch into a new file while it is iterated over; yield the result of each note.

    If there is nothing to ask, or it ends early, no file is left. provider: the address of the
    endpoint to send it to; empty: another program answers it.

    Raises UsageError if the file cannot be written; JournalError.
    """
    journal, name = maker.asker.workspace.journal, maker.name
    with suppress(_NothingToAsk):
        try:
            with new_private(file) as opened:
                journal.batches.begin(name, str(file), maker.asker.model._asdict())
                for job in jobs:
                    result, lines = maker.make(job)
                    opened.writelines(lines)
                    yield result
                if not maker.calls:
                    raise _NothingToAsk
                if provider:
                    journal.batches.set_provider(name, ProviderState(provider))
            journal.batches.finish(name)
        except BaseException:
            journal.batches.cancel(name)
            raise


class _NothingToAsk(Exception):
    """No call was made, so no file should be left."""


class BatchReader:
    """Reads the answers to calls of batches; each becomes proposals, or is refused.

    Notes that were moved since they were asked about are looked for first.
    """

    def __init__(self, workspace: Workspace, similar: SimilarNotes | None) -> None:
        follow_moves(workspace.root, workspace.journal)
        self._workspace = workspace
        self._similar = similar
        self._store = workspace.journal.proposals
        self._batches = workspace.journal.batches
        self._askers: dict[str, Asker] = {}
        self._context: VaultContext | None = None

    def take(self, call: BatchCall, line: AnswerLine) -> Result:
        """Store the answer to the call; return the outcome.

        A second answer changes nothing. A failure that may be temporary is not remembered: another
        run asks. Raises JournalError.
        """
        proposals = self._store.get_all(call.proposals)
        path = proposals[0].path
        if call.state == "answered":
            return Result(path, "unchanged", _ANSWERED)
        try:
            if failure := line.failure:
                reason = f"no answer ({failure}); ask again"
            elif withheld := find_withheld(self._workspace, proposals):
                reason = f"it was shown {withheld}, which may not be told any more; ask again"
            else:
                return self._accept(call, line, path, proposals)
        except NoteError as error:
            return failed_result(path, error)
        except EndpointError as error:
            reason = str(error)
        if call.state == "out":
            self._batches.close_call(call, "failed")
        return Result(path, "failed", reason)

    def _accept(
        self, call: BatchCall, line: AnswerLine, path: str, proposals: Sequence[Proposal]
    ) -> Result:
        """Store the answer; return the outcome. Raises NoteError if it can be stored only later."""
        source, placeless = self._find_source(path, proposals)
        placed = {each.need: each for each in proposals if each.id not in placeless}
        if not placed or source is None:
            self._batches.close_call(call, "answered", closed=placeless)
            return Result(path, "unchanged", "; ".join(dict.fromkeys(placeless.values())))
        parsed, asker = ParsedNote.decode(source), self._asker_of(call.batch)
        endpoint = batch_endpoint(self._workspace.config)
        answers = asker.accept_later(
            path,
            parsed,
            [each.place for each in proposals if each.place is not None],
            call.keys,
            lambda schema: line.to_answer(schema, endpoint, call.max_tokens),
        )
        outcomes = [each for each in answers.outcomes if each.need.key in placed]
        job, task = find_job(path, proposals), Task(source, parsed, None, (), ())
        job, usage = job._replace(propose=True), answers.usage
        about = self._workspace, asker.model, job, task
        new_proposals = make_proposals(*about, outcomes, usage, call.batch)
        questions = [placed[new.need.key] for new in new_proposals]
        new_proposals = [
            new._replace(prompt=each.prompt, sentences=each.sentences, options=each.options)
            for new, each in zip(new_proposals, questions, strict=True)
        ]
        ids = self._batches.close_call(call, "answered", new_proposals, placeless)
        return _sum_up(path, list(zip(ids, new_proposals, strict=True)), outcomes, usage)

    def _find_source(
        self, path: str, proposals: Sequence[Proposal]
    ) -> tuple[bytes | None, dict[int, str]]:
        """Return the note that the questions are about, and why some no longer have a place.

        The reasons are by the ids of their proposals. Raises NoteError.
        """
        source, latest = self._store.source(proposals[0]), self._store.latest(path)
        placeless = {
            each.id: _REPLACED
            for each in proposals
            if each.state not in ("asked", "closed")
            or ((newest := latest.get(each.need)) and newest.id > each.id)
        }
        if len(placeless) < len(proposals):
            try:
                space = self._workspace
                read = partial(read_note, space.root, max_bytes=space.ignore.max_bytes)
                places = find_places(space, path, proposals, read)
                return source or places.task.data, {**places.gone, **placeless}
            except NoteError:  # answers wait; their place is looked for when they are accepted
                if source is None:
                    raise
        return source, placeless

    def _asker_of(self, name: str) -> Asker:
        """Return an asker for a model like the one that the batch was made for."""
        if name not in self._askers:
            batch = self._batches.get(name)
            assert batch, "a call is of a batch"
            facts, space = ModelFacts(**batch.model), self._workspace
            self._context = self._context or VaultContext(space.scan())
            self._askers[name] = Asker(space, self._context, self._similar, facts)
        return self._askers[name]


def _sum_up(
    path: str,
    stored: Sequence[tuple[int, NewProposal]],
    outcomes: Sequence[Accepted | Rejected],
    usage: Usage,
) -> Result:
    """Return the result of the note for the proposals stored from the outcomes, by id."""
    waiting = [OpenProposal.of(id_, new.need, new) for id_, new in stored if new.state == "open"]
    open_needs = {each.need.key for each in waiting}
    rejected = (each for each in outcomes if isinstance(each, Rejected))
    reasons = (each.reason for each in rejected if each.need.key not in open_needs)
    unfilled = tuple(dict.fromkeys(reasons))
    if waiting:
        return proposed_result(path, waiting, unfilled, usage)
    status: NoteStatus = "failed" if stored else "unchanged"
    return unfilled_result(path, status, unfilled, usage)


def batch_endpoint(config: Config) -> Endpoint:
    """Return the endpoint whose settings the lines of a file follow."""
    if not config.is_embedded:
        return config.endpoint
    table = config.endpoint
    return Endpoint(base_url="http://localhost", model=table.model, json_mode=table.json_mode)
