"""What a run would take, before it is begun: tokens, and money where the price is known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from companion.config import Config
from companion.enrich.asker import Asker
from companion.enrich.draft import Job, draft_note
from companion.enrich.meant import as_meant
from companion.enrich.workspace import Workspace
from companion.errors import NoteError
from companion.llm.forecast import estimate_tokens, price
from companion.vault.write import read_note

_ANSWER_SHARE = 0.5  # of the tokens an answer may take, as a rule


class Forecast(NamedTuple):
    """notes: those with something to ask for. price: US dollars; None where it is not known."""

    notes: int
    input_tokens: int
    output_tokens: int
    price: float | None


def forecast(workspace: Workspace, asker: Asker, jobs: Iterable[Job]) -> Forecast:
    """Return what the jobs would take, from the very messages that would be sent.

    Raises JournalError.
    """
    notes = inputs = outputs = 0
    for job in jobs:
        try:
            draft = draft_note(workspace, job, read_note(workspace.root, job.path).data)
            if draft.skipped or not draft.needs:
                continue
            meant = as_meant(draft.needs, workspace.config.styles(asker.known.styles))
            calls, _ = asker.calls(job.path, draft.view, tuple(meant))
        except NoteError:
            continue
        notes += bool(calls)
        for call in calls:
            inputs += sum(estimate_tokens(message["content"]) for message in call.messages)
            outputs += round(call.max_tokens * _ANSWER_SHARE)
    return Forecast(notes, inputs, outputs, _price(workspace.config, inputs, outputs))


def _price(config: Config, inputs: int, outputs: int) -> float | None:
    if config.is_embedded:
        return None
    endpoint = config.remote_endpoint()
    found = price(endpoint.model, endpoint.address, inputs, outputs)
    return float(found.dollars) if found else None
