"""Answers that speak of the model, the note or the task, or that refuse.

The phrases by which they are known are in `phrases/`, one file for each language.
"""

from __future__ import annotations

import re

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.phrases import compile_phrases
from companion.enrich.words import fold

_BEGINS = r"[^\w(（]{0,5}(?=[\w(（])"
_FIRST = rf"\A{_BEGINS}"  # the answer
_OPENS = rf"(?:\A|[.!?…:]\s{{1,3}}|[。！？：…\n]){_BEGINS}"  # a sentence
_SIGN = "(?=[\u3005-\u9fff\uac00-\ud7a3\uff00-\uffef])"  # Chinese, Japanese, Korean
_DRAFT_OPENS = r"(?:\A|[.!?…:)\n]\s{0,3}|[。！？：])\W{0,3}"
_SHOWN = 40  # characters of a phrase that a fault quotes

_QUOTED = re.compile(r"[“„«「『《][^“”„«»「」『』《》]*[”“»」』》]|\"[^\"\n]*\"")
_BLANK_LINES = re.compile(r"\n{3,}")  # patterns are tried at every line, which takes time


def _anywhere(name: str) -> str:
    """Return a pattern that is tried only where a word begins, or at a sign: it is faster."""
    return rf"\b<{name}>|{_SIGN}<{name}_signs>"


def _group(section: str, names: str) -> str:
    return "|".join(f"(?P<{name}><{section}.{name}>)" for name in names.split())


# For texts in small letters, which is faster than re.IGNORECASE.
_META = (
    rf"(?P<self>{_anywhere('meta.self')})"
    rf"|{_FIRST}(?:(?P<first><meta.first>)|(?P<frame><meta.frame_first>))"
    rf"|{_OPENS}(?:(?P<model><meta.model>)|(?P<frame_later><meta.frame_later>)"
    rf"|(?P<chatter><meta.chatter>)|(?P<label><meta.label>[*_]*\s?[:：]))"
    rf"|(?P<frame_within>{_anywhere('meta.frame_within')})"
)
_MODELS = r"(?<![a-zа-я])<meta.model_short>(?:[ -]?<meta.model_kind>)?(?![a-zа-я])|<meta.models>"
_REFUSAL = (
    rf"(?P<first>{_FIRST}<refusal.first>|^\(?<refusal.nothing>\)?[.。]?$)"
    rf"|<refusal.gap>|{_anywhere('refusal.anywhere')}"
)
_SURELY_TASK = (
    _group("task.sure", "count paragraphs sentences")
    + r"|(?P<user>(?:\A|[.!?]\s|[。！？]|\n)<task.sure.user>)|"
    + _group("task.sure", "lists only fresh keepers orders unsure")
    + rf"|(?P<draft>{_DRAFT_OPENS}<task.sure.draft> ?[)）]?[:：])"
    rf"|(?P<aloud>{_DRAFT_OPENS}<task.sure.aloud_first>|<task.sure.aloud>)"
)
_MAYBE_TASK = _group(
    "task.by_chance",
    "friend explain plain subject stop twice heading facts paragraph whole words note mention",
)
_ENOUGH = 3  # signs that an explanation may hold by chance; of the sure ones one is enough
_TASK_RETRY = "Give the finished text alone: no drafts, no remarks on the task, no instructions."
_NEVER_IN_ANSWERS = ("user", "draft", "aloud")  # signs that no answer to a question holds


def find_first_person(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that says "I", where its note does not.

    An explanation has no need of it: then the model refuses, thinks aloud or makes conversation.
    Quotations are not looked at.
    """
    pattern = compile_phrases("<voice.words>", re.MULTILINE)
    found = pattern.search(_QUOTED.sub(" ", answer.text))
    if not found or pattern.search(f"{answer.title}\n{answer.note}"):
        return None
    reason = f"speaks of itself (“{' '.join(found[0].split())}”)"
    retry = (
        "Write about the subject itself; never say “I”, and leave out what you think of the task."
    )
    return Fault("voice", reason, retry)


def find_meta_talk(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer about the note, the answer or the model.

    The answer to a question may speak of the note.
    """
    for found in compile_phrases(_META, re.MULTILINE).finditer(answer.text.lower()):
        is_of_note = (found.lastgroup or "").startswith("frame")
        if not (is_of_note and answer.question) and not _is_subject(found, answer):
            retry = "Write about the subject itself; never mention the note, the text or yourself."
            reason = f"talks about the note or itself (“{_quote(found, answer.text)}”)"
            return Fault("meta", reason, retry)
    return None


def find_refusal(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that refuses, asks back or leaves a gap to fill in."""
    for found in compile_phrases(_REFUSAL, re.MULTILINE).finditer(answer.text.lower()):
        if not _is_subject(found, answer):
            retry = "Go by the title and the text as they are; write what is asked for, no more."
            return Fault("refusal", f"is a refusal (“{_quote(found, answer.text)}”)", retry)
    return None


def find_task_talk(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that speaks of its task or thinks aloud.

    Phrases that the note or its title has, too, belong to the subject. The answer to a question may
    speak of words and paragraphs, but not think aloud.
    """
    text = _BLANK_LINES.sub("\n\n", answer.text.lower())
    sure = compile_phrases(_SURELY_TASK, re.MULTILINE)
    by_chance = compile_phrases(_MAYBE_TASK, re.MULTILINE)
    signs: set[str] = set()
    for pattern in (sure,) if answer.question else (sure, by_chance):
        for found in pattern.finditer(text):
            sign = found.lastgroup or ""
            if answer.question and sign not in _NEVER_IN_ANSWERS:
                continue
            if fold(re.sub(r"^\W+|\W+$", "", found[0])) in answer.source:
                continue
            signs.add(sign)
            if pattern is sure or len(signs) >= _ENOUGH:
                words = " ".join(found[0].split()).strip(".:!?。：！？ ")[:_SHOWN]
                return Fault("task", f"speaks of the task (“{words}”)", _TASK_RETRY)
    return None


def _is_subject(found: re.Match[str], answer: CheckedAnswer) -> bool:
    """Return whether the words stand in the title or the note, and so belong to its subject.

    What only a model says of itself, labels, and how a chat begins must stand in the title. In a
    note on models, phrases such as "as a language model" need only name the same model.
    """
    words = fold(_trim(found[0]))
    if words in fold(answer.title):
        return True
    if found.lastgroup in ("first", "label", "self"):
        return False
    if found.lastgroup == "model":
        models = compile_phrases(_MODELS)
        named = set(models.findall(found[0]))
        return bool(named.intersection(models.findall(f"{answer.title}\n{answer.note}".lower())))
    return words in answer.source


def _quote(found: re.Match[str], text: str) -> str:
    return _trim(text[found.start() : found.end()])[:_SHOWN]


def _trim(words: str) -> str:
    return " ".join(re.sub(r"^\W+|\W+$", "", words).split())
