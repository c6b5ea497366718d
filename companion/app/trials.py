"""Trials: what a model writes for one note, and what models or prompts answer; nothing is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Timer
from typing import NamedTuple, Self

from companion.app.jobs import choose_jobs, describe_value
from companion.app.run import Tell
from companion.app.types.runs import RunOptions, Usage
from companion.config import Config, config_folder
from companion.config.settings import ReviewTable
from companion.doctor.machine import ProbeResult, probe_client
from companion.enrich.answers.outcome import Accepted, Rejected
from companion.enrich.asker import Asker
from companion.enrich.configured_model import open_client
from companion.enrich.context.similar import open_similar
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.enricher import Enricher
from companion.enrich.note_guard import NoteGuard
from companion.enrich.result import Result, new_run
from companion.enrich.task import Job, examine_note
from companion.enrich.vault_settings import VaultSettings
from companion.enrich.workspace import Workspace, open_workspace
from companion.errors import EndpointError, NoteError
from companion.llm.client import Client
from companion.llm.embedded import ModelNotStarted as ModelNotStarted
from companion.llm.endpoint_errors import CORRECT_ADDRESS as CORRECT_ADDRESS
from companion.llm.endpoint_errors import Cancelled as Cancelled
from companion.note.diff import diff_lines
from companion.note.needs import CALLOUT
from companion.prompts import load_prompts
from companion.store.journal import Journal
from companion.store.proposal import Proposal, ProposedValue
from companion.vault.notes import Scan
from companion.vault.paths import relative_path
from companion.vault.write import read_note

_USUAL = 2000  # bytes of a note that shows best what the model writes


class NoteTrial(NamedTuple):
    """What a model did for a note. result: None if it took longer than allowed.

    waiting: flagged values, which would wait. diff: of what it would write. quotes: whether a run
    would quote the note's own sentences in place of a small model's callout.
    """

    path: str
    result: Result | None
    waiting: list[Proposal]
    seconds: float
    quotes: bool = False

    @property
    def diff(self) -> str:
        """What it would write, as a unified diff."""
        result = self.result
        return "".join(diff_lines(result.path, result.old, result.new)) if result else ""

    def is_quoted(self, proposal: Proposal) -> bool:
        """Return whether a run would not ask the model for this value."""
        is_at_top = proposal.kind == CALLOUT and proposal.heading is None
        return self.quotes and is_at_top and "small-model" in proposal.flags


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
        config = self._config
        quotes = config.notes.own_sentence and not config.similar.model
        return NoteTrial(result.path, result, waiting, time.monotonic() - begun, quotes)


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


class TriedValue(NamedTuple):
    """The value for a need. value: None if there is none; reason says why. need: its key.

    words: the value, or the reason.
    """

    need: str
    kind: str
    heading: str | None
    question: str | None
    value: ProposedValue | None
    flags: tuple[str, ...]
    reason: str | None
    words: str

    @classmethod
    def of(cls, outcome: Accepted | Rejected) -> Self:
        """Return an outcome as shown."""
        need, words = outcome.need, describe_value(outcome)
        about = need.key, need.kind, need.heading, need.question
        if isinstance(outcome, Rejected):
            return cls(*about, None, (), outcome.reason, words)
        return cls(*about, outcome.filling.value, outcome.flags, None, words)


class Tried(NamedTuple):
    """One side's answers for a note. seconds: how long they took."""

    side: str
    values: list[TriedValue]
    usage: Usage
    seconds: float


class _Side(NamedTuple):
    name: str
    asker: Asker
    client: Client


