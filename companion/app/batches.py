"""Batches: questions about many notes in a file, which another engine answers later.

Questions and checks are those of a run; only the call is made elsewhere. Each need in a batch has a
proposal in state `asked`, which keeps other runs from asking for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from companion.app.jobs import RunPlan, plan_run
from companion.app.open_vault import open_space
from companion.app.run import Tell
from companion.app.types.runs import NoteResult, RunOptions
from companion.enrich.accept import complete_proposals
from companion.enrich.apply import File, describe_waiting
from companion.enrich.asker import Asker
from companion.enrich.context.similar import open_similar
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.guard import find_withheld, look_at_note, require_included
from companion.enrich.job import Job, Result, Task, failed_result, new_run
from companion.enrich.pipeline import Enricher
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError, EndpointError, NoteError, NoteRefused, UsageError
from companion.llm.batch import AnswerLine, BatchClient, read_line
from companion.llm.endpoint import Endpoint
from companion.note.note import ParsedNote
from companion.store.moves import follow_moves
from companion.store.proposals import Proposal, ProposalState
from companion.vault.notes import Scan
from companion.vault.paths import is_in_vault


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
            enricher, stored = Enricher(asker, client), self._space.journal.proposals
            into = File(new_run())
            for job in self._plan.jobs:
                try:
                    result = enricher.fill(job._replace(propose=True), into)
                except NoteError as error:
                    result = failed_result(job.path, error)
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

    They wait; whether they still have a place shows when somebody accepts them.

    Raises NoteError if the note is left alone now, EndpointError, AnswerError.
    """
    path, store = proposals[0].path, space.journal.proposals
    space.refresh()
    require_included(space, path, look_at_note(space, path, None))
    if (source := store.source(proposals[0])) is None:
        raise NoteRefused("its text was deleted", path)
    task, endpoint = Task(source, ParsedNote.decode(source)), _endpoint_of(space)
    question = asker.whole_question(path, task.parsed, [each.need for each in proposals])
    keys = [key for key in (each.answer[1] for each in proposals) if key]
    answers = question.accept_later(keys, lambda schema: line.to_answer(schema, endpoint))
    origin = proposals[0].origin
    model = asker.model._replace(name=origin.model)
    answers = [replace(each, origin=origin) for each in answers]
    new = complete_proposals(space, Job(path, propose=True), task, answers, model, origin.run)
    stored = store.add(new, source)
    waiting = tuple(each for each in stored if each.state == "open")
    rejected = (each for each in stored if each.state == "rejected")
    unfilled = tuple(dict.fromkeys(each.reason for each in rejected))
    if waiting:
        reason = "; ".join(describe_waiting(waiting))
        return Result(path, "proposed", reason, (), waiting, unfilled, question.usage)
    *rest, reason = unfilled or ("",)
    return Result(path, "failed", reason, unfilled=tuple(rest), usage=question.usage)


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
