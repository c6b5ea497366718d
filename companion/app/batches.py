"""Batches: questions about many notes in a file, which another engine answers later.

Questions and checks are those of a run; only the call is made elsewhere. Each need in a batch has a
proposal in state `asked`, which keeps other runs from asking for it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from companion.app.jobs import RunPlan, plan_run
from companion.app.open_vault import open_space
from companion.app.run import Tell
from companion.app.types.runs import NoteResult, RunOptions
from companion.enrich.answers.outcome import Rejected
from companion.enrich.asker import Asker
from companion.enrich.context.similar import open_similar
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.enricher import Enricher
from companion.enrich.new_proposals import make_proposals
from companion.enrich.note_guard import find_withheld
from companion.enrich.places import find_job, find_places
from companion.enrich.result import (
    OpenProposal,
    Result,
    failed_result,
    new_run,
    proposed_result,
    unfilled_result,
)
from companion.enrich.task import Task
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError, EndpointError, NoteError, UsageError
from companion.llm.batch import AnswerLine, BatchClient, read_line
from companion.llm.endpoint import Endpoint
from companion.note.parsed_note import ParsedNote
from companion.store.moves import follow_moves
from companion.store.proposal import Proposal, ProposalState
from companion.vault.notes import Scan
from companion.vault.paths import is_in_vault
from companion.vault.write import read_note


class BatchRun:
    """Questions about notes; iterate over it, once, to write them into the file.

    total, left_alone, warnings, tell: as in Run. calls, notes: how many questions there are, and
    about how many notes. model: the one to answer them.
    """

    def __init__(self, space: Workspace, scan: Scan, plan: RunPlan, file: Path) -> None:
        self.total = len(plan.jobs)
        self.left_alone, self.warnings = plan.left_alone, plan.warnings
        self.calls = self.notes = 0
        self.model = space.config.endpoint.model
        self.tell: Tell = bool
        self._space, self._scan, self._plan, self._file = space, scan, plan, file

    def __iter__(self) -> Iterator[NoteResult]:
        for result in self._plan.skipped:
            yield NoteResult.of(result, counted=False)
        if not self.total:
            return
        with open_similar(self._space) as similar, _open_new(self._file) as opened:
            if similar:
                similar.tell = self.tell
            client = BatchClient(_endpoint_of(self._space), str(self._file))
            asker = Asker(self._space, VaultContext(self._scan), similar)
            enricher, stored = Enricher(asker, client, new_run()), self._space.journal.proposals
            for job in self._plan.jobs:
                result = enricher.enrich(job._replace(propose=True))
                lines = [line for id_, line in client.lines.items() if stored.asked_in(id_)]
                client.lines.clear()
                opened.writelines(lines)
                opened.flush()
                self.calls += len(lines)
                self.notes += bool(lines)
                yield NoteResult.of(result)
        if not self.calls:
            self._file.unlink()


class Batches:
    """The batches of a vault, which this process has open for them.

    lines, unknown: how many lines of the file of answers have been read, and the numbers of those
    that answer no open question.
    """

    def __init__(self, space: Workspace) -> None:
        self.root = space.root
        self.lines = 0
        self.unknown: list[int] = []
        self._space = space

    def export(self, file: Path, options: RunOptions) -> BatchRun:
        """Return a run that writes questions into a new file. Raises as Vault.run does."""
        if is_in_vault(self.root, file):
            raise UsageError(f"{file.name} is in the vault; name a file outside it")
        if file.exists():
            raise UsageError(f"{file} already exists and is not overwritten; name another file")
        scan = self._space.scan()
        plan = plan_run(self._space, scan, options.model_copy(update={"agreed": True}))
        return BatchRun(self._space, scan, plan, file)

    def read_answers(self, file: Path) -> Iterator[NoteResult]:
        """Read the answers in a file; yield the result of each.

        Notes that were moved since they were asked about are looked for first. Raises UsageError if
        the file cannot be read, JournalError.
        """
        space = self._space
        follow_moves(space.root, space.journal)
        with open_similar(space) as similar, _open_answers(file) as lines:
            asker = Asker(space, VaultContext(space.scan()), similar)
            for self.lines, line in enumerate(lines, 1):
                answer = read_line(line)
                asked = space.journal.proposals.asked_in(answer.id) if answer else []
                if answer and asked:
                    yield NoteResult.of(_take(space, asker, asked, answer))
                elif line.strip():
                    self.unknown.append(self.lines)


@contextmanager
def open_batches(root: Path, **options: Any) -> Iterator[Batches]:
    """Open the batches of the vault at root, in this process. options: open_space's."""
    with open_space(root, **options) as space:
        yield Batches(space)


