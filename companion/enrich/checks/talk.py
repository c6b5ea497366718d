"""Answers that refuse, or that speak of the model, the note or the task.

The phrases that give them away are in `language/phrases/`, one file for each language.
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
_VOICE = "<voice.words>"

# For texts in small letters, which is faster than re.IGNORECASE.
_REFUSAL = rf"(?P<begins>{_FIRST}<refusal.begins>)|(?P<within>{_WORD}<refusal.within>)"
_TALK = (
    rf"(?P<begins>{_FIRST}<meta.begins>)|(?P<opens>{_OPENS}(?:<meta.opens>|<task.opens>))"
    rf"|(?P<frames>{_FIRST}<meta.frames>|{_OPENS}<meta.later>)"
    rf"|(?P<within>{_WORD}(?:<meta.within>|<task.within>))"
)
_OF_SUBJECT = ("frames", "within")  # allowed if the note says so, too; and in answers to questions


def find_talk(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that refuses, speaks of the note, the task or itself.

    The answer to a question may speak of the note.
    """
    if words := _find_phrase(_REFUSAL, answer):
        retry = "Go by the title and the text as they are; write what is asked for, no more."
        return Fault("talk", f"is a refusal (“{words}”)", retry)
    if words := _find_phrase(_TALK, answer, () if not answer.question else _OF_SUBJECT):
        retry = "Give the finished text about the subject alone; never mention the note, or a task."
        return Fault("talk", f"talks about the note, the task or itself (“{words}”)", retry)
    said = find_first_person(answer.text)
    if said and not compile_phrases(_VOICE, re.MULTILINE).search(f"{answer.title}\n{answer.note}"):
        retry = "Write about the subject itself; never say “I”, and leave out what you think of it."
        return Fault("talk", f"speaks of itself (“{said}”)", retry)
    return None


def find_first_person(text: str) -> str:
    """Return where a text says “I” outside quotations; empty if it does not."""
    match = compile_phrases(_VOICE, re.MULTILINE).search(_QUOTED.sub(" ", text))
    return " ".join(match[0].split()) if match else ""


def _find_phrase(pattern: str, answer: CheckedAnswer, allowed: tuple[str, ...] = ()) -> str:
    """Return the first phrase that does not belong to the note's subject; empty if there is none.

    A phrase of the title belongs to it, and so does one of the note, unless it is how a chat
    begins. allowed: groups of the pattern.
    """
    for match in compile_phrases(pattern).finditer(answer.text.lower()):
        words = " ".join(re.sub(r"^\W+|\W+$", "", match[0]).split())
        own = answer.source if match.lastgroup in _OF_SUBJECT else fold_accents(answer.title)
        if fold_accents(words) not in own and match.lastgroup not in allowed:
            return words[:_SHOWN]
    return ""
