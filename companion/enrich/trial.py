"""A real call to the configured model, to see whether it answers."""

from __future__ import annotations

import time
from threading import Event
from typing import NamedTuple

from companion.config import Config
from companion.enrich.model import open_client
from companion.errors import AnswerError
from companion.llm.client import Client

_QUESTION = ({"role": "user", "content": "Answer with the word ready."},)
_TOKENS = 16
_TOKENS_TO_THINK = 1024  # reasoning models spend some hundred before the first word


class Trial(NamedTuple):
    """What the model said, and after how many seconds; the embedded one is started first."""

    said: str
    seconds: float


def try_model(config: Config) -> Trial:
    """Return what the configured model answers to one short question.

    Raises EndpointError or AnswerError, which say why it does not; UsageError when the embedded
    model is not on this machine, or the endpoint's address is none.
    """
    once = config.endpoint.model_copy(update={"retries": min(config.endpoint.retries, 1)})
    begun = time.monotonic()
    with open_client(config.model_copy(update={"endpoint": once}), Event()) as client:
        said = _ask(client)
    return Trial(said, time.monotonic() - begun)


def _ask(client: Client) -> str:
    try:
        return client.ask_text(_QUESTION, _TOKENS).text
    except AnswerError:
        return client.ask_text(_QUESTION, _TOKENS_TO_THINK).text
