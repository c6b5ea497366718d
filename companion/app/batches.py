"""Batches: questions about many notes in a file, which another engine answers later.

Questions and checks are those of a run; only the call is made elsewhere. Each need in a batch has a
proposal in state `asked`, which keeps other runs from asking for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from companion.app.filler import make_run
from companion.app.jobs import plan_run
from companion.app.run import Run
from companion.app.types.runs import NoteResult, RunOptions
from companion.enrich.accept import complete_proposals
from companion.enrich.apply import File, describe_waiting
from companion.enrich.asker import Asker
from companion.enrich.context.similar import SimilarNotes
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.guard import find_withheld, look_at_note, require_included
from companion.enrich.job import Job, Result, Task, failed_result
from companion.enrich.pipeline import Enricher
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError, EndpointError, NoteError, NoteRefused, UsageError
from companion.llm.batch import AnswerLine, BatchClient, read_line
from companion.llm.endpoint import Endpoint
from companion.note.note import ParsedNote
from companion.store.moves import follow_moves
from companion.store.proposals import Proposal, ProposalState
from companion.vault.paths import is_in_vault

_ASKED: tuple[ProposalState, ...] = ("asked",)


def export_questions(space: Workspace, file: Path, options: RunOptions) -> Run:
    """Return a run that writes questions into a new file, one a line; without any, there is none.

    Raises as Vault.run does.
    """
    if is_in_vault(space.root, file):
        raise UsageError(f"{file.name} is in the vault; name a file outside it")
    if file.exists():
        raise UsageError(f"{file} already exists and is not overwritten; name another file")
    scan = space.scan()
    plan = plan_run(space, scan, options.model_copy(update={"agreed": True}))

    def write(run: Run) -> Iterator[NoteResult]:
        yield from (NoteResult.of(each, counted=False) for each in plan.skipped)
        if plan.jobs:
            asker = Asker(space, VaultContext(scan), SimilarNotes(space))
            yield from map(NoteResult.of, _write_questions(asker, plan.jobs, file, run.id))

    return make_run(plan, write)


def _write_questions(asker: Asker, jobs: Iterable[Job], file: Path, run: str) -> Iterator[Result]:
    """Write the questions into the file, and yield the result for each note."""
    space, into = asker.workspace, File(run)
    client = BatchClient(_endpoint_of(space), str(file))
    enricher = Enricher(asker, client)
    with open(file, "xb", opener=_open_private) as lines:
        for job in jobs:
            try:
                result = enricher.fill(job._replace(propose=True), into)
            except NoteError as error:
                result = failed_result(job.path, error)
            asked_in = space.journal.proposals.asked_in
            lines.writelines(line for id_, line in client.lines.items() if asked_in(id_))
            lines.flush()
            client.lines.clear()
            yield result
    if not file.stat().st_size:
        file.unlink()


def _open_private(name: str, flags: int) -> int:
    """Open a file that the user alone can read."""
    return os.open(name, flags, 0o600)


def read_answers(space: Workspace, lines: Iterable[bytes]) -> Iterator[NoteResult | None]:
    """Yield the result of each line of answers; None: it answers no open question.

    Notes that were moved since they were asked about are looked for first. Raises JournalError.
    """
    follow_moves(space.root, space.journal)
    asker = Asker(space, VaultContext(space.scan()), SimilarNotes(space))
    for line in filter(bytes.strip, lines):
        answer = read_line(line)
        asked = space.journal.proposals.asked_in(answer.id) if answer else []
        yield NoteResult.of(_take(space, asker, asked, answer)) if answer and asked else None


def _take(
    space: Workspace, asker: Asker, proposals: Sequence[Proposal], line: AnswerLine
) -> Result:
    """Store the answer to a question, which these proposals stand for; return the outcome.

    If there is none, the question stays open. Raises JournalError.
    """
    path = proposals[0].path
    if line.failure:
        reason = f"no answer ({line.failure}); companion enrich --retry asks again"
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
    keys = [each.answer[1] for each in proposals]
    answers = question.accept_later(keys, lambda schema: line.to_answer(schema, endpoint))
    origin = proposals[0].origin
    model = asker.model._replace(name=origin.model)
    answers = [replace(each, origin=origin) for each in answers]
    new = complete_proposals(space, Job(path, propose=True), task, answers, model, origin.run)
    stored = store.add(new, source)
    waiting = tuple(each for each in stored if each.state == "open")
    unfilled = tuple(dict.fromkeys(each.reason for each in stored if each.state == "rejected"))
    if waiting:
        reason = "; ".join(describe_waiting(waiting))
        return Result(path, "proposed", reason, (), waiting, unfilled, question.usage)
    return Result(path, "failed", "; ".join(unfilled), usage=question.usage)


def _endpoint_of(space: Workspace) -> Endpoint:
    """Return the endpoint whose settings the questions follow."""
    config = space.config
    if not config.is_embedded:
        return config.endpoint
    return Endpoint(base_url="http://localhost", model=config.endpoint.model)
