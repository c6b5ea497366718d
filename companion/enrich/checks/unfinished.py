"""Answers that break off, or begin in the middle of a sentence."""

from __future__ import annotations

import re

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.checks.shape import LIST_OR_TABLE, unescape
from companion.enrich.sentences import find_sentences
from companion.llm.response import CUT

_LEADS_ON = re.compile(r"^#{1,6} |^\*\*[^*.!?。！？]+\*\*$|[:：]$")
# Without a sign at their end: sentences of Thai, Lao, Burmese and Khmer, and those with an emoji.
_BARE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\U0001f000-\U0001faff]$")
_FINAL = re.compile(r"(?:[.!?…。！？｡؟।॥۔։።;](?<!\.\.\.)(?<!(?<!…)…))[\"'”’»›)\]）】」』*_`|]*$")
_QUOTED = re.compile(r"[\"”’»)\]）】」』》]$")
_BROKEN_OFF = re.compile(r"(?:[,;:\-–—/&+(\[{、，：；（「《]|\.{3}|(?<!…)…)$")
_STARTS_INSIDE = re.compile(r"^(?:[,;)\]}、，。：；！？）」》]|[.:!?](?![^\W_]))")  # not `.NET`
_PAIRS = ("()", "[]", "（）", "「」", "『』", "《》", "“”", "«»")


def find_unfinished(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that breaks off, or begins in the middle of a sentence.

    Only fields of whole sentences need a full stop: people often write descriptions without one.
    """
    text = unescape(answer.text).strip()
    last = text.rsplit("\n", 1)[-1].strip()
    retry = "Write whole sentences, shorter ones, and end the last with a full stop."
    is_list = answer.is_prose and (LIST_OR_TABLE.match(last) or last.endswith("```"))
    may_end = is_list or _BARE.search(last) or (answer.is_prose and _QUOTED.search(last))
    needs_end = answer.field.whole_sentences and not may_end
    if _STARTS_INSIDE.match(text) or (not _FINAL.search(last) and (needs_end or _breaks_off(last))):
        return Fault("unfinished", f"is not a whole sentence (“{last[-40:]}”)", retry)
    return None


def whole_sentences(text: str) -> str:
    """Return text without an unfinished sentence at its end, unless that is the only one."""
    if _FINAL.search(text) or _BARE.search(text):
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
    if _FINAL.search(whole) and not LIST_OR_TABLE.match(last):
        lines.append(whole)
    while lines and (not lines[-1].strip() or _LEADS_ON.search(lines[-1])):
        lines.pop()
    return "\n".join(lines)


def _breaks_off(text: str) -> bool:
    is_open = any(text.count(pair[0]) > text.count(pair[1]) for pair in _PAIRS)
    return is_open or bool(_BROKEN_OFF.search(text))
