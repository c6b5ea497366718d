"""The cost of a run: tokens, and money if the price is known."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from math import ceil

from companion.enrich.asker import Asker
from companion.enrich.configured_model import ASK_FROM
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.job import Job, read_task
from companion.enrich.workspace import Workspace
from companion.errors import NoteError
from companion.llm.endpoint import describe_price, estimate_tokens, find_cost
from companion.vault.notes import Scan

_SAMPLE = 100  # notes at most, from which the cost of all is estimated: each takes 10 ms
ANSWER_SHARE = 0.5
"""The share of an answer's maximum tokens that it usually takes."""


def needs_agreement(workspace: Workspace, jobs: Sequence[Job]) -> bool:
    """Return whether the run sends so many notes to another machine that the user must agree.

    Raises JournalError.
    """
    if not workspace.config.is_remote or len(jobs) <= ASK_FROM:
        return False
    sent = (job for job in jobs if (task := read_task(workspace, job)) and task.needs)
    return len(list(islice(sent, ASK_FROM + 1))) > ASK_FROM


def describe_cost(workspace: Workspace, scan: Scan, jobs: Sequence[Job]) -> str:
    """Return in words what the jobs would send, where to, and at what cost. Needs at least one.

    It is estimated from the messages that some of them would send.

    Raises JournalError.
    """
    config, sample = workspace.config, jobs[:: ceil(len(jobs) / _SAMPLE)]
    asker = Asker(workspace, VaultContext(scan))
    notes = inputs = outputs = 0
    for job in sample:
        task = read_task(workspace, job)
        if not (task and task.needs):
            continue
        with suppress(NoteError):
            question = asker.question(job.path, task.parsed, task.needs).question
            if question is not None:
                notes += 1
                inputs += sum(estimate_tokens(each["content"]) for each in question.messages)
                outputs += round(question.max_tokens * ANSWER_SHARE)
    times = len(jobs) / len(sample)
    notes, inputs, outputs = (round(number * times) for number in (notes, inputs, outputs))
    dollars = find_cost(config.endpoint, inputs, outputs)
    cost = describe_price(config.endpoint, dollars)
    about = "about " if len(sample) < len(jobs) else ""
    if not (notes or about):
        return "no model has to be asked, so it costs nothing."
    gets = "read by" if config.is_embedded else "sent to"
    return (
        f"{about}{notes:,} note{'' if notes == 1 else 's'} would be {gets}"
        f" {config.describe_endpoint()}: about {inputs:,} tokens in and {outputs:,} out, {cost}."
    )
