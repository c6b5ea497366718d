"""What a model would be sent for a note, and what models answer for some; nothing is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Event
from typing import NamedTuple, Self

from companion.app.jobs import choose_jobs
from companion.app.run import Tell
from companion.app.types.notes import NotePrompt, PromptCall, PromptQuery
from companion.app.types.runs import RunOptions, Usage
from companion.config import Config, config_folder
from companion.enrich.asker import Asker
from companion.enrich.configured_model import open_client
from companion.enrich.context import VaultContext
from companion.enrich.excerpt import LEFT_OUT
from companion.enrich.model_calls import ModelCall
from companion.enrich.note_guard import NoteGuard
from companion.enrich.outcome import Accepted, Rejected
from companion.enrich.similar import open_similar
from companion.enrich.task import Job, examine_note
from companion.enrich.vault_settings import VaultSettings
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, NoteRefused, UsageError
from companion.llm.client import Client
from companion.llm.endpoint_errors import Cancelled
from companion.note.outline import Section
from companion.prompts import load_prompts
from companion.store.proposal import ProposedValue
from companion.vault.notes import Scan
from companion.vault.paths import relative_path, spelled_path
from companion.vault.write import read_note


def find_prompt(space: Workspace, scan: Scan, query: PromptQuery) -> NotePrompt:
    """Return what a model would be sent for a note; nothing is sent.

    Raises UsageError, NoteError.
    """
    endpoint, path = space.config.describe_endpoint(), spelled_path(space.root, query.path)
    if (space.root / path).is_dir():
        raise UsageError(f"{path} is a folder; name a note")
    section = None if query.section is None else Section(query.section, is_whole=False)
    job = Job(path, explicit=True, retry=True, section=section)
    try:
        task = examine_note(space, job, partial(read_note, space.root))
    except NoteRefused as error:
        raise NoteRefused(error.reason, path, error.line) from None
    if task.skipped or not task.all_needs:
        why = f"{path}: nothing would be sent: {task.skipped or 'it needs nothing'}"
        return NotePrompt(endpoint=endpoint, calls=[], remarks=[why])
    with open_similar(space, sends=False) as similar:
        asker = Asker(space, VaultContext(scan), similar)
        calls, outcomes, unread = asker.plan(path, task.parsed, task.all_needs)
    remarks = [*_describe(outcomes), *(f"{path}: {each}" for each in unread)]
    if _is_cut(calls, task.parsed.note.text):
        remarks.append(
            f"{path}: it is too long for the model; “{LEFT_OUT}” stands where something is left out"
        )
    shown = [PromptCall.model_validate(call.question) for call in calls]
    return NotePrompt(endpoint=endpoint, calls=shown, remarks=remarks)


def describe_value(outcome: Accepted | Rejected) -> str:
    """Return the value in words, or why there is none."""
    if isinstance(outcome, Rejected):
        return outcome.reason
    value = outcome.filling.value
    return value if isinstance(value, str) else ", ".join(value)


def _describe(outcomes: Iterable[Accepted | Rejected]) -> Iterator[str]:
    for outcome in outcomes:
        if outcome.by_model:  # or would be: why it cannot be
            yield describe_value(outcome)
            continue
        who = "" if isinstance(outcome, Rejected) else "similar notes have "
        yield f"{outcome.need.kind}: no model is asked; {who}{describe_value(outcome)}"


def _is_cut(calls: Iterable[ModelCall], text: str) -> bool:
    shown = (message["content"] for call in calls for message in call.question.messages)
    return any(each.count(LEFT_OUT) > text.count(LEFT_OUT) for each in shown)


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
