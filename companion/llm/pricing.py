"""Estimates of tokens, and prices of models from a list that needs no network."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

_WIDE = re.compile(
    r"[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff]"
    r"|[\U00020000-\U0003ffff]"
)
_OTHER_ALPHABETS = re.compile(r"[^\x00-\u024f\u1e00-\u1eff\u2000-\u206f]")


class Price(NamedTuple):
    """A price in US dollars, and the model and provider whose price it is."""

    dollars: Decimal
    model: str
    provider: str


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


def find_price(
    model: str, base_url: str, input_tokens: int, output_tokens: int, tier: str | None = None
) -> Price | None:
    """Return the price of the tokens at an endpoint, None when it is unknown.

    Prices come with the genai-prices package; nothing is fetched. tier: the service tier; where no
    price of its own is known, it is the usual one.
    """
    import genai_prices

    usage = genai_prices.Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    try:
        price = genai_prices.calc_price(
            usage,
            model,
            provider_api_url=base_url,
            price_context={"service_tier": tier} if tier else None,
        )
    except (LookupError, ValueError):
        return None
    return Price(price.total_price, price.model.name or model, price.provider.name)
