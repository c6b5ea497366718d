"""Does an answer talk about itself, the note or the model, or refuse to answer?"""

from __future__ import annotations

import re

from companion.enrich.gate import phrases
from companion.enrich.gate.said import Fault, Said

_OPENS = r"(?:\A[\W_]*|[.!?…:]\s+|[。！？：]\s*|\n\W*)"  # a sentence
_FLAGS = re.IGNORECASE | re.VERBOSE
_META = re.compile(
    rf"(?:{phrases.META_ANYWHERE})|{_OPENS}(?P<opening>{phrases.META_OPENING})"
    rf"|\A[\W_]*(?:{phrases.META_FIRST})",
    _FLAGS,
)
_REFUSAL = re.compile(
    rf"(?:{phrases.REFUSAL_ANYWHERE})|\A[\W_]*(?:{phrases.REFUSAL_FIRST})"
    rf"|^(?:{phrases.NOTHING})$",
    _FLAGS | re.MULTILINE,
)
_SHOWN = 40  # characters of what was found


def find_meta_talk(said: Said) -> Fault | None:
    """Return the fault of an answer about the note, the answer or the model.

    Not of words that are the title's; what answers a question may speak of the note.
    """
    found = _META.search(said.text)
    if not found or (said.question and found["opening"]):
        return None
    if _words(found).casefold() in said.title.casefold():
        return None
    retry = "Write about the subject itself; never mention the note, the text or yourself."
    return Fault("meta", f"talks about the note or itself (“{_words(found)}”)", retry)


def find_refusal(said: Said) -> Fault | None:
    """Return the fault of an answer that refuses, asks back or leaves a gap to fill in."""
    found = _REFUSAL.search(said.text)
    if not found or _words(found).casefold() == said.title.casefold():
        return None
    retry = "Go by the title and the text as they are; write the text asked for, nothing else."
    return Fault("refusal", f"is a refusal (“{_words(found)}”)", retry)


def _words(found: re.Match[str]) -> str:
    return " ".join(re.sub(r"^\W+", "", found[0]).split())[:_SHOWN]
