"""Answers that break off, or begin in the middle of a sentence."""

from __future__ import annotations

import re

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.checks.shape import ESCAPE, LIST_OR_TABLE
from companion.enrich.phrases import find_words
from companion.enrich.sentences import find_sentences
from companion.enrich.words import count_unspaced, fold
from companion.llm.response import CUT

_LEADS_ON = re.compile(r"^#{1,6} |^\*\*[^*.!?。！？]+\*\*$|[:：]$")
_CLOSERS = "\"'”’»›)]）】」』*_`|"
_FINAL = ".!?…。！？｡؟।॥۔։።፧។།။"
_GREEK_QUESTION = re.compile(r"[\u0370-\u03ff];$")
# Thai, Lao, Burmese and Khmer: sentences end with a blank, or with nothing.
_ENDS_BARE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]$")
_EMOJI = re.compile("[\u2600-\u27bf\u2b50-\u2b55\U0001f000-\U0001faff]\ufe0f?$")
_QUOTE_OR_BRACKET = re.compile('["”’»)\\]）】」』》]$')
_BROKEN_OFF = re.compile(r"[,;:\-–—/&+(\[{、，：；（「《]$")
_CUT = re.compile(r"(?:\.{3}|(?<!…)…)$")  # …… is how Chinese says "and so on"
_STARTS_INSIDE = re.compile(r"^(?:[,;)\]}、，。：；！？）」》]|[.:!?](?![^\W_]))")  # not `.NET`
_BRACKETS = ("()", "[]", "（）", "「」", "『』", "《》", "“”", "«»")
_WORD = re.compile(r"[^\W\d_]+$")

_RETRY = "Write whole sentences, shorter ones, and end the last with a full stop."


def find_unfinished(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that breaks off, or begins in the middle of a sentence.

    Only fields of whole sentences need a full stop: people often write descriptions without one.
    """
    text = ESCAPE.sub(r"\1", answer.text).strip()
    last = text.rsplit("\n", 1)[-1].strip()
    if _STARTS_INSIDE.match(text):
        return _make_fault(text[:40], "Begin with the beginning of a sentence.")
    if answer.is_prose and (LIST_OR_TABLE.match(last) or last.endswith("```")):
        is_whole = any(map(str.isalpha, last)) and not _breaks_off(last)
        return None if is_whole or last[-1] in "|`" else _make_fault(last[-40:], _RETRY)
    ends_bare = _ENDS_BARE.search(last) or _EMOJI.search(last)
    ends_bare = ends_bare or (_QUOTE_OR_BRACKET.search(last) if answer.is_prose else None)
    needs_end = answer.field.whole_sentences and not ends_bare
    if not _is_final(last) and (
        needs_end or _breaks_off(last) or _is_cut_in_word(last, answer.source)
    ):
        return _make_fault(last[-40:], _RETRY)
    return None


def whole_sentences(text: str) -> str:
    """Return text without an unfinished sentence at its end, unless that is the only one."""
    if _is_final(text) or _ENDS_BARE.search(text):
        return text
    *whole, rest = find_sentences([text]) if text else [text]
    return text[: len(text.rstrip()) - len(rest)].rstrip() if whole else text


def without_cut(text: str) -> str:
    """Return a callout's text without its unfinished end, if the answer was cut off (see CUT).

    The whole sentences of the last paragraph stay, or the whole items of a list. A heading and a
    line with a colon at the end do not stay last.
    """
    if not text.endswith(CUT):
        return text
    lines = text.split("\n")
    last = lines.pop()
    whole = whole_sentences(last)
    if _is_final(whole) and not LIST_OR_TABLE.match(last):
        lines.append(whole)
    while lines and (not lines[-1].strip() or _LEADS_ON.search(lines[-1])):
        lines.pop()
    return "\n".join(lines)


def _is_final(text: str) -> bool:
    bare = text.rstrip(_CLOSERS)
    is_final = bare[-1:] in tuple(_FINAL) or bool(_GREEK_QUESTION.search(bare))
    return is_final and not _CUT.search(bare)


def _breaks_off(text: str) -> bool:
    if (
        _BROKEN_OFF.search(text)
        or _CUT.search(text)
        or text.endswith(tuple(find_words("unfinished", "no_last_signs")))
    ):
        return True
    word = _WORD.search(text.casefold())
    if word and word[0] in find_words("unfinished", "no_last_words") and " " in text:
        return True
    return any(text.count(pair[0]) > text.count(pair[1]) for pair in _BRACKETS)


def _is_cut_in_word(text: str, source: str) -> bool:
    """Return whether text ends in the beginning of a word that the note has only whole."""
    found = _WORD.search(text)
    word = fold(found[0]) if found and not count_unspaced(found[0]) else ""
    return (
        len(word) > 2
        and bool(re.search(rf"\b{re.escape(word)}[^\W\d_]{{2}}", source))
        and not re.search(rf"\b{re.escape(word)}\b", source)
    )


def _make_fault(where: str, retry: str) -> Fault:
    return Fault("unfinished", f"is not a whole sentence (“{where}”)", retry)
