"""Does the model speak of itself, of the note or of its task, or does it refuse?

What models say then is in `phrases/`, a file a language.
"""

from __future__ import annotations

import re
from functools import cache

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.phrases import join_phrases
from companion.enrich.words import fold

_BEGINS = r"[^\w(（]{0,5}(?=[\w(（])"
_FIRST = rf"\A{_BEGINS}"  # the answer
_OPENS = rf"(?:\A|[.!?…:]\s{{1,3}}|[。！？：…\n]){_BEGINS}"  # a sentence
_SIGN = "(?=[\u3005-\u9fff\uac00-\ud7a3\uff00-\uffef])"  # Chinese, Japanese, Korean
_DRAFT_OPENS = r"(?:\A|[.!?…:)\n]\s{0,3}|[。！？：])\W{0,3}"
_USER_OPENS = r"(?:\A|[.!?]\s|[。！？]|\n)"
_SHOWN = 40  # characters of what was found

_QUOTED = re.compile(r"[“„«「『《][^“”„«»「」『』《》]*[”“»」』》]|\"[^\"\n]*\"")
_BLANK_LINES = re.compile(r"\n{3,}")  # each beginning of a line costs the patterns time

_SURE_SIGNS = (
    "count",
    "paragraphs",
    "sentences",
    "user",
    "lists",
    "only",
    "fresh",
    "keepers",
    "orders",
    "unsure",
    "draft",
    "aloud",
)
_SIGNS_BY_CHANCE = (
    "friend",
    "explain",
    "plain",
    "subject",
    "stop",
    "twice",
    "heading",
    "facts",
    "paragraph",
    "whole",
    "words",
    "note",
    "mention",
)
_ENOUGH = 3  # signs that an explanation may hold by chance; of the sure ones one is enough
_TASK_RETRY = "Give the finished text alone: no drafts, no remarks on the task, no instructions."
_NEVER_IN_ANSWERS = ("user", "draft", "aloud")  # signs that no answer to a question holds


def find_first_person(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that says "I", where its note does not.

    Then it is the model that speaks: whoever explains a subject has no need to; who refuses, thinks
    aloud or makes conversation does. Quotations are left out.
    """
    pattern = _first_person()
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

    What answers a question may speak of the note.
    """
    for found in _meta_talk().finditer(answer.text.lower()):
        is_of_note = (found.lastgroup or "").startswith("frame")
        if not (is_of_note and answer.question) and not _is_subject(found, answer):
            retry = "Write about the subject itself; never mention the note, the text or yourself."
            reason = f"talks about the note or itself (“{_quote(found, answer.text)}”)"
            return Fault("meta", reason, retry)
    return None


def find_refusal(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that refuses, asks back or leaves a gap to fill in."""
    for found in _refusal().finditer(answer.text.lower()):
        if not _is_subject(found, answer):
            retry = "Go by the title and the text as they are; write what is asked for, no more."
            return Fault("refusal", f"is a refusal (“{_quote(found, answer.text)}”)", retry)
    return None


def find_task_talk(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer that speaks of what was asked for, or thinks aloud.

    Words that the note or its title has are the subject's. What answers a question may speak of
    words and paragraphs, but not think aloud.
    """
    text = _BLANK_LINES.sub("\n\n", answer.text.lower())
    sure, by_chance = _task_talk()
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
    """Return whether the words are the title's, or the note's own: then they are its subject.

    Not what only a model says of itself, a label, or how a chat begins; of a note on models,
    words as in "as a language model" need only name one.
    """
    words = fold(_trim(found[0]))
    if words in fold(answer.title):
        return True
    if found.lastgroup in ("first", "label", "self"):
        return False
    if found.lastgroup == "model":
        models = _models()
        named = set(models.findall(found[0]))
        return bool(named.intersection(models.findall(f"{answer.title}\n{answer.note}".lower())))
    return words in answer.source


def _quote(found: re.Match[str], text: str) -> str:
    return _trim(text[found.start() : found.end()])[:_SHOWN]


def _trim(words: str) -> str:
    return " ".join(re.sub(r"^\W+|\W+$", "", words).split())


# Patterns are for small letters, which is faster than re.IGNORECASE.


@cache
def _first_person() -> re.Pattern[str]:
    return re.compile(join_phrases("voice", "words"), re.MULTILINE)  # of text as it is


@cache
def _meta_talk() -> re.Pattern[str]:
    def phrases(name: str) -> str:
        return f"(?:{join_phrases('meta', name)})"

    return re.compile(
        rf"(?P<self>{_anywhere('meta', 'self')})"
        rf"|{_FIRST}(?:(?P<first>{phrases('first')})|(?P<frame>{phrases('frame_first')}))"
        rf"|{_OPENS}(?:(?P<model>{phrases('model')})|(?P<frame_later>{phrases('frame_later')})"
        rf"|(?P<chatter>{phrases('chatter')})|(?P<label>{phrases('label')}[*_]*\s?[:：]))"
        rf"|(?P<frame_within>{_anywhere('meta', 'frame_within')})",
        re.MULTILINE,
    )


@cache
def _refusal() -> re.Pattern[str]:
    return re.compile(
        rf"(?P<first>{_FIRST}(?:{join_phrases('refusal', 'first')})"
        rf"|^\(?(?:{join_phrases('refusal', 'nothing')})\)?[.。]?$)"
        rf"|{join_phrases('refusal', 'gap')}|{_anywhere('refusal', 'anywhere')}",
        re.MULTILINE,
    )


@cache
def _models() -> re.Pattern[str]:
    """Return the pattern of language models, which a note on them names, too."""
    return re.compile(
        rf"(?<![a-zа-я])(?:{join_phrases('meta', 'model_short')})"
        rf"(?:[ -]?(?:{join_phrases('meta', 'model_kind')}))?(?![a-zа-я])"
        rf"|{join_phrases('meta', 'models')}",
    )


@cache
def _task_talk() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of the sure signs and of those that may stand there by chance."""
    sure = {name: join_phrases("task.sure", name) for name in _SURE_SIGNS}
    sure["user"] = f"{_USER_OPENS}(?:{sure['user']})"
    sure["draft"] = f"{_DRAFT_OPENS}(?:{sure['draft']}) ?[)）]?[:：]"
    first = join_phrases("task.sure", "aloud_first")
    sure["aloud"] = f"{_DRAFT_OPENS}(?:{first})|{sure['aloud']}"
    by_chance = {name: join_phrases("task.by_chance", name) for name in _SIGNS_BY_CHANCE}
    return _named(sure), _named(by_chance)


def _named(groups: dict[str, str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{name}>{words})" for name, words in groups.items()), re.M)


def _anywhere(section: str, name: str) -> str:
    """Return a pattern that tries phrases only where a word begins, or at a sign: it is faster."""
    words, signs = join_phrases(section, name), join_phrases(section, f"{name}_signs")
    return rf"\b(?:{words})|{_SIGN}(?:{signs})"
