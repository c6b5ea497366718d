"""Answers that refuse, or that speak of the model, the note or the task.

The phrases that give them away are in `phrases/`, one file for each language.
"""

from __future__ import annotations

import re

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.language.words import compile_phrases, fold_accents

_BEGINS = r"[^\w(（]{0,5}(?=[\w(（])"
_FIRST = rf"\A{_BEGINS}"  # the answer
_OPENS = rf"(?:\A|[.!?…:]\s{{1,3}}|[。！？：…\n]){_BEGINS}"  # a sentence
# A word, a bracket, or any sign of Chinese, Japanese and Korean: it is faster than to try anywhere.
_WORD = r"(?:\b(?=\w)|(?=[\[\u3005-\u9fff\uac00-\ud7a3\uff00-\uffef]))"
_SHOWN = 40  # characters of a phrase that a fault quotes
_QUOTED = re.compile(r"[“„«「『《][^“”„«»「」『』《》]*[”“»」』》]|\"[^\"\n]*\"")

# For texts in small letters, which is faster than re.IGNORECASE.
_REFUSAL = rf"(?P<begins>{_FIRST}<refusal.begins>)|(?P<within>{_WORD}<refusal.within>)"
_META = (
    rf"(?P<begins>{_FIRST}<meta.begins>)|(?P<opens>{_OPENS}<meta.opens>)"
    rf"|(?P<frames>{_FIRST}<meta.frames>|{_OPENS}<meta.later>)|(?P<within>{_WORD}<meta.within>)"
)
_TASK = rf"(?P<opens>{_OPENS}<task.opens>)|(?P<within>{_WORD}<task.within>)"
_OF_SUBJECT = ("frames", "within")  # allowed if the note says so, too


def find_refusal(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that refuses, asks back or leaves a gap to fill in."""
    if not (words := _find_phrase(_REFUSAL, answer)):
        return None
    retry = "Go by the title and the text as they are; write what is asked for, no more."
    return Fault("refusal", f"is a refusal (“{words}”)", retry)


def find_meta_talk(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer about the note, the answer or the model.

    The answer to a question may speak of the note.
    """
    if not (words := _find_phrase(_META, answer, _OF_SUBJECT)):
        return None
    retry = "Write about the subject itself; never mention the note, the text or yourself."
    return Fault("meta", f"talks about the note or itself (“{words}”)", retry)


def find_task_talk(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that speaks of its task or thinks aloud.

    The answer to a question may speak of words and paragraphs.
    """
    if not (words := _find_phrase(_TASK, answer, _OF_SUBJECT)):
        return None
    retry = "Give the finished text alone: no drafts, no remarks on the task, no instructions."
    return Fault("task", f"speaks of the task (“{words}”)", retry)


def find_first_person(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that says "I", unless its note does.

    In an explanation it means that the model refuses, thinks aloud or makes conversation.
    Quotations are ignored.
    """
    pattern = compile_phrases("<voice.words>", re.MULTILINE)
    match = _find_first_person(answer.text)
    if not match or pattern.search(f"{answer.title}\n{answer.note}"):
        return None
    retry = "Write about the subject itself; never say “I”, and leave out what you think of it."
    return Fault("voice", f"speaks of itself (“{' '.join(match[0].split())}”)", retry)


def is_in_first_person(text: str) -> bool:
    """Return whether a text says “I” outside quotations."""
    return _find_first_person(text) is not None


def _find_first_person(text: str) -> re.Match[str] | None:
    return compile_phrases("<voice.words>", re.MULTILINE).search(_QUOTED.sub(" ", text))


def _find_phrase(pattern: str, answer: CheckedAnswer, unasked: tuple[str, ...] = ()) -> str:
    """Return the first phrase that does not belong to the note's subject; empty if there is none.

    A phrase of the title belongs to it, and so does one of the note, unless it is how a chat
    begins. unasked: the groups of the pattern that the answer to a question may have.
    """
    for match in compile_phrases(pattern).finditer(answer.text.lower()):
        words = " ".join(re.sub(r"^\W+|\W+$", "", match[0]).split())
        own = answer.source if match.lastgroup in _OF_SUBJECT else fold_accents(answer.title)
        if fold_accents(words) not in own and not (answer.question and match.lastgroup in unasked):
            return words[:_SHOWN]
    return ""
