"""companion doctor similar: compare the notes, and show what similar ones suggest for a note."""

from __future__ import annotations

from pathlib import Path

import click

from companion.app.similar import ComparedNotes, open_compared_notes
from companion.cli.output import Output, count, one_line
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    find_session_vault,
    say_which_vault,
)
from companion.errors import ConsentMissing, UsageError


@click.command()
@click.argument("note", required=False, type=NOTE_PATH, metavar="[NOTE]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--yes", is_flag=True, help="Do not ask before many notes go elsewhere.")
@common_options
def similar(note: str | None, as_json: bool, yes: bool, vault: Path | None) -> None:
    """Show what similar notes suggest for a note.

    It compares the notes of the vault, those that are new or changed since the last time, and shows
    which are like NOTE, and what they suggest. Without NOTE it says how well similar notes tell the
    tags of a note in this vault. No note is changed.
    """
    output = Output(as_json=as_json)
    root = find_session_vault(vault, [note] if note else [], output)
    with open_compared_notes(root, tell=output.warn) as notes:
        say_which_vault(root, output)
        path = notes.find_path(note, Path.cwd()) if note else ""
        _compare(notes, output, agreed=yes)
        if path:
            _show_note(notes, path, output)
        else:
            _show_vault(notes, output)


def _compare(notes: ComparedNotes, output: Output, *, agreed: bool) -> None:
    """Have the notes compared, once the user agreed to it where it goes elsewhere."""
    try:
        with output.progress("Comparing notes") as bar:
            notes.compare(bar.update, agreed=agreed)
    except ConsentMissing as cost:
        if not output.agrees(str(cost), "--yes to send all"):
            raise UsageError("nothing was sent") from None
        _compare(notes, output, agreed=True)


def _show_vault(notes: ComparedNotes, output: Output) -> None:
    told = notes.of_vault()
    output.say(f"{count(told.compared, 'note')} compared by {told.encoder}")
    for name, words in told.told.items():
        output.say(f"{name}: {words}")
    if output.as_json:
        output.print_json(told.model_dump())


def _show_note(notes: ComparedNotes, path: str, output: Output) -> None:
    told = notes.of_note(path)
    for each in told.similar:
        output.say(f"{each.similarity:5.2f}  {one_line(each.path)}")
    for name, values in told.suggested.items():
        output.say(f"{name}: {values.told}")
    if output.as_json:
        output.print_json(told.model_dump())
