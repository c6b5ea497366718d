"""What a model would be sent for a note, and why what else the note needs is not asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from companion.app.types.prompt import NotePrompt, PromptCall, PromptQuery
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.excerpt import LEFT_OUT
from companion.enrich.model_calls import ModelCall
from companion.enrich.outcome import Accepted, Rejected
from companion.enrich.similar import open_similar
from companion.enrich.task import Job, prepare_task
from companion.enrich.workspace import Workspace
from companion.errors import NoteRefused, UsageError
from companion.note.outline import Section
from companion.vault.files import skip_reason
from companion.vault.index import Scan
from companion.vault.paths import spelled_path
from companion.vault.write import read_note


def find_prompt(space: Workspace, scan: Scan, query: PromptQuery) -> NotePrompt:
    """Return what a model would be sent for a note; nothing is sent.

    Raises UsageError, NoteError.
    """
    endpoint, path = space.config.describe_endpoint(), spelled_path(space.root, query.path)
    if (space.root / path).is_dir():
        raise UsageError(f"{path} is a folder; name a note")
    if reason := skip_reason(space.root, path, space.ignore):
        why = f"{path}: nothing would be sent, for it is left alone: {reason}"
        return NotePrompt(endpoint=endpoint, calls=[], remarks=[why])
    section = None if query.section is None else Section(query.section, is_whole=False)
    job = Job(path, explicit=True, retry=True, section=section)
    try:
        task = prepare_task(space, job, read_note(space.root, path).data)
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
    shown = [PromptCall.model_validate(call) for call in calls]
    return NotePrompt(endpoint=endpoint, calls=shown, remarks=remarks)


def describe_value(outcome: Accepted | Rejected) -> str:
    """Return the value in words; of none, why."""
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
    shown = (message["content"] for call in calls for message in call.messages)
    return any(each.count(LEFT_OUT) > text.count(LEFT_OUT) for each in shown)
