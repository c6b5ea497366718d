"""Batches at a provider: sent once, collected when they are done, by ids that the store keeps.

Each step is stored before the next one begins, so another process can continue from there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from companion.app.types.runs import NoteResult
from companion.enrich.batch_calls import BatchReader
from companion.enrich.configured_model import open_spending
from companion.enrich.context.similar import open_similar
from companion.enrich.cost import ANSWER_SHARE
from companion.enrich.note_guard import find_withheld, look_at_note
from companion.enrich.workspace import Workspace
from companion.errors import NotThere, UsageError
from companion.llm.batch_api import BatchApi, GoneAtProvider, ProviderBatch, read_id, read_line
from companion.llm.budget import Budget
from companion.llm.endpoint import estimate_tokens
from companion.llm.endpoint_errors import NotAnEndpoint
from companion.store.batch_store import Batch, BatchCall, ProviderState

BATCH_SHARE = 0.5  # of the price of a call, at OpenAI and others


class ProviderBatches:
    """The batches of a vault at one provider. Raises EndpointError, LimitReached, JournalError."""

    def __init__(self, space: Workspace, api: BatchApi, spending: Budget) -> None:
        self._batches = space.journal.batches
        self._space = space
        self._api = api
        self._spending = spending

    def send(self) -> int:
        """Send the batches that the provider does not have; return how many were sent."""
        return sum(self._send(each, provider) for each, provider in self._list())

    def collect(self) -> Iterator[NoteResult | tuple[str, ProviderBatch]]:
        """Yield the results of batches that ended, and each one's name and state at the provider.

        Their files there are deleted; questions without an answer are asked by another run. If a
        file of answers is not there, the batch stays as it is: they are paid, and it may be late.
        """
        with open_similar(self._space) as similar:
            reader = BatchReader(self._space, similar)
            for batch, provider in self._list():
                state = self._look(batch, provider)
                if state and state.has_ended:
                    is_complete = yield from self._take_answers(batch, state, reader)
                    if not is_complete:
                        failure = (
                            f"a file of its answers is not at {provider.address}, or not yet;"
                            f" collect again later, or companion batch cancel {batch.id} gives up"
                            " what is not answered, to be asked and paid for again"
                        )
                        yield batch.id, state._replace(failure=failure)
                        continue
                    if (lost := self._batches.end(batch.id)) and state.status == "completed":
                        failure = f"{lost:,} of its answers are gone there; ask again"
                        state = state._replace(failure=failure)
                    files = [*dict.fromkeys([*provider.files, *state.files])]
                    provider = provider._replace(step="collected", files=files)
                    self._batches.set_provider(batch.id, provider)
                if provider.step == "collected":
                    self._delete_files(batch, provider)
                if state:
                    yield batch.id, state

    def cancel(self, batch: Batch) -> int:
        """Cancel the batch; return the number of calls that may be made elsewhere at once.

        The provider stops its part of it; answers that it already has can be collected, unless
        their file is missing.
        """
        provider = batch.provider
        assert provider
        if provider.step == "sending" and (state := self._api.find(batch.id)):
            provider = provider._replace(step="sent", id=state.id)
            self._batches.set_provider(batch.id, provider)
        with suppress(GoneAtProvider):  # it stops nothing then, and has no answers
            if provider.step == "sent":
                state = self._api.get(provider.id)
                if not state.has_ended:
                    self._api.cancel(provider.id)
                if not state.has_ended or self._read_answers(state)[1]:
                    return 0
                provider = provider._replace(files=[*provider.files, *state.files])
        questions = self._batches.cancel(batch.id)
        Path(batch.file).unlink(missing_ok=True)
        with suppress(NotAnEndpoint):
            self._delete_files(batch, provider)
        return questions

    def _look(self, batch: Batch, provider: ProviderState) -> ProviderBatch | None:
        """Return the batch as the provider has it; None where it was sent none, or is done."""
        if provider.step != "sent":
            return None
        try:
            return self._api.get(provider.id)
        except GoneAtProvider as error:
            failure = (
                f"{error}: it expired or was deleted, or the key is of another account;"
                f" companion batch cancel {batch.id} gives it up"
            )
            return ProviderBatch(provider.id, "gone", failure=failure)

    def _list(self) -> list[tuple[Batch, ProviderState]]:
        """Return the batches that the provider has, or is to get, oldest first."""
        address = self._api.endpoint.address
        batches = [(each, each.provider) for each in self._batches.all() if each.provider]
        return [each for each in batches if each[1].address == address and each[1].step != "done"]

    def _send(self, batch: Batch, provider: ProviderState) -> bool:
        """Send the batch, unless the provider has it; return whether it was sent now."""
        if provider.step not in ("ready", "sending") or batch.state != "out":
            return False
        if provider.step == "ready":
            lines, answers = self._read(batch)
            if not lines:
                self._batches.cancel(batch.id)
                return False
            tokens = sum(estimate_tokens(line.decode()) for line in lines)
            with self._spending.reserve(tokens, round(answers * ANSWER_SHARE)) as reservation:
                uploaded = self._api.upload(f"{batch.id}.jsonl", b"".join(lines))
                provider = provider._replace(step="sending", file=uploaded, files=[uploaded])
                self._batches.set_provider(batch.id, provider)
                reservation.sent = True  # the provider may have it from now on
                created = self._api.create(uploaded, batch.id)
        else:
            created = self._api.find(batch.id) or self._api.create(provider.file, batch.id)
        self._batches.set_provider(batch.id, provider._replace(step="sent", id=created.id))
        Path(batch.file).unlink(missing_ok=True)
        return True

    def _read(self, batch: Batch) -> tuple[list[bytes], int]:
        """Return the lines of the batch whose notes may still be asked about, and tokens of
        answers.
        """
        if self._space.refresh().config.endpoint.base_url != self._api.endpoint.base_url:
            raise UsageError(
                "the endpoint was changed in the meantime; nothing was sent, so start again"
            )
        lines, tokens = list[bytes](), 0
        for line, call in self._read_calls(batch):
            proposals = self._space.journal.proposals.get_all(call.proposals)
            # it may be ignored, private or gone since it was read
            facts = [look_at_note(self._space, each.path, None) for each in proposals]
            is_open = all(each.state == "asked" for each in proposals)
            is_open &= not find_withheld(self._space, proposals)
            if is_open and all(each and each.skipped is None for each in facts):
                lines.append(line)
                tokens += call.max_tokens
        return lines, tokens

    def _read_calls(self, batch: Batch) -> Iterator[tuple[bytes, BatchCall]]:
        """Yield the lines of the batch's file, with their calls. Raises NotThere."""
        try:
            lines = Path(batch.file).read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            lines = []
        calls = [call for line in lines if (call := self._batches.call(read_id(line)))]
        ids = {call.id for call in calls if call.batch == batch.id}
        if not len(lines) == len(ids) == sum(self._batches.count(batch.id)):
            raise NotThere(
                f"the questions of batch {batch.id}, which was not sent yet, are gone or damaged"
                f" ({batch.file}); companion batch cancel {batch.id} gives them up"
            )
        yield from zip(lines, calls, strict=True)

    def _take_answers(
        self, batch: Batch, state: ProviderBatch, reader: BatchReader
    ) -> Generator[NoteResult, None, bool]:
        """Yield the results of the batch's new answers; return whether all answers are there."""
        lines, is_complete = self._read_answers(state)
        for line in map(read_line, lines):
            call = line and self._batches.call(line.id)
            if line and call and call.batch == batch.id and call.state != "answered":
                yield NoteResult.of(reader.take(call, line))
        return is_complete

    def _read_answers(self, state: ProviderBatch) -> tuple[list[bytes], bool]:
        """Return the lines of the batch's files of answers, and whether all answers are there.

        A completed batch has at least one file. A file may be missing, or not be filled yet.
        """
        contents = [self._api.read_file(file) for file in state.files]
        lines = b"\n".join(filter(None, contents)).splitlines()
        answered = {line.id for line in map(read_line, lines) if line}
        is_missing = None in contents or (state.status == "completed" and not contents)
        return lines, not is_missing and len(answered) >= state.answered

    def _delete_files(self, batch: Batch, provider: ProviderState) -> None:
        """Delete the provider's files of the batch, even those with an unconfirmed upload."""
        for file in dict.fromkeys([*provider.files, *self._api.find_files(f"{batch.id}.jsonl")]):
            self._api.delete_file(file)
        self._batches.set_provider(batch.id, provider._replace(step="done", files=()))


@contextmanager
def open_provider_batches(space: Workspace) -> Iterator[ProviderBatches]:
    """Open the Batch API of the configured endpoint. Raises UsageError if it has none.

    Files of which no batch was stored are deleted.
    """
    if space.config.is_embedded:
        raise UsageError(
            "the embedded model has no Batch API; set base_url under [endpoint], or use companion"
            " batch export"
        )
    files = {each.file for each in space.journal.batches.all() if each.state == "out"}
    for file in (space.state / "batches").glob("*.jsonl"):
        if str(file) not in files:
            file.unlink()
    with (
        open_spending(space, share=BATCH_SHARE) as spending,
        BatchApi(space.config.endpoint) as api,
    ):
        yield ProviderBatches(space, api, spending)
