"""The cost of a run: tokens, and money if the price is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from math import ceil
from typing import NamedTuple

from companion.config import Config
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.model import ASK_FROM, describe_price, find_cost
from companion.enrich.task import Job, has_open_needs, open_task
from companion.enrich.workspace import Workspace
from companion.errors import NoteError
from companion.llm.endpoint import Endpoint
from companion.llm.pricing import estimate_tokens
from companion.vault.index import Scan

_ENCODED_BYTES = 400  # of a note that are encoded, about
_SAMPLE = 100  # notes at most, from which the cost of all is estimated: each takes 10 ms
ANSWER_SHARE = 0.5
"""The share of the tokens that an answer may take, which it does take as a rule."""


class Forecast(NamedTuple):
    """notes: those with something to ask for. price: US dollars; None where it is not known."""

    notes: int
    input_tokens: int
    output_tokens: int
    price: float | None

    def times(self, share: float) -> Forecast:
        """Return the forecast for this many times the notes."""
        notes, inputs, outputs = (round(number * share) for number in self[:3])
        return Forecast(notes, inputs, outputs, self.price and self.price * share)


def needs_agreement(workspace: Workspace, jobs: Sequence[Job]) -> bool:
    """Return whether the run sends so many notes to another machine that the user must agree.

    Raises JournalError.
    """
    if not workspace.config.is_remote or len(jobs) <= ASK_FROM:
        return False
    sent = (job for job in jobs if has_open_needs(workspace, job))
    return len(list(islice(sent, ASK_FROM + 1))) > ASK_FROM


def describe_cost(asker: Asker, jobs: Sequence[Job], share: float = 1.0) -> str:
    """Return in words what the jobs would send, where to, and at what cost. Needs at least one.

    share: of the usual price.

    Raises JournalError.
    """
    config = asker.workspace.config
    sample = _choose_sample(jobs)
    tier = config.endpoint.service_tier if share == 1 else None  # a batch has none
    total = forecast(asker, sample, tier).times(len(jobs) / len(sample))
    notes = f"{total.notes:,} note{'' if total.notes == 1 else 's'}"
    if len(sample) < len(jobs):
        notes = f"about {notes}"
    cost = describe_price(_endpoint_of(config), total.price and total.price * share)
    return (
        f"{notes} would be sent to {config.describe_endpoint()}: "
        f"about {total.input_tokens:,} tokens in and {total.output_tokens:,} out, {cost}."
    )


def _endpoint_of(config: Config) -> Endpoint | None:
    return None if config.is_embedded else config.endpoint


def describe_cost_of(
    workspace: Workspace, scan: Scan, jobs: Sequence[Job], share: float = 1.0
) -> str:
    """Return the same as describe_cost, with as little of the vault in memory as possible.

    Raises JournalError.
    """
    context = VaultContext(scan, about={job.path for job in _choose_sample(jobs)})
    return describe_cost(Asker(workspace, context), jobs, share)


def _choose_sample(jobs: Sequence[Job]) -> Sequence[Job]:
    return jobs[:: ceil(len(jobs) / _SAMPLE)]


def describe_encoding(config: Config, scan: Scan, paths: Sequence[str]) -> str:
    """Return in words what encoding the notes would send, where to, and at what cost."""
    endpoint = config.similar_endpoint()
    assert endpoint
    tokens = sum(min(scan.files[path].size, _ENCODED_BYTES) for path in paths) // 3
    dollars = find_cost(endpoint, tokens, 0)
    cost = describe_price(endpoint, dollars)
    return (
        f"the title and beginning of {len(paths):,} notes would be sent to {endpoint.model} at"
        f" {endpoint.address} (not on this machine): about {tokens:,} tokens, {cost}."
    )


def forecast(asker: Asker, jobs: Iterable[Job], tier: str | None) -> Forecast:
    """Return the forecast for the jobs, estimated from the messages that they would send.

    tier: the service tier in which they would be.

    Raises JournalError.
    """
    notes = inputs = outputs = 0
    for job in jobs:
        if (task := open_task(asker.workspace, job)) is None:
            continue
        try:
            calls, *_ = asker.plan(job.path, task.parsed, task.needs)
        except NoteError:
            continue
        notes += bool(calls)
        for call in calls:
            inputs += sum(estimate_tokens(message["content"]) for message in call.question.messages)
            outputs += round(call.question.max_tokens * ANSWER_SHARE)
    dollars = find_cost(_endpoint_of(asker.workspace.config), inputs, outputs, tier)
    return Forecast(notes, inputs, outputs, None if dollars is None else float(dollars))
