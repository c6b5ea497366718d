"""Vault: everything that can be done to a vault, whoever does it.

`open_vault` of companion.app.open_vault returns one. The command line, the HTTP API, the page, the
Python API and the MCP server call it, and render what it gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from companion.app.types.changes import Change, ChangePage, ChangeQuery, Undone
from companion.app.types.proposals import Proposal, ProposalPage, ProposalQuery

_LARGEST_PAGE = 1000


class Vault(Protocol):
    """A vault. Its methods may be called from any thread, and raise CompanionError.

    Paths are relative to the vault, with `/`. There is nothing for one that does not exist.
    """

    @property
    def root(self) -> Path:
        """The vault's folder, resolved."""

    def changes(self, query: ChangeQuery) -> ChangePage:
        """Return a page of changes, newest first."""

    def change(self, id: int) -> Change:
        """Return the change of that id, with its diff. Raises NotThere."""

    def undo(self, changes: Sequence[int], run: str | None = None) -> Iterator[Undone]:
        """Take changes back in this order, byte for byte, and yield what came of each.

        What was edited since stays. run: that the undos belong to; None: a new one.
        """

    def proposals(self, query: ProposalQuery) -> ProposalPage:
        """Return a page of proposals, newest first."""

    def forget(self, paths: Sequence[str]) -> int:
        """Delete what is kept of the text of notes; return for how many proposals.

        paths: notes and folders; `""`: the vault. Open proposals are refused. What was changed can
        still be undone.
        """


def all_changes(vault: Vault, query: ChangeQuery) -> Iterator[Change]:
    """Yield the changes of all pages, newest first."""
    pages = query.model_copy(update={"limit": _LARGEST_PAGE})
    while True:
        page = vault.changes(pages)
        yield from page.changes
        if page.before is None:
            return
        pages = pages.model_copy(update={"before": page.before})


def all_proposals(vault: Vault, query: ProposalQuery) -> Iterator[Proposal]:
    """Yield the proposals of all pages, newest first."""
    pages = query.model_copy(update={"limit": _LARGEST_PAGE})
    while True:
        page = vault.proposals(pages)
        yield from page.proposals
        if page.before is None:
            return
        pages = pages.model_copy(update={"before": page.before})
