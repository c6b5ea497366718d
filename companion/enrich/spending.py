"""What the configuration lets be spent, counted in the one file of all vaults."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from companion.config import Config, common_state_folder, state_folder
from companion.errors import UsageError
from companion.llm.endpoint import Endpoint
from companion.llm.forecast import price
from companion.llm.spending import Price, Spending

_FILE = "spending.sqlite3"


def open_spending(config: Config, root: Path | None = None) -> Spending:
    """Return the spending of all vaults, under the configured caps; close() it at the end.

    root: the vault whose background notes are counted. The file is opened on first use.

    Raises UsageError when there is a cap on money, and the price of the model is not known.
    """
    limits = config.limits
    cost = _price_of(config)
    if limits.dollars_a_day is not None and cost is None:
        endpoint = config.remote_endpoint()
        raise UsageError(
            f"dollars_a_day is set, but the price of {endpoint.model} at {endpoint.address} is not"
            " known; set tokens_a_day in its place, under [limits] in the configuration"
        )
    return Spending(
        common_state_folder() / _FILE,
        cost,
        limits.tokens_a_day,
        limits.dollars_a_day,
        state_folder(root).name if root else "",
        notes_a_day=config.background.notes_a_day,
    )


def _price_of(config: Config) -> Price | None:
    """Return what tokens cost at the configured model; nothing on this machine."""
    if config.is_embedded:
        return _nothing
    endpoint = config.remote_endpoint()
    if endpoint.is_local:
        return _nothing

    def cost(input_tokens: int, output_tokens: int) -> Decimal | None:
        return _dollars(endpoint, input_tokens, output_tokens)

    return None if cost(1, 1) is None else cost


def _dollars(endpoint: Endpoint, input_tokens: int, output_tokens: int) -> Decimal | None:
    found = price(endpoint.model, endpoint.address, input_tokens, output_tokens)
    return found.dollars if found else None


def _nothing(input_tokens: int, output_tokens: int) -> Decimal:
    return Decimal(0)
