"""companion doctor similar: compare the notes, and show what similar ones suggest for a note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from pydantic import BaseModel

from companion.app.open_vault import open_space
from companion.cli.output import Output, count, one_line
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    find_session_vault,
    resolve_path,
    say_which_vault,
)
from companion.enrich.context import VaultContext
from companion.enrich.cost import describe_encoding
from companion.enrich.nearest_neighbours import Rule
from companion.enrich.similar import SimilarNote, SimilarNotes, open_similar
from companion.enrich.workspace import Workspace
from companion.errors import NoteRefused, UsageError
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from companion.vault.files import skip_reason
from companion.vault.write import read_note

_SHOWN = 10  # similar notes, and values that they suggest


@click.command()
@click.argument("note", required=False, type=NOTE_PATH, metavar="[NOTE]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--yes", is_flag=True, help="Send many notes to an encoder elsewhere unasked.")
@common_options
def similar(note: str | None, as_json: bool, yes: bool, vault: Path | None) -> None:
    """Show what similar notes suggest for a note.

    The notes of the vault are compared; with NOTE, it shows which are like it and what they
    suggest. Only notes that are new or changed are compared again. No note is changed. Without NOTE
    it says how well similar notes tell the tags of a note in this vault.
    """
    output = Output(as_json=as_json)
    with open_space(
        find_session_vault(vault, [note] if note else [], output), read_only=True, tell=output.warn
    ) as workspace:
        path = resolve_path(workspace, note) if note else ""
        say_which_vault(workspace.root, output)
        if path and (reason := skip_reason(workspace.root, path, workspace.ignore)):
            raise NoteRefused(f"it is not compared: {reason}", path)
        with open_similar(workspace) as opened:
            if opened is None:
                raise UsageError(
                    "similar notes are switched off; set enabled = true under [similar] in the"
                    " configuration"
                )
            vault_context = VaultContext(workspace.scan())
            _compare(opened, vault_context, output, agreed=yes)
            view = _View(workspace, opened, vault_context, output)
            if path:
                view.show_note(path)
            else:
                view.show_vault()


def _compare(
    opened: SimilarNotes, vault_context: VaultContext, output: Output, *, agreed: bool
) -> None:
    """Encode what is missing, once the user agreed to it where it goes elsewhere.

    Raises UsageError where nobody can be asked, EndpointError, AnswerError.
    """
    vectors = opened.vectors
    missing = vectors.find_missing(vault_context.scan)
    if not agreed and vectors.needs_agreement(missing):
        cost = describe_encoding(opened.config, vault_context.scan, missing)
        if not output.agrees(cost, "--yes to send all"):
            raise UsageError("nothing was sent")
    with output.progress("Comparing notes") as bar:
        vectors.update(vault_context.scan, missing, progress=bar.update)


class SimilarVault(BaseModel):
    """A vault, as in `companion doctor similar --json`: how many notes are compared, and the rules.

    rules: by property; null where the vault has too little to learn from.
    """

    compared: int
    rules: dict[str, Rule | None]


class SuggestedValues(BaseModel):
    """Values of a property. chosen: those to fill in; null: a model has to choose."""

    chosen: list[str] | None
    candidates: list[str]


class SimilarToNote(BaseModel):
    """A note, as in `companion doctor similar NOTE --json`: its similar notes, and their values.

    suggested: by property.
    """

    path: str
    similar: list[SimilarNote]
    suggested: dict[str, SuggestedValues]


@dataclass(frozen=True)
class _View:
    """What is shown of the vault, or of a note."""

    workspace: Workspace
    similar: SimilarNotes
    vault_context: VaultContext
    output: Output

    def show_vault(self) -> None:
        """Print how many notes are compared, and what they tell of each other's values."""
        compared = self.similar.vectors.count()
        self.output.say(f"{count(compared, 'note')} compared by {self.similar.describe_encoder()}")
        rules: dict[str, Rule | None] = {}
        for name, most in self._properties():
            neighbours = self.similar.neighbours(self.vault_context, name, most)
            rules[name] = neighbours.rule
            self.output.say(f"{name}: {neighbours.describe()}")
        if self.output.as_json:
            self.output.print_json(SimilarVault(compared=compared, rules=rules).model_dump())

    def show_note(self, path: str) -> None:
        """Print the notes that are most similar to the note, and the values that they suggest."""
        data = read_note(self.workspace.root, path).data
        parsed = ParsedNote(NoteText.decode(data))
        near = self.similar.find_nearest(self.vault_context, path, parsed, _SHOWN)
        for each in near:
            self.output.say(f"{each.similarity:5.2f}  {one_line(each.path)}")
        suggested = {}
        for name, most in self._properties():
            suggestion = self.similar.suggest(self.vault_context, path, parsed, name, most)
            taken = None if suggestion.chosen is None else list(suggestion.chosen)
            candidates = list(suggestion.candidates[:_SHOWN])
            suggested[name] = SuggestedValues(chosen=taken, candidates=candidates)
            chosen = ", ".join(suggestion.chosen or ()) or suggestion.reason or "nothing"
            self.output.say(f"{name}: {chosen}")
        if self.output.as_json:
            shape = SimilarToNote(path=path, similar=near, suggested=suggested)
            self.output.print_json(shape.model_dump())

    def _properties(self) -> Sequence[tuple[str, int]]:
        """Return the properties that similar notes are asked for, and how many values each has."""
        fields = self.workspace.prompts.fields.values()
        return [
            (field.property, field.max_items or 1)
            for field in fields
            if field.vocabulary == "vault" and field.property
        ]
