"""What a run will take: tokens, estimated, and their price, from a list that needs no network."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

_WIDE = re.compile(
    r"[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff]"
    r"|[\U00020000-\U0003ffff]"
)
_OTHER = re.compile(r"[^\x00-\u024f\u1e00-\u1eff\u2000-\u206f]")


class Price(NamedTuple):
    """A price in US dollars, and the model and provider that it is of."""

    dollars: Decimal
    model: str
    provider: str


def estimate_tokens(text: str) -> int:
    """Return about how many tokens text has, on the high side and without a tokenizer.

    Four Latin characters a token, two of another alphabet, one and a half tokens for an
    ideograph or Hangul syllable.
    """
    wide = len(_WIDE.findall(text))
    other = len(_OTHER.findall(text)) - wide
    return round((len(text) - wide - other) / 4 + other / 2 + wide * 1.5 + 0.5)


def find_price(model: str, base_url: str, input_tokens: int, output_tokens: int) -> Price | None:
    """Return what the tokens cost at that address, None when the price is not known.

    The prices come with the genai-prices package; nothing is fetched.
    """
    import genai_prices

    usage = genai_prices.Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    try:
        found = genai_prices.calc_price(usage, model, provider_api_url=base_url)
    except (LookupError, ValueError):
        return None
    return Price(found.total_price, found.model.name or model, found.provider.name)
