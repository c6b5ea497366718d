"""Which notes are similar, and what they suggest, as shown by `companion doctor similar`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import Field

from companion.app.open_vault import open_space
from companion.app.types.base import Progress, Shape
from companion.enrich.context.nearest_neighbours import Rule
from companion.enrich.context.similar import ComparedNote, SimilarNote, SimilarNotes, open_similar
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.cost import describe_encoding
from companion.enrich.workspace import Workspace
from companion.errors import ConsentMissing, NoteRefused, UsageError
from companion.note.parsed_note import ParsedNote
from companion.vault.files import skip_reason
from companion.vault.paths import relative_path
from companion.vault.write import read_note

_SHOWN = 10  # similar notes, and values that they suggest


class SimilarVault(Shape):
    """A vault, as in `companion doctor similar --json`: how many notes are compared, and the rules.

    rules: by property; null if the vault has too little to learn from. encoder, told: in words,
    what compares them, and what each rule says.
    """

    compared: int
    rules: dict[str, Rule | None]
    encoder: str = Field(exclude=True)
    told: dict[str, str] = Field(exclude=True)


class SuggestedValues(Shape):
    """Values of a property. chosen: those to fill in; null: a model has to choose. told: in words,
    what is chosen, or why nothing is.
    """

    chosen: list[str] | None
    candidates: list[str]
    told: str = Field(exclude=True)


class SimilarToNote(Shape):
    """A note, as in `companion doctor similar NOTE --json`: its similar notes, and their values.

    suggested: by property.
    """

    path: str
    similar: list[SimilarNote]
    suggested: dict[str, SuggestedValues]


class ComparedNotes:
    """The notes of a vault, which are compared with each other."""

    def __init__(self, space: Workspace, similar: SimilarNotes) -> None:
        self.root = space.root
        self._space = space
        self._similar = similar
        self._context = VaultContext(space.scan())

    def compare(self, progress: Progress, *, agreed: bool) -> None:
        """Compare the notes that are new or changed.

        Raises ConsentMissing, with the cost, if many would go to another machine and nobody agreed
        to it; EndpointError, AnswerError.
        """
        vectors, scan = self._similar.vectors, self._context.scan
        missing = vectors.find_missing(scan)
        if not agreed and vectors.needs_agreement(missing):
            raise ConsentMissing(describe_encoding(self._space.config, scan, missing))
        vectors.update(scan, missing, progress=progress)

    def of_vault(self) -> SimilarVault:
        """Return how many notes are compared, and how well they predict each other's values."""
        names = self._properties()
        all_neighbours = {
            name: self._similar.neighbours(self._context, name, most) for name, most in names
        }
        return SimilarVault(
            compared=self._similar.vectors.count(),
            rules={name: each.rule for name, each in all_neighbours.items()},
            encoder=self._similar.describe_encoder(),
            told={name: each.describe() for name, each in all_neighbours.items()},
        )

    def find_path(self, typed: str, folder: Path) -> str:
        """Return the path of a note that somebody typed in the folder; empty for the vault.

        Raises UsageError if it does not exist, NoteRefused.
        """
        path = relative_path(self.root, typed, folder)
        if path and (reason := skip_reason(self.root, path, self._space.ignore)):
            raise NoteRefused(f"it is not compared: {reason}", path)
        return path

    def of_note(self, path: str) -> SimilarToNote:
        """Return the notes most similar to the one at path. Raises NoteError."""
        parsed = ParsedNote.decode(read_note(self.root, path).data)
        note, suggested = ComparedNote(self._context, path, parsed), {}
        for name, most in self._properties():
            values = self._similar.suggest(note, name, most)
            suggested[name] = SuggestedValues(
                chosen=None if values.chosen is None else list(values.chosen),
                candidates=list(values.candidates[:_SHOWN]),
                told=", ".join(values.chosen or ()) or values.reason or "nothing",
            )
        similar = self._similar.find_nearest(note, _SHOWN)
        return SimilarToNote(path=path, similar=similar, suggested=suggested)

    def _properties(self) -> Sequence[tuple[str, int]]:
        """Return the properties that similar notes suggest values for, and how many values each
        has.
        """
        fields = self._space.prompts.fields.values()
        return [
            (field.property, field.max_items or 1)
            for field in fields
            if field.vocabulary == "vault" and field.property
        ]


@contextmanager
def open_compared_notes(root: Path, **options: Any) -> Iterator[ComparedNotes]:
    """Open the vault at root to compare its notes; nothing is changed. options: open_space's.

    Raises UsageError if comparing notes is switched off.
    """
    with (
        open_space(root, **options) as space,
        open_similar(space) as similar,
    ):
        if similar is None:
            raise UsageError(
                "similar notes are switched off; companion config set similar.model --default"
                " turns them on"
            )
        yield ComparedNotes(space, similar)
