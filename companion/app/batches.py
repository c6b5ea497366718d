"""Batches: questions about many notes, which a provider or another engine answers later."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from companion.app.jobs import RunPlan, plan_run
from companion.app.open_vault import open_space
from companion.app.provider_batches import (
    BATCH_SHARE,
    ProviderBatches,
    open_provider_batches,
)
from companion.app.run import Tell
from companion.app.types.base import Shape
from companion.app.types.runs import NoteResult, RunOptions
from companion.enrich.asker import Asker
from companion.enrich.batch_calls import BatchMaker, BatchReader, batch_endpoint, write_batch
from companion.enrich.configured_model import open_source, open_spending
from companion.enrich.context.similar import open_similar
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.result import Result, new_run
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.errors import NotThere, UsageError
from companion.llm.batch_api import BatchClient, ProviderBatch, read_line
from companion.private_files import make_private_folder
from companion.vault.notes import Scan
from companion.vault.paths import is_in_vault

__all__ = ["BatchRun", "BatchShape", "Batches", "ProviderBatch", "UnknownLine", "open_batches"]

_MOST_LINES = 5_000  # in a file; providers take 50,000 and 200 MB, but ten times less in memory
_MOST_BYTES = 50_000_000


class BatchShape(Shape):
    """A batch, as in `companion batch status --json`.

    file: where its questions are; null: at a provider. state: `making`, `out` or `cancelled`; for a
    batch that is out at a provider, the step that it has reached. The numbers count questions.
    where: the file, or the provider's address.
    """

    batch: str
    file: str | None
    state: str
    out: int
    answered: int
    failed: int
    cancelled: int
    where: str = Field(exclude=True)


class UnknownLine(NamedTuple):
    """A line that answers no question of the vault. id: its question's; None: not an answer."""

    number: int
    id: str | None


class BatchRun:
    """Questions about notes, being written; iterate over it, once, to write them.

    id: the name of the batch. total, left_alone, warnings, tell: as in Run. calls, notes: how many
    questions there are, and about how many notes. model: the one to answer them.
    """

    def __init__(self, plan: RunPlan, write: Callable[[BatchRun], Iterator[Result]]) -> None:
        self.id = new_run()
        self.total = len(plan.jobs)
        self.left_alone, self.warnings = plan.left_alone, plan.warnings
        self.calls = self.notes = 0
        self.model = ""
        self.tell: Tell = bool
        self._plan = plan
        self._write = write

    def __iter__(self) -> Iterator[NoteResult]:
        for result in self._plan.skipped:
            yield NoteResult.of(result, counted=False)
        if self.total:
            yield from map(NoteResult.of, self._write(self))


