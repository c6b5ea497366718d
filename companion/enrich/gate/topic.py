"""Does an answer speak of something else than the note?"""

from __future__ import annotations

from companion.enrich.gate.language import find_language
from companion.enrich.gate.said import Fault, Said
from companion.enrich.gate.tokens import telling_parts, width

_LEAST = 200  # letters of a note that an answer can be held against
_FEWEST = 3  # words that say something, in an answer that is judged by them
_SHARE = 0.1  # of them the note or its title has; what people write has more (2 in 490 less)

_RETRY = "Write about the subject of the title, by what the note says of it."


def find_off_topic(said: Said) -> Fault | None:
    """Return the fault of an answer that has hardly a word in common with the note and its title.

    Of a short note nothing can be told, nor of what is written in another language; what answers
    a question may go where that leads.
    """
    if said.question or width(said.words) < _LEAST:
        return None
    parts = set(telling_parts(said.text))
    shared = parts.intersection(telling_parts(f"{said.title}\n{said.note}"))
    if len(parts) < _FEWEST or len(shared) > _SHARE * len(parts) or _is_translated(said):
        return None
    return Fault("topic", "does not speak of what the note is about", _RETRY)


def _is_translated(said: Said) -> bool:
    wanted, own = said.language, find_language(said.words, said.title)
    return bool(wanted and own and wanted != own)
