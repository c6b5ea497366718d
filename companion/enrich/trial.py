"""A real call to the configured model, to see whether it answers."""

from __future__ import annotations

import time
from threading import Event
from typing import NamedTuple

from companion.config import Config
from companion.enrich.model import open_client
from companion.errors import AnswerError
from companion.llm.answer import ThoughtsOnly
from companion.llm.client import Client

_QUESTION = ({"role": "user", "content": "Answer with the word ready."},)
_TOKENS = 16
_TOKENS_TO_TALK = 1024  # some models say a lot before the word


class Trial(NamedTuple):
    """What the model said, and after how many seconds; the embedded one is started first.

    thinks: whether it thought first.
    """

    said: str
    seconds: float
    thinks: bool = False


def try_model(config: Config) -> Trial:
    """Return what the configured model answers to one short question.

    Raises EndpointError or AnswerError, which say why it does not; UsageError when the embedded
    model is not on this machine, or the endpoint's address is none.
    """
    once = config.endpoint.model_copy(update={"retries": min(config.endpoint.retries, 1)})
    begun = time.monotonic()
    with open_client(config.model_copy(update={"endpoint": once}), Event()) as client:
        said = _ask(client)
        return Trial(said, time.monotonic() - begun, client.thinks)


def what_thinking_means(config: Config) -> str:
    """Return what to say of a model that thinks; empty where the user said how much it may."""
    table = config.endpoint
    if table.reasoning_effort == "none":
        return (
            "its server does not turn thinking off; choose a model that does not think, or set"
            " max_output_tokens under [endpoint] to the tokens that its thoughts and answers take"
        )
    if table.reasoning_effort or table.max_output_tokens:
        return ""
    return (
        "it thinks before it answers, which takes time and tokens; under [endpoint],"
        ' reasoning_effort = "none" ends that where the server can, and max_output_tokens'
        " gives its thoughts more room"
    )


def _ask(client: Client) -> str:
    try:
        return client.ask_text(_QUESTION, _TOKENS).text
    except ThoughtsOnly:
        raise
    except AnswerError:
        return client.ask_text(_QUESTION, _TOKENS_TO_TALK).text
