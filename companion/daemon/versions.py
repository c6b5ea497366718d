"""Which versions of a client this daemon serves."""

from __future__ import annotations

import re

from companion import __version__
from companion.daemon.problem import Refusal

_OLDEST = (0, 1)  # a plugin before this one is told to be updated
_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})(?:[.+-][0-9A-Za-z.+-]{1,64})?")


def check_client(said: str | None, ours: str = __version__) -> None:
    """Raise Refusal if a client of this version cannot be served; ours: our version.

    said: what the client's `Companion-Version` header holds. One that says nothing, or no version,
    is served: most programs that speak to the API are no clients of ours.
    """
    client, daemon = _read(said), _read(ours)
    if client is None or daemon is None:
        return
    if client < _OLDEST:
        words = f"This client's version, {said}, is too old for Companion {ours}: update the client"
        raise Refusal(422, f"{words}, which is the plugin in Obsidian.", kind="client-too-old")
    if client[0] > daemon[0]:
        words = f"This client's version, {said}, is too new for Companion {ours}: update Companion"
        raise Refusal(422, f"{words}, and start `companion serve` again.", kind="client-too-new")


def _read(version: str | None) -> tuple[int, int] | None:
    found = _VERSION.fullmatch(version or "")
    return (int(found[1]), int(found[2])) if found else None
