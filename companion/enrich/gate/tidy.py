"""What of an answer is left out before it is judged, so that the rest may stand."""

from __future__ import annotations

from companion.enrich.gate.copied import without_copies
from companion.enrich.gate.garbled import part_words
from companion.enrich.gate.shape import first_paragraphs
from companion.enrich.gate.unfinished import whole_sentences
from companion.prompts import Field


def tidy(text: str, field: Field, title: str, note: str, *, may_quote: bool) -> str:
    """Return the answer's whole sentences, of a callout those that say something new.

    Of a callout that runs on, the first paragraphs. may_quote: it may say what the note says.
    """
    if field.kind == "text":
        return whole_sentences(text)
    if field.kind != "prose":
        return text
    text = part_words(text, note)
    return first_paragraphs(text if may_quote else without_copies(text, note), title, field)