class Batches:
    """The batches of a vault, which this process has open for them.

    lines: how many lines of the file of answers have been read.
    """

    def __init__(self, space: Workspace) -> None:
        self.root = space.root
        self.lines = 0
        self._space = space
        self._store = space.journal.batches

    def export(self, file: Path, options: RunOptions) -> BatchRun:
        """Return a run that writes questions into a new file. Raises as Vault.run does."""
        if is_in_vault(self.root, file):
            raise UsageError(f"{file.name} is in the vault; name a file outside it")
        scan = self._space.scan()
        plan = plan_run(self._space, scan, options.model_copy(update={"agreed": True}))
        return BatchRun(plan, partial(self._write_file, file, scan, plan.jobs))

    def submit(self, options: RunOptions) -> BatchRun:
        """Return a run that writes questions for the provider, to which send() sends them.

        The first note is asked about at once, to see what the model accepts. Raises as Vault.run
        does, and UsageError if the model has no Batch API.
        """
        with self.at_provider():
            scan = self._space.scan()
            plan = plan_run(self._space, scan, options, share=BATCH_SHARE)
        return BatchRun(plan, partial(self._write_submissions, scan, deque(plan.jobs)))

    def at_provider(self) -> AbstractContextManager[ProviderBatches]:
        """Open the batches at the provider. Raises UsageError if the model has no Batch API."""
        return open_provider_batches(self._space)

    def read_answers(self, file: Path) -> Iterator[NoteResult | UnknownLine]:
        """Read the answers in a file; yield the result of each line that is not blank.

        Raises UsageError if the file cannot be read.
        """
        with open_similar(self._space) as similar:
            reader = BatchReader(self._space, similar)
            for self.lines, line in _read_lines(file):
                answer = read_line(line)
                if answer and (call := self._store.call(answer.id)):
                    yield NoteResult.of(reader.take(call, answer))
                else:
                    yield UnknownLine(self.lines, answer and answer.id)

    def all(self) -> list[BatchShape]:
        """Return the batches that have questions, the oldest first."""
        return [
            BatchShape(
                batch=each.id,
                file=None if each.provider else each.file,
                state=each.provider.step if each.provider and each.state == "out" else each.state,
                where=each.provider.address if each.provider else each.file,
                **counts._asdict(),
            )
            for each in self._store.all()
            if any(counts := self._store.count(each.id))
        ]

    def cancel(self, name: str, file: Path) -> tuple[str, int | None]:
        """Give up the batch with that name or file; return its name and how many questions it had.

        The number is None if its provider has to stop it. Raises NotThere, EndpointError.
        """
        named = [each for each in self._store.all() if name == each.id or str(file) == each.file]
        if not named:
            raise NotThere(
                f"{name} is not a batch of this vault; companion batch status lists them"
            )
        if named[-1].provider is None:
            return named[-1].id, self._store.cancel(named[-1].id)
        with self.at_provider() as provider:
            return named[-1].id, provider.cancel(named[-1]) or None

    def _write_file(
        self, file: Path, scan: Scan, jobs: list[Job], run: BatchRun
    ) -> Iterator[Result]:
        client = BatchClient(batch_endpoint(self._space.config))
        with self._asker(run, scan) as asker:
            maker = BatchMaker(asker, client, run.id, str(file))
            for result in write_batch(maker, file, jobs):
                run.notes += maker.calls > run.calls
                run.calls = maker.calls
                yield result

    def _write_submissions(self, scan: Scan, jobs: deque[Job], run: BatchRun) -> Iterator[Result]:
        """Write batches to send, none over the limits of providers; yield each result."""
        config, folder = self._space.config, self._space.state / "batches"
        make_private_folder(folder)
        with (
            self._asker(run, scan) as asker,
            open_spending(self._space) as spending,
            open_source(self._space) as source,
            closing(BatchClient(source, spending)) as client,
        ):
            for number in count(1):
                if not jobs:
                    return
                name = f"{run.id}-{number}"
                maker = BatchMaker(asker, client, name, name)
                file, some = folder / f"{name}.jsonl", _take_to_limits(jobs, maker)
                yield from write_batch(maker, file, some, config.endpoint.address)

    @contextmanager
    def _asker(self, run: BatchRun, scan: Scan) -> Iterator[Asker]:
        with open_similar(self._space) as similar:
            if similar:
                similar.tell = run.tell
            asker = Asker(self._space, VaultContext(scan), similar)
            run.model = asker.model.name
            yield asker


@contextmanager
def open_batches(root: Path, **options: Any) -> Iterator[Batches]:
    """Open the batches of the vault at root, in this process. options: open_space's."""
    with open_space(root, **options) as space:
        yield Batches(space)


def _take_to_limits(jobs: deque[Job], maker: BatchMaker) -> Iterator[Job]:
    while jobs and maker.calls < _MOST_LINES and maker.size < _MOST_BYTES:
        yield jobs.popleft()


def _read_lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of the file that are not blank, with their numbers. Raises UsageError."""
    try:
        with file.open("rb") as opened:
            for number, line in enumerate(opened, 1):
                if line.strip():
                    yield number, line
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read ({error.strerror}); check its permissions"
        ) from None
