"""Trials: what a model writes for one note, and what models or prompts answer; nothing is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Timer
from typing import NamedTuple

from companion.app.jobs import choose_jobs
from companion.app.types.runs import RunOptions
from companion.config import Config
from companion.config.settings import ReviewTable
from companion.doctor.machine import ProbeResult, probe_client
from companion.enrich.asker import Asker
from companion.enrich.configured_model import open_client
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.enricher import Enricher
from companion.enrich.result import Result, new_run
from companion.enrich.task import Job
from companion.enrich.vault_settings import VaultSettings
from companion.enrich.workspace import Workspace, open_workspace
from companion.errors import EndpointError
from companion.llm.client import Client
from companion.llm.embedded import ModelNotStarted as ModelNotStarted
from companion.llm.endpoint_errors import CORRECT_ADDRESS as CORRECT_ADDRESS
from companion.llm.endpoint_errors import Cancelled as Cancelled
from companion.note.diff import diff_lines
from companion.store.journal import Journal
from companion.store.proposal import Proposal
from companion.vault.notes import Scan

_USUAL = 2000  # bytes of a note that shows best what the model writes


class NoteTrial(NamedTuple):
    """What a model did for a note. result: None if it took longer than allowed.

    waiting: flagged values, which would wait. diff: of what it would write.
    """

    path: str
    result: Result | None
    waiting: list[Proposal]
    seconds: float

    @property
    def diff(self) -> str:
        """What it would write, as a unified diff."""
        result = self.result
        return "".join(diff_lines(result.path, result.old, result.new)) if result else ""


class ModelTrial:
    """A trial of the model that config names. Raises EndpointError, AnswerError."""

    def __init__(self, root: Path, config: Config, client: Client, cancelled: Event) -> None:
        self._root = root
        self._config = config
        self._client = client
        self._cancelled = cancelled

    def probe(self) -> ProbeResult:
        """Ask the model for one word."""
        return probe_client(self._client)

    def write(
        self, note: str | None, may_send: Callable[[str], bool], at_most: float | None
    ) -> NoteTrial | None:
        """Let the model write for the note, else for one of usual length, preferably a stub.

        None: there is none, or may_send refuses its path. at_most: the seconds it gets.
        """
        # without what it says of reviews, all that is not flagged is shown in its place
        shown = self._config.model_copy(update={"review": ReviewTable()})

        def adapt(own: VaultSettings) -> VaultSettings:
            return own.with_model(shown, own.prompts)

        with (
            open_workspace(shown, self._root, read_only=True, adapt=adapt) as space,
            TemporaryDirectory() as folder,
            Journal(Path(folder) / "journal.sqlite3") as nothing_kept,
        ):
            scan = space.scan()
            job = _find_note(space, scan, note)
            if isinstance(job, Result):
                return NoteTrial(job.path, job, [], 0.0)
            if job is None or not may_send(job.path):
                return None
            asker = Asker(replace(space, journal=nothing_kept), VaultContext(scan))
            enricher = Enricher(asker, self._client, new_run(), cancelled=self._cancelled)
            return self._time(enricher, job, at_most)

    def _time(self, enricher: Enricher, job: Job, at_most: float | None) -> NoteTrial:
        """Return what it wrote and how long that took; end it after this many seconds."""
        begun = time.monotonic()

        def stop() -> None:
            self._cancelled.set()
            enricher.client.close()

        limit = Timer(at_most or 0.0, stop)
        limit.daemon = True
        if at_most is not None:
            limit.start()
        try:
            result = enricher.enrich(job)
            ids = result.proposals[len(result.filled) :]
            waiting = enricher.workspace.journal.proposals.get_all(ids)
        except (Cancelled, EndpointError):
            if not self._cancelled.is_set():
                raise
            return NoteTrial(job.path, None, [], time.monotonic() - begun)
        finally:
            limit.cancel()
        return NoteTrial(result.path, result, waiting, time.monotonic() - begun)


@contextmanager
def open_model_trial(root: Path, config: Config) -> Iterator[ModelTrial]:
    """Open a trial of the model on the vault at root. Raises UsageError if it is missing."""
    cancelled = Event()
    with open_client(config, cancelled) as client:
        client.retries = 1  # the user is waiting
        yield ModelTrial(root, config, client, cancelled)


def _find_note(space: Workspace, scan: Scan, note: str | None) -> Job | Result | None:
    """Return the job for the note, or why it is left alone; None: no note needs anything."""
    if note is not None:
        plan = choose_jobs(space, scan, RunOptions(paths=[note], dry_run=True))
        return plan.skipped[0] if plan.skipped else next(iter(plan.jobs), None)
    for every in (False, True):
        options = RunOptions(paths=[""], all=every, dry_run=True)
        if jobs := choose_jobs(space, scan, options).jobs:
            return min(jobs, key=lambda job: abs(scan.files[job.path].size - _USUAL))
    return None
