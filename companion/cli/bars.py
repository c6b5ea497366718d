"""Figures drawn with characters, for a terminal: the last days, and the state of each folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from companion.app.types.notes import FolderWork
from companion.cli.output import Output, count, one_line

_HEIGHTS = " ▁▂▃▄▅▆▇█"
_WIDTH = 32  # of the longest bar, in characters
_NAME = 20  # of a folder's name


def print_days(filled: Sequence[int], output: Output) -> None:
    """Print how many notes were filled on each of the last days as a line of bars, if any were."""
    if any(filled):
        most = max(filled)
        bars = "".join(_HEIGHTS[-(-each * 8 // most)] for each in filled)
        output.say(
            f"{len(filled)} days      {bars}  {count(sum(filled), 'note')} filled", style="cyan"
        )


def print_folders(folders: Mapping[str, FolderWork], output: Output) -> None:
    """Print a bar for each folder at the top of the vault: filled, waiting for you, to do."""
    most = max((sum(vars(each).values()) for each in folders.values()), default=0)
    if not most:
        return
    output.say("\n█ filled  ▒ waits for you  ░ to do", style="dim")
    for name, work in sorted(folders.items()):
        parts = ((work.filled, "█"), (work.waiting, "▒"), (work.to_do, "░"))
        bar = "".join(mark * -(-number * _WIDTH // most) for number, mark in parts)
        shown = one_line(name or "(the vault itself)")[:_NAME]
        numbers = f"{work.filled:,}, {work.waiting:,}, {work.to_do:,}"
        output.say(f"{shown:<{_NAME}} {bar}  {numbers}", style="cyan")
