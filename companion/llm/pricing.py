"""Estimates of tokens, and what they cost: by the settings, or a list that needs no network."""

from __future__ import annotations

import re
from decimal import Decimal

from companion.llm.endpoint import Endpoint

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


def find_cost(
    endpoint: Endpoint, input_tokens: int, output_tokens: int, tier: str | None = None
) -> Decimal | None:
    """Return the US dollars that the tokens cost by the settings, else by the list of prices.

    None: not known. The list comes with the genai-prices package; nothing is fetched. tier: the
    service tier; where no price of its own is known, it is the usual one.
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
            price_context={"service_tier": tier} if tier else None,
        ).total_price
    except (LookupError, ValueError):
        return None


def describe_price(endpoint: Endpoint, dollars: Decimal | float | None) -> str:
    """Return in words about what tokens would cost there. dollars: None where it is not known."""
    if endpoint.is_free:
        return FREE
    return "price not known" if dollars is None else f"about ${dollars:,.2f}"
