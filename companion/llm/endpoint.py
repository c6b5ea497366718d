"""An endpoint: an OpenAI-compatible API's address, key, model and limits; what its tokens cost."""

from __future__ import annotations

import ipaddress
import re
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from companion.errors import UsageError
from companion.llm.catalog import DEFAULT_MODEL

Dollars = Annotated[float, Field(ge=0)]
JsonMode = Literal["auto", "schema", "prompt"]
_SHORTEST_SECRET = 6  # characters; a shorter one would hide parts of words


def clean_key(value: SecretStr) -> SecretStr:
    """Return the API key without the blanks and quotes that are often copied with it.

    Raises ValueError, without a part of it, if it has a character that no key has.
    """
    key = value.get_secret_value().strip().strip("\"'")
    if not (key.isprintable() and key.isascii()):
        raise ValueError(
            "within the key there is a line break or another character that no key has; copy it"
            " once more"
        )
    return SecretStr(key)


ApiKey = Annotated[SecretStr, AfterValidator(clean_key)]
"""the key of an endpoint"""


class Endpoint(BaseModel):
    """[endpoint]: who answers. Without `base_url`, the embedded model on this machine.

    embedded: the server is ours, started on this machine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    embedded: ClassVar[bool] = False

    base_url: str | None = Field(
        default=None,
        description="an OpenAI-compatible API, such as http://localhost:11434/v1; unset: "
        "the embedded model",
    )
    model: str = Field(
        default=DEFAULT_MODEL,
        description="its name there; for the embedded one see companion model list, or "
        "name a .gguf file",
    )
    api_key: ApiKey = Field(default=SecretStr(""), description="better in COMPANION_API_KEY")
    json_mode: JsonMode = Field(
        default="auto", description="how it is asked for JSON; prompt: in the prompt alone"
    )
    timeout: Annotated[float, Field(gt=0)] = Field(
        default=120.0, description="seconds for one answer"
    )
    context_tokens: Annotated[int, Field(ge=1024)] | None = Field(
        default=None,
        description="cuts longer notes; unset: 4096 embedded, else by its server, 2000 "
        "(here) or 8000 of a note",
    )
    small: bool | None = Field(
        default=None,
        description="do not trust its own knowledge; unset: embedded models under 4 "
        "billion parameters",
    )
    price: tuple[Dollars, Dollars] | None = Field(
        default=None,
        description="US dollars for a million tokens read, and written; unset: as listed, "
        "or 0 on this machine",
    )
    concurrency: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None, description="notes at once; unset: 2 embedded, 4 elsewhere"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.base_url is None:
            return self
        if not self.base_url.startswith(("http://", "https://")):
            raise ValueError("base_url must begin with http:// or https://")
        parts = urlsplit(self.base_url)  # raises ValueError, too
        if not parts.hostname or parts.port == 0:
            raise ValueError("base_url must name a server, such as http://localhost:11434/v1")
        if "model" not in self.model_fields_set:
            raise ValueError("base_url needs a model; set endpoint.model first")
        return self

    @classmethod
    def at(cls, base_url: str) -> Self:
        """Return the endpoint at that address. Raises UsageError if it is not an HTTP address."""
        try:
            return cls(base_url=base_url, model="")
        except ValidationError:
            raise UsageError(
                "the endpoint's base URL must be an address such as http://localhost:11434/v1"
                " or https://api.example.com/v1"
            ) from None

    @property
    def settings(self) -> Endpoint:
        """The endpoint itself: as a source (see companion.llm.client) it lends itself."""
        return self

    def lease(self) -> AbstractContextManager[Endpoint]:
        """Lend the endpoint for one call."""
        return nullcontext(self)

    def __repr_args__(self) -> list[tuple[str | None, object]]:
        return [(None, self.address), ("model", self.model)]

    @property
    def parts(self) -> SplitResult:
        """The parts of the base URL; all empty without one."""
        return urlsplit(self.base_url or "")

    @property
    def key(self) -> str:
        """The key in plain text; empty: there is none."""
        return self.api_key.get_secret_value()

    @property
    def address(self) -> str:
        """The base URL for messages: without credentials, query and fragment."""
        parts = self.parts
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{host}{port}{parts.path}".rstrip("/")

    @property
    def is_local(self) -> bool:
        """Whether the endpoint is on this machine: localhost, or a loopback address or 0.0.0.0."""
        return _is_loopback(self.parts.hostname or "")

    @property
    def is_free(self) -> bool:
        """Whether its tokens cost nothing: on this machine, unless the settings give a price."""
        return self.base_url is None or (self.is_local and self.price is None)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may contain: the key, and the base URL's credentials and query.

        As they are written there, and decoded.
        """
        parts = self.parts
        values = [field.partition("=")[2] for field in parts.query.split("&")]
        long = (each for each in (parts.username or "", *values) if len(each) >= _SHORTEST_SECRET)
        written = (self.key, parts.password or "", parts.query, *long)
        secrets = {form for each in written for form in (each, unquote(each), unquote_plus(each))}
        return tuple(sorted(filter(str.strip, secrets), key=len, reverse=True))


@lru_cache(maxsize=16)  # each call asks
def _is_loopback(host: str) -> bool:
    host = host.rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
        return address.is_loopback or address.is_unspecified
    except ValueError:
        return False


_WIDE = re.compile(
    r"[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff]"
    r"|[\U00020000-\U0003ffff]"
)
_OTHER_ALPHABETS = re.compile(r"[^\x00-\u024f\u1e00-\u1eff\u2000-\u206f]")

FREE = "which cost nothing on this machine"
"""What is said of the price of tokens where they are free."""


def estimate_tokens(text: str) -> int:
    """Return a high estimate of the number of tokens in text, without a tokenizer.

    A token is four Latin characters or two of another alphabet; an ideograph or Hangul syllable
    is one and a half tokens.
    """
    if text.isascii():
        return round(len(text) / 4 + 0.5)
    wide = len(_WIDE.findall(text))
    other = len(_OTHER_ALPHABETS.findall(text)) - wide
    return round((len(text) - wide - other) / 4 + other / 2 + wide * 1.5 + 0.5)


def find_cost(endpoint: Endpoint, input_tokens: int, output_tokens: int) -> Decimal | None:
    """Return the US dollars that the tokens cost by the settings, else by the list of prices.

    None: not known. The list comes with the genai-prices package; nothing is fetched.
    """
    if endpoint.is_free:
        return Decimal(0)
    if endpoint.price is not None:
        read, written = map(Decimal, endpoint.price)
        return (read * input_tokens + written * output_tokens) / 1_000_000
    import genai_prices

    try:
        return genai_prices.calc_price(
            genai_prices.Usage(input_tokens=input_tokens, output_tokens=output_tokens),
            endpoint.model,
            provider_api_url=endpoint.address,
        ).total_price
    except (LookupError, ValueError):
        return None


def describe_price(endpoint: Endpoint, dollars: Decimal | float | None) -> str:
    """Return in words about what tokens would cost there. dollars: None where it is not known."""
    if endpoint.is_free:
        return FREE
    return "price not known" if dollars is None else f"about ${dollars:,.2f}"
