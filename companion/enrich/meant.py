"""What an empty callout asks for whose title is the one that callouts begin with in this vault."""

from __future__ import annotations

from collections.abc import Sequence

from companion.enrich.asker import Asker
from companion.enrich.reader import Outcome
from companion.llm.client import Client
from companion.note.callout import Styles
from companion.note.needs import Need
from companion.note.view import NoteView


def as_meant(needs: Sequence[Need], styles: Styles) -> dict[Need, Need]:
    """Return each need as it is to be asked for, with what it is to the note and the journal.

    A callout that was emptied and kept its title, be it `KI`, asks no question by it.
    """
    titles = {style.title.casefold() for style in styles}
    return {
        need._replace(question=None) if (need.question or "").casefold() in titles else need: need
        for need in needs
    }


def ask_as_meant(
    asker: Asker, path: str, view: NoteView, needs: Sequence[Need], styles: Styles, client: Client
) -> Outcome:
    """Return what Asker.ask does, which raises what it does, for the needs as they are meant."""
    meant = as_meant(needs, styles)
    outcome = asker.ask(path, view, tuple(meant), client, meant)
    fillings = [filling._replace(need=meant[filling.need]) for filling in outcome.fillings]
    refused = {meant[need]: error for need, error in outcome.refused.items()}
    fallbacks = {meant[need]: error for need, error in outcome.fallbacks.items()}
    return outcome._replace(fillings=fillings, refused=refused, fallbacks=fallbacks)
