"""The Python API: what notes need, values for it as proposals, decisions on them, and undo.

`companion.open_vault(FOLDER)` returns a Vault. It is as safe as the command line, and runs the same
code: values are checked and made harmless, wait as proposals, and go into notes through the
journal; if a daemon runs, it does the writing. The names here, and in what they return, follow
semantic versioning; docs/programs.md has examples.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import NamedTuple, overload

from companion.app.open_vault import name_path, open_vault
from companion.app.types.base import Progress
from companion.app.types.changes import Change, ChangeQuery, Undone
from companion.app.types.decisions import Decisions, NoteDecision, Value
from companion.app.types.notes import ScanOptions, ScanReport
from companion.app.types.programs import ScriptProposal
from companion.app.types.proposals import Proposal, ProposalQuery, ProposalState
from companion.app.types.runs import NoteResult, RunOptions
from companion.app.vault import all_changes, all_proposals
from companion.vault.paths import named_path, resolve_vault

__all__ = ["RejectedValue", "Vault"]


class RejectedValue(NamedTuple):
    """A value that a check found unfit. reason: in words."""

    reason: str


class Vault:
    """A vault. Its methods may be called from any thread, and raise CompanionError.

    Each opens the vault and closes it again; nothing is locked in between. Paths are
    relative to the vault, or absolute, and may leave out `.md`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def at(cls, path: str | PathLike[str]) -> Vault:
        """Return the vault in the folder. Raises UsageError."""
        return cls(resolve_vault(Path(path)))

    def __repr__(self) -> str:
        return f"Vault({str(self.root)!r})"

    def scan(
        self,
        *paths: str,
        progress: Progress | None = None,
        only: ScanOptions = ScanOptions(),  # noqa: B008 # it is frozen
    ) -> ScanReport:
        """Return what needs work and why, and what is left alone and why; nothing is changed.

        paths: notes and folders; none: all. only: which of the notes.
        """
        options = only.model_copy(update={"paths": [named_path(self.root, path) for path in paths]})
        with open_vault(self.root) as vault:
            return vault.scan(options, progress)

    @overload
    def propose(
        self,
        path: str,
        field: str | None = None,
        *,
        agreed: bool = False,
        progress: Progress | None = None,
    ) -> list[NoteResult]: ...

    @overload
    def propose(
        self,
        path: str,
        field: str,
        value: Value,
        *,
        heading: str | None = None,
        question: str | None = None,
        script: str = "python",
    ) -> Proposal | RejectedValue: ...

    def propose(
        self,
        path: str,
        field: str | None = None,
        value: Value | None = None,
        *,
        heading: str | None = None,
        question: str | None = None,
        script: str = "python",
        agreed: bool = False,
        progress: Progress | None = None,
    ) -> list[NoteResult] | Proposal | RejectedValue:
        """Propose values for what notes need; nothing is written into them.

        Without a value, the model is asked, as by `companion enrich --propose`: for all that the
        note, or those in the folder, need (`""`: in the vault), or for one field. Returns the
        result for each note, with the ids of waiting proposals. agreed: more than 50 notes may go
        to a model on another machine; otherwise ConsentMissing is raised, with the cost.

        With a value, it is proposed for the one note. Returns the open proposal, or why a check
        rejected it. field: such as `description`, or `callout`: at the top, under the heading, or
        the empty one whose title is the question. script: the name of the proposer.
        """
        path = named_path(self.root, path)
        if value is None and (heading is not None or question is not None):
            raise TypeError("heading and question say where a value goes; give one")
        if value is None:
            return self._ask_model(path, field, agreed, progress)
        if field is None:
            raise TypeError("a value needs a field; name it, such as description or callout")
        entry = {"field": field, "value": value, "heading": heading, "question": question}
        with open_vault(self.root) as vault:
            made = vault.propose(ScriptProposal.of(script=script, path=path, **entry))
        return made.proposal or RejectedValue(made.rejected or "")

    def _ask_model(
        self, path: str, field: str | None, agreed: bool, progress: Progress | None
    ) -> list[NoteResult]:
        """Ask the model, and return the results of the notes; its values wait as proposals."""
        options = RunOptions.of(paths=[path], field=field, propose=True, agreed=agreed)
        with open_vault(self.root) as vault:
            run, results = vault.run(options), list[NoteResult]()
            for result in run:
                results.append(result)
                if progress:
                    progress(sum(each.counted for each in results), run.total)
        return results

    def proposals(self, *paths: str, states: Iterable[ProposalState] = ("open",)) -> list[Proposal]:
        """Return the proposals in these states for these notes and folders, newest first."""
        with open_vault(self.root) as vault:
            folders = [name_path(vault, path, self.root) for path in paths] or [""]
            queries = (
                ProposalQuery.of(folder=folder, state=state)
                for folder in dict.fromkeys(folders)
                for state in states
            )
            proposals = {each.id: each for query in queries for each in all_proposals(vault, query)}
        return [proposals[id_] for id_ in sorted(proposals, reverse=True)]

    def accept(self, *ids: int) -> list[NoteDecision]:
        """Write proposals into their notes; return the result for each note."""
        return self.decide(Decisions.of(accept=[{"id": id_} for id_ in ids]))

    def refuse(self, *ids: int) -> list[NoteDecision]:
        """Refuse proposals, which are not asked for again; return the result for each note."""
        return self.decide(Decisions.of(refuse=list(ids)))

    def decide(self, decisions: Decisions) -> list[NoteDecision]:
        """Accept, refuse and reopen proposals; return the result for each note."""
        with open_vault(self.root) as vault:
            return list(vault.decide(decisions))

    def undo(self, change: int, run: str | None = None) -> Undone:
        """Take a change back, byte for byte; text edited since stays.

        run: the run that the undo belongs to. In a note that is open in Obsidian, its editor takes
        it back; if it has not within 30 seconds, `undone_by` is None, and `waits` a number.

        Raises NotThere, NoteError.
        """
        with open_vault(self.root) as vault:
            [undone] = vault.undo([change], run)
        return undone.check()

    def history(
        self, path: str | None = None, *, run: str | None = None, limit: int | None = None
    ) -> list[Change]:
        """Return the changes, newest first: of a note, of a run, or all; at most limit."""
        with open_vault(self.root) as vault:
            named = path and name_path(vault, path, self.root)
            return list(islice(all_changes(vault, ChangeQuery.of(path=named, run=run)), limit))
