"""Does an answer talk about itself, the note or the model, or refuse to answer?"""

from __future__ import annotations

import re

from companion.enrich.gate import phrases, refusals
from companion.enrich.gate.said import Fault, Said
from companion.enrich.gate.tokens import fold

_BEGINS = r"[^\w(（]{0,5}(?=[\w(（])"
_FIRST = rf"\A{_BEGINS}"
_OPENS = rf"(?:\A|[.!?…:]\s{{1,3}}|[。！？：…\n]){_BEGINS}"  # a sentence
_SIGN = "(?=[\u3005-\u9fff\uac00-\ud7a3\uff00-\uffef])"  # Chinese, Japanese, Korean
_FLAGS = re.VERBOSE | re.MULTILINE  # on small letters, which is faster than re.IGNORECASE


def _anywhere(words: str, signs: str) -> str:
    """Return a pattern that tries the words only where one begins: a text may be long."""
    return rf"\b(?:{words})|{_SIGN}(?:{signs})"


_META = re.compile(
    rf"(?P<self>{_anywhere(phrases.SELF_WORDS, phrases.SELF_SIGNS)})"
    rf"|{_FIRST}(?:(?P<first>{phrases.FIRST})|(?P<frame>{phrases.FRAME_FIRST}))"
    rf"|{_OPENS}(?:(?P<model>{phrases.AS_A_MODEL})|(?P<frame_later>{phrases.FRAME_LATER})"
    rf"|(?P<chatter>{phrases.CHATTER})|(?P<label>(?:{phrases.SPEAKERS})[*_]*\s?[:：]))"
    rf"|(?P<frame_within>{_anywhere(phrases.FRAME_WORDS, phrases.FRAME_SIGNS)})",
    _FLAGS,
)
_REFUSAL = re.compile(
    rf"(?P<first>{_FIRST}(?:{refusals.REFUSAL_FIRST})|^(?:{refusals.NOTHING})$)|{refusals.GAP}"
    rf"|{_anywhere(refusals.REFUSAL_WORDS, refusals.REFUSAL_SIGNS)}",
    _FLAGS,
)
_MODEL = re.compile(phrases.MODELS, _FLAGS)
_SHOWN = 40  # characters of what was found


def find_meta_talk(said: Said) -> Fault | None:
    """Return the fault of an answer about the note, the answer or the model.

    What answers a question may speak of the note.
    """
    for found in _META.finditer(said.text.lower()):
        is_of_note = (found.lastgroup or "").startswith("frame")
        if not (is_of_note and said.question) and not _is_own(found, said):
            retry = "Write about the subject itself; never mention the note, the text or yourself."
            shown = _shown(found, said.text)
            return Fault("meta", f"talks about the note or itself (“{shown}”)", retry)
    return None


def find_refusal(said: Said) -> Fault | None:
    """Return the fault of an answer that refuses, asks back or leaves a gap to fill in."""
    for found in _REFUSAL.finditer(said.text.lower()):
        if not _is_own(found, said):
            retry = "Go by the title and the text as they are; write what is asked for, no more."
            return Fault("refusal", f"is a refusal (“{_shown(found, said.text)}”)", retry)
    return None


def _is_own(found: re.Match[str], said: Said) -> bool:
    """Return whether the words are the title's, or the note's own: then they are its subject.

    Not what only a model says of itself, a label, or how a chat begins; of a note on models,
    words as in "as a language model" need only name one.
    """
    words = fold(_bare(found[0]))
    if words in fold(said.title):
        return True
    if found.lastgroup in ("first", "label", "self"):
        return False
    if found.lastgroup == "model":
        return bool(_models(found[0]) & _models(f"{said.title}\n{said.note}".lower()))
    return words in said.source


def _models(text: str) -> set[str]:
    return set(_MODEL.findall(text))


def _shown(found: re.Match[str], text: str) -> str:
    return _bare(text[found.start() : found.end()])[:_SHOWN]


def _bare(words: str) -> str:
    return " ".join(re.sub(r"^\W+|\W+$", "", words).split())
