"""Whether the configured model is there and answers, and whether it thinks before it does."""

from __future__ import annotations

import time
from hashlib import file_digest
from threading import Event
from typing import NamedTuple

from companion.config import Config
from companion.doctor.setup import Finding
from companion.enrich.configured_model import open_client
from companion.errors import AnswerError
from companion.llm.catalog import find_model, model_path, models_folder
from companion.llm.client import Client
from companion.llm.request import Question
from companion.llm.response import ThoughtsOnly

_QUESTION = ({"role": "user", "content": "Answer with the word ready."},)
_TOKENS = 16
_MORE_TOKENS = 1024  # some models say a lot before the word
_PULL = "companion model pull fetches it"


class ProbeResult(NamedTuple):
    """The model's answer. seconds: for an embedded model, including its start.

    thinks: whether it thought before it answered.
    """

    answer: str
    seconds: float
    thinks: bool = False


def probe_client(client: Client) -> ProbeResult:
    """Ask the client's model one short question, and return its answer.

    Raises EndpointError or AnswerError if it does not answer.
    """
    begun = time.monotonic()
    try:
        answer = client.ask(Question(_QUESTION, _TOKENS))
    except ThoughtsOnly:
        raise
    except AnswerError:
        answer = client.ask(Question(_QUESTION, _MORE_TOKENS))
    return ProbeResult(answer.text, time.monotonic() - begun, client.thinks)


def advice_on_thinking(config: Config) -> str:
    """Return advice on a model that thinks; empty if the settings deal with it."""
    table = config.endpoint
    if table.reasoning_effort == "none":
        return "its server does not turn thinking off; choose a model that does not think"
    if table.reasoning_effort:
        return ""
    return (
        "it thinks before it answers, which takes time and tokens; under [endpoint],"
        ' reasoning_effort = "none" ends that where the server can'
    )


def check_model(config: Config, *, thorough: bool) -> Finding:
    """Check that the model can be asked; if it is embedded, that its file is here and complete.

    thorough: also verify its checksum, which reads the whole file.

    Raises UsageError if there is no such model, or the endpoint's address is invalid.
    """
    if not config.is_embedded:
        return Finding("ok", config.describe_endpoint())
    model = find_model(config.endpoint.model)
    path = model_path(model.name)
    if path is None:
        part = models_folder() / model.file
        if part.is_file():
            size = part.stat().st_size
            said = f"the file of {model.name} has {size:,} bytes, not {model.size:,}"
            return Finding("problem", said, f"delete {part}; {_PULL} again")
        said = f"{model.name} is not on this machine yet; the first run fetches it"
        return Finding("hint", said, f"{_PULL} now")
    if thorough and model.sha256:
        with path.open("rb") as file:
            if file_digest(file, "sha256").hexdigest() != model.sha256:
                mend = f"delete {path}; {_PULL} again"
                return Finding("problem", f"the file of {model.name} is damaged", mend)
    size = path.stat().st_size
    looked = "checksum right" if thorough and model.sha256 else "not read through"
    return Finding("ok", f"{config.describe_endpoint()} ({size:,} bytes, {looked})")


def check_answer(config: Config) -> Finding:
    """Check that the model answers, and how fast.

    Raises EndpointError or AnswerError if it does not answer; UsageError if the embedded model is
    not on this machine, or the endpoint's address is invalid.
    """
    with open_client(config, Event()) as client:
        client.retries = 1  # the user is waiting
        probed = probe_client(client)
    said = f"the model answered within {probed.seconds:.1f} s"
    if not probed.thinks:
        return Finding("ok", said)
    mend = advice_on_thinking(config)
    return Finding("hint" if mend else "ok", f"{said}, and thought first", mend)