class PromptTrial:
    """A trial of models or prompts; iterate over it, once, to ask them.

    sides: those that are compared, and the endpoint of each, in words. tell: called with the reason
    why nothing is sent for a note. path: the note or folder that was named.
    """

    def __init__(
        self, path: str, jobs: list[Job], sides: list[_Side], tell: Tell, cancelled: Event
    ) -> None:
        self.sides = {s.name: s.asker.workspace.config.describe_endpoint() for s in sides}
        self._path = path
        self._jobs = jobs
        self._sides = sides
        self._tell = tell
        self._cancelled = cancelled

    def first(self, number: int) -> Iterator[tuple[str, list[Tried]]]:
        """Yield the path of each of the first notes that need something, and its answers.

        Ends early once close() was called. Raises EndpointError.
        """
        results = ((job.path, self._try_note(job)) for job in self._jobs)
        with suppress(Cancelled):
            yield from islice((each for each in results if each[1]), number)

    def close(self) -> None:
        """Break off the calls in progress, and make no more."""
        self._cancelled.set()
        for side in self._sides:
            side.client.close()

    def _try_note(self, job: Job) -> list[Tried]:
        """Return the sides' answers for the note; nothing if it needs nothing or is left alone."""
        tried = []
        for name, asker, client in self._sides:
            space = asker.workspace
            space.refresh()
            try:
                task = examine_note(space, job, partial(read_note, space.root))
                reason = task.skipped
            except NoteError as error:
                reason = str(error)
            if reason is not None:
                if job.path == self._path:
                    self._tell(f"{job.path}: nothing was sent, since it is left alone: {reason}")
                return []
            if not task.all_needs:
                continue
            start, needs = time.monotonic(), task.all_needs
            guard = NoteGuard(space, job, task, lambda: job.path, Event())
            try:
                answers = asker.ask(job.path, task.parsed, needs, client, guard=guard)
            except NoteError as error:
                self._tell(str(error))
                return []
            values, usage = map(TriedValue.of, answers.outcomes), answers.usage
            seconds = time.monotonic() - start
            tried.append(Tried(name, [*values], usage, seconds))
        return tried


@contextmanager
def open_prompt_trial(
    space: Workspace,
    typed: str,
    prompts: Path | None,
    model: str | None,
    fetch: Callable[[Config], None],
    tell: Tell,
) -> Iterator[PromptTrial]:
    """Open a trial on the notes that somebody typed in the current folder.

    Nothing is written, and no answer is kept; only the cost of the calls is counted. prompts,
    model: to compare with, if any. fetch: fetches a model that is missing. tell: as in open_space.

    Raises UsageError, PromptError, EndpointError.
    """
    with ExitStack() as opened:
        path = relative_path(space.root, typed, Path.cwd())
        spaces = {"as configured": space, **_change_space(space, prompts, model)}
        scan, cancelled = space.scan(), Event()
        jobs = choose_jobs(space, scan, RunOptions(paths=[path], retry=True)).jobs
        sides: list[_Side] = []
        for name, each in spaces.items():
            if sides and each.config is sides[0].asker.workspace.config:
                client = sides[0].client  # they differ in prompts alone
            else:
                fetch(each.config)
                client = opened.enter_context(open_client(each, cancelled))
            similar = opened.enter_context(open_similar(each, sends=False))
            sides.append(_Side(name, Asker(each, VaultContext(scan), similar), client))
        yield PromptTrial(path, jobs, sides, tell, cancelled)


def _change_space(space: Workspace, folder: Path | None, model: str | None) -> dict[str, Workspace]:
    """Return the vault with another model, or the prompts of a folder in place of its own.

    Its name says what is different; it is empty if nothing is.
    """
    prompts, names = None, []
    if model:
        names.append(f"model {model}")
    if folder:
        names.append(f"prompts in {folder}")
        prompts = load_prompts(config_folder() / "prompts", folder)
    if not names:
        return {}

    def adapt(own: VaultSettings) -> VaultSettings:
        config = own.config
        if model:
            endpoint = config.endpoint.model_copy(update={"model": model})
            config = config.model_copy(update={"endpoint": endpoint})
        return own.with_model(config, prompts or own.prompts)

    return {" and ".join(names): replace(space, adapt=adapt)}