def _take(
    space: Workspace, asker: Asker, proposals: Sequence[Proposal], line: AnswerLine
) -> Result:
    """Store the answer to a question, which these proposals stand for; return the outcome.

    If there is none, the question stays open. Raises JournalError.
    """
    path = proposals[0].path
    if failure := line.failure:
        reason = f"no answer ({failure}); companion enrich --retry asks again"
        return Result(path, "failed", reason)
    if withheld := find_withheld(space, proposals):
        reason = f"it was shown {withheld}, which may not be told any more; ask again"
        space.journal.proposals.decide([p.id for p in proposals], "closed", "need", reason, _ASKED)
        return Result(path, "failed", reason)
    try:
        return _accept(space, asker, proposals, line)
    except NoteError as error:
        return failed_result(path, error)
    except (EndpointError, AnswerError) as error:
        return Result(path, "failed", str(error))


def _accept(
    space: Workspace, asker: Asker, proposals: Sequence[Proposal], line: AnswerLine
) -> Result:
    """Store the checked values of an answer as proposals; return the outcome.

    Raises NoteError if the note cannot be read now, EndpointError, AnswerError.
    """
    path, store = proposals[0].path, space.journal.proposals
    read = partial(read_note, space.root, max_bytes=space.ignore.max_bytes)
    places = find_places(space, path, proposals, read)
    by_reason = defaultdict[str, list[int]](list)
    for id_, reason in places.gone.items():
        by_reason[reason].append(id_)
    for reason, ids in by_reason.items():
        store.decide(ids, "closed", "need", reason, _ASKED)
    if len(places.gone) == len(proposals):
        return Result(path, "unchanged", "; ".join(by_reason))
    source = store.source(proposals[0]) or places.task.data
    parsed, endpoint = ParsedNote.decode(source), _endpoint_of(space)
    answers = asker.accept_later(
        path,
        parsed,
        [each.place for each in proposals if each.place is not None],
        [key for key in (each.answer[1] for each in proposals) if key],  # type: ignore[index]
        lambda schema: line.to_answer(schema, endpoint),
    )
    asked = {each.need: each for each in proposals if each.id not in places.gone}
    outcomes = [each for each in answers.outcomes if each.need.key in asked]
    job = find_job(path, proposals)._replace(propose=True)
    task = Task(source, parsed, None, (), ())
    model = asker.model._replace(name=proposals[0].model)
    new = [
        each._replace(prompt=asked[each.need.key].prompt, options=asked[each.need.key].options)
        for each in make_proposals(
            space, model, job, task, outcomes, answers.usage, proposals[0].run
        )
    ]
    stored = list(zip(store.add(new), new, strict=True))
    waiting = [OpenProposal.of(id_, each.need, each) for id_, each in stored if each.value]
    rejected = (each for each in outcomes if isinstance(each, Rejected) and not each.new_values)
    unfilled = tuple(dict.fromkeys(each.reason for each in rejected))
    if waiting:
        return proposed_result(path, waiting, unfilled, answers.usage)
    return unfilled_result(path, "failed", unfilled, answers.usage)


_ASKED: tuple[ProposalState, ...] = ("asked",)


def _endpoint_of(space: Workspace) -> Endpoint:
    """Return the endpoint whose settings the questions follow."""
    config = space.config
    if not config.is_embedded:
        return config.endpoint
    return Endpoint(base_url="http://localhost", model=config.endpoint.model)


@contextmanager
def _open_new(file: Path) -> Iterator[Any]:
    """Open a new file that only the user can read. Raises UsageError if it cannot be written."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            yield opened
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written ({error.strerror}); name an existing folder that you may"
            " write to, with room on its disk"
        ) from None


@contextmanager
def _open_answers(file: Path) -> Iterator[Any]:
    try:
        with file.open("rb") as opened:
            yield opened
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror})") from None
