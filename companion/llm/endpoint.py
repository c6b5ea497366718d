"""An endpoint: the address of an OpenAI-compatible API, its key, its model and its limits."""

from __future__ import annotations

import ipaddress
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from companion.errors import UsageError

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
JsonMode = Literal["auto", "schema", "object", "text"]


@dataclass(frozen=True, repr=False)
class Endpoint:
    """One model behind an OpenAI-compatible API.

    `base_url`: the part before `/chat/completions`, usually ending in `/v1`.
    `timeout`: seconds for a whole answer. `retries`: calls after the first one.
    `json`: which format of JSON answers the server supports; `auto` finds out.
    `context_tokens`: what the model can read and write in one call, None where unknown.
    `max_output_tokens`: what it may write in one call, thoughts included; None: what the answer
    needs, and some thousand more once the model has been seen to think.
    `reasoning_effort`, `temperature`: None leaves them to the server.
    `requests_a_minute`: how often it is asked at most, beside the limits that it reports; None: no
    more limits than those.
    `service_tier`: the tier of the provider's that is asked for, None: the usual one.
    `input_price`, `output_price`: US dollars for a million tokens, as the user knows them; None for
    both: by the list of prices, and nothing on this machine.
    `embedded`: the server is ours, started on this machine.

    Raises UsageError when base_url is not an http or https address.
    """

    base_url: str
    model: str
    api_key: str = ""
    timeout: float = 120.0
    retries: int = 3
    json: JsonMode = "auto"
    context_tokens: int | None = None
    temperature: float | None = 0.2
    max_output_tokens: int | None = None
    reasoning_effort: Effort | None = None
    requests_a_minute: int | None = None
    service_tier: str | None = None
    input_price: float | None = None
    output_price: float | None = None
    embedded: bool = False
    _parts: SplitResult = field(init=False, compare=False)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.base_url)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise UsageError(
                "the endpoint's base URL must be an address such as http://localhost:11434/v1"
                " or https://api.example.com/v1"
            )
        object.__setattr__(self, "_parts", parts)

    @property
    def settings(self) -> Endpoint:
        """The endpoint: as a source (see companion.llm.attempts) it lends itself."""
        return self

    def lease(self) -> AbstractContextManager[Endpoint]:
        """Lend the endpoint for one call."""
        return nullcontext(self)

    def __repr__(self) -> str:
        return f"Endpoint({self.address!r}, model={self.model!r})"

    @property
    def address(self) -> str:
        """The base URL for messages: without credentials, query and fragment."""
        host = self._parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        port = f":{self._parts.port}" if self._parts.port else ""
        return f"{self._parts.scheme}://{host}{port}{self._parts.path}".rstrip("/")

    @property
    def is_local(self) -> bool:
        """Whether the endpoint is on this machine: localhost or a loopback address."""
        host = (self._parts.hostname or "").rstrip(".")
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may hold: the key, and the password and query of the base URL."""
        secrets = (self.api_key, self._parts.password or "", self._parts.query)
        return tuple(secret for secret in secrets if secret)
