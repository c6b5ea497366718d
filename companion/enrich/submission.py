"""Batches at a provider: sent once, collected when they are done, by ids that the store keeps.

Each step is stored before the next one begins: another process can go on from there.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

from companion.enrich.asker import Asker
from companion.enrich.batch_calls import BatchMaker, BatchReader
from companion.enrich.cost import ANSWER_SHARE
from companion.enrich.enricher import Enricher
from companion.enrich.note_guard import look_at_note
from companion.enrich.run import Result, failed_result
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, UsageError
from companion.llm.batch_api import ENDED, BatchApi, ProviderBatch, read_id, read_line
from companion.llm.budget import Budget
from companion.llm.client import Client
from companion.llm.endpoint_errors import ModelMissing, NotAnEndpoint
from companion.llm.pricing import estimate_tokens
from companion.llm.request import Capabilities
from companion.private_files import make_private_folder, write_private
from companion.store.batches import Batch, NewBatchCall, ProviderState

BATCH_SHARE = 0.5  # of the price of a call, at OpenAI and others
_MOST_LINES = 5_000  # in a file; providers take 50,000 and 200 MB, but ten times less in memory
_MOST_BYTES = 50_000_000
_MOST_FIRST = 3  # notes that are asked about before a batch, until one was answered
_log = logging.getLogger(__name__)


def make_submissions(
    asker: Asker, run: str, jobs: Iterable[Job], capabilities: Capabilities
) -> Iterator[Result]:
    """Make batches of the notes, none over the limits of providers, and store them to be sent.

    Yields the outcome for each note without a call. capabilities: as in BatchMaker.

    Raises JournalError, UsageError.
    """
    waiting, batches = deque(jobs), asker.workspace.journal.batches
    folder = asker.workspace.state / "batches"
    address = asker.workspace.config.endpoint.address
    for number in count(1):
        if not waiting:
            return
        name = f"{run}-{number}"
        maker = BatchMaker(asker, name, name, capabilities)
        lines: list[bytes] = []
        calls: list[NewBatchCall] = []
        size = 0
        while waiting and len(lines) < _MOST_LINES and size < _MOST_BYTES:
            planned = maker.make(waiting.popleft())
            calls += planned.calls
            lines += planned.lines
            size += sum(map(len, planned.lines))
            yield planned.result
        if lines:
            make_private_folder(folder)
            file = folder / f"{name}.jsonl"
            write_private(file, b"".join(lines))
            tokens = sum(estimate_tokens(line.decode()) for line in lines)
            written = round(sum(call.max_tokens for call in calls) * ANSWER_SHARE)
            provider = ProviderState(address, tokens=(tokens, written))
            batches.begin(name, str(file), asker.model._asdict(), provider)
            batches.add(name, calls)
            batches.finish(name)


class FirstQuestion(NamedTuple):
    """The results of the first notes, which were asked about at once. rest: the other jobs."""

    results: list[Result]
    rest: Sequence[Job]


def ask_first(enricher: Enricher, client: Client, jobs: Sequence[Job]) -> FirstQuestion:
    """Ask about the first note in an ordinary call, which shows what the model takes.

    Its answers become proposals, as those of a batch do. If the model takes no ordinary calls, all
    jobs remain.

    Raises EndpointError, StorageError.
    """
    results: list[Result] = []
    for number, job in enumerate(jobs[:_MOST_FIRST]):
        try:
            answer = enricher.ask(job._replace(propose=True))
            assert isinstance(answer, Result), "nothing that is proposed is written"
            results.append(answer)
        except NoteError as error:
            results.append(failed_result(job.path, error))
        except (ModelMissing, NotAnEndpoint) as error:
            _log.warning("What the model takes is not known before the batch: %s", error)
            return FirstQuestion(results, jobs[number:])
        if client.usage.calls:
            break
    return FirstQuestion(results, jobs[len(results) :])


class Submission:
    """The batches of a vault at one provider."""

    def __init__(self, workspace: Workspace, api: BatchApi, spending: Budget) -> None:
        self._batches = workspace.journal.batches
        self._journal = workspace.journal
        self._workspace = workspace
        self._api = api
        self._spending = spending

    def prepare(self) -> None:
        """Delete the files of which no batch was stored. Raises JournalError."""
        batches = self._batches.all()
        files = {each.file for each in batches if each.state == "out"}
        for file in (self._workspace.state / "batches").glob("*.jsonl"):
            if str(file) not in files:
                file.unlink()

    def list(self) -> list[Batch]:
        """Return the batches that the provider has, or is to have, the oldest first."""
        address = self._api.endpoint.address
        return [
            each
            for each in self._batches.all()
            if each.provider and each.provider.address == address and each.provider.step != "done"
        ]

    def send(self, batch: Batch) -> bool:
        """Send the batch, unless the provider has it; return whether it was sent now.

        Raises EndpointError, LimitReached, JournalError.
        """
        provider = batch.provider
        if provider is None or provider.step not in ("ready", "sending") or batch.state != "out":
            return False
        if provider.step == "ready":
            if not (data := self._read(batch)):
                self._batches.cancel(batch.id)
                return False
            with self._spending.reserve(*provider.tokens) as reservation:
                uploaded = self._api.upload(f"{batch.id}.jsonl", data)
                provider = provider._replace(step="sending", file=uploaded, files=[uploaded])
                self._batches.set_provider(batch.id, provider)
                reservation.sent = True  # the provider may have it from now on
                created = self._api.create(uploaded, batch.id)
        else:
            created = self._api.find(batch.id) or self._api.create(provider.file, batch.id)
        self._batches.set_provider(batch.id, provider._replace(step="sent", id=created.id))
        Path(batch.file).unlink(missing_ok=True)
        return True

    def _read(self, batch: Batch) -> bytes:
        """Return the lines of the batch's file whose notes may still be asked about."""
        table = self._workspace.refresh().config.endpoint
        if table.base_url != self._api.endpoint.base_url:
            raise UsageError("the endpoint was changed meanwhile; nothing was sent, so begin again")
        lines = []
        for line in Path(batch.file).read_bytes().splitlines(keepends=True):
            call = (answer := read_id(line)) and self._batches.call(answer)
            proposals = self._journal.proposals.get_all(call.proposals) if call else []
            is_open = bool(proposals) and all(each.state == "asked" for each in proposals)
            # it may be ignored, private or gone since it was read
            facts = (look_at_note(self._workspace, each.path, None) for each in proposals)
            if is_open and all(each and each.skipped is None for each in facts):
                lines.append(line)
        return b"".join(lines)

    def look_up(self, batch: Batch) -> ProviderBatch | None:
        """Return the batch as the provider has it now; None if it has not. Raises EndpointError."""
        provider = batch.provider
        return self._api.get(provider.id) if provider and provider.step == "sent" else None

    def cancel(self, batch: Batch) -> int:
        """Cancel the batch; return the number of calls that may be made elsewhere at once.

        The provider stops what it has of it; answers that it has already can be collected.

        Raises EndpointError, JournalError.
        """
        assert batch.provider
        if batch.provider.step == "sent":
            self._api.cancel(batch.provider.id)
            return 0
        if batch.provider.step == "sending" and (state := self._api.find(batch.id)):
            sent = batch.provider._replace(step="sent", id=state.id)
            self._batches.set_provider(batch.id, sent)
            self._api.cancel(state.id)
            return 0
        given_up = self._batches.cancel(batch.id)
        Path(batch.file).unlink(missing_ok=True)
        with suppress(NotAnEndpoint):
            self._delete_files(batch, batch.provider)
        return given_up

    def collect(
        self, batch: Batch, state: ProviderBatch | None, reader: Callable[[], BatchReader]
    ) -> Iterator[Result]:
        """Yield the results of a batch that ended; then delete the provider's files.

        state: as look_up returned it. What came no answer for is asked for again in another run.

        Raises EndpointError, JournalError.
        """
        provider = batch.provider
        assert provider
        if provider.step == "sent" and state and state.status in ENDED:
            for file in state.files:
                taking = reader()
                for line in map(read_line, self._api.read_file(file).splitlines()):
                    call = line and self._batches.call(line.id)
                    if line and call and call.batch == batch.id:  # others say nothing
                        yield taking.take(call, line)
            self._journal.flush()
            self._batches.end(batch.id)
            files = [*dict.fromkeys([*provider.files, *state.files])]
            provider = provider._replace(step="collected", files=files)
            self._batches.set_provider(batch.id, provider)
        if provider.step == "collected":
            self._delete_files(batch, provider)

    def _delete_files(self, batch: Batch, provider: ProviderState) -> None:
        """Delete the provider's files of the batch, also those whose upload it did not confirm."""
        for file in dict.fromkeys([*provider.files, *self._api.find_files(f"{batch.id}.jsonl")]):
            self._api.delete_file(file)
        self._batches.set_provider(batch.id, provider._replace(step="done", files=()))
