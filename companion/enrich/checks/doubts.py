"""Why an answer should wait: it obeys the note, or is about something else.

Nothing here rejects an answer. The words are in `language/phrases/`, one file for each language.
"""

from __future__ import annotations

import re

from companion.enrich.checks.content import find_shared_run
from companion.enrich.checks.facts import find_initials
from companion.enrich.checks.shape import CheckedAnswer
from companion.language.detection import find_other_language
from companion.language.words import (
    compile_phrases,
    find_sentences,
    find_stems,
    find_tokens,
)


def find_doubt(answer: CheckedAnswer) -> str:
    """Return in words why the user should see a text before it is written; empty: nothing.

    Something new is no doubt: a model may know more than the note says.
    """
    return find_obeyed_order(answer) or find_address(answer) or find_other_subject(answer)


_ON_SUBJECT = 0.2  # of the content words, from which on a text shares the note's subject
_NAMING = 0.12  # the same, where it has a part of the title only
_SHORT_NAME = re.compile(r"\b[A-Z][A-Z0-9]+\b")
_ENOUGH_WORDS = 6  # content words, below which nothing tells


def find_other_subject(answer: CheckedAnswer) -> str:
    """Return that the answer shares neither the title's words nor the note's; empty if it does."""
    stems, asked = set(find_stems(answer.text)), f"{answer.title}\n{answer.question}"
    titles = set(find_stems(asked)) or set(find_tokens(asked))
    said = stems | set(find_tokens(answer.text))
    short = {each.casefold() for each in _SHORT_NAME.findall(answer.title)}
    initials = {find_initials(answer.title)} - {""}  # BGP, of the Border Gateway Protocol
    if said & (short | initials):
        return ""
    named = len(titles & said) / max(1, len(titles))
    other = answer.language and find_other_language(answer.words, answer.language)
    if len(stems) < _ENOUGH_WORDS or named >= 1 / 2 or other:
        return ""
    source = answer.source
    shared = sum(stem in source for stem in stems) / len(stems)
    if shared >= (_NAMING if named else _ON_SUBJECT):
        return ""
    return "is hardly about the note's subject"


_ADDRESS = re.compile(
    r"(?:https?://|\bwww\.)[^\s()<>\"”’]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\b(?!asp\.net)[a-z0-9-]+(?:\.[a-z0-9-]+)*"
    r"\.(?:com|org|net|io|dev|app|xyz|info|biz|site|online|shop|ru|cn)\b(?:/[^\s()<>\"”’]*)?"
)


def find_address(answer: CheckedAnswer) -> str:
    """Return an address that is new, or that the answer sends its readers to; empty: none."""
    for sentence in find_sentences(answer.raw.split("\n")):
        for match in _ADDRESS.finditer(sentence):
            address = match[0].rstrip(".,;:")
            if address.casefold() in answer.title.casefold():
                continue
            if address not in answer.note or _is_order(sentence):
                return f"names an address ({address[:40]})"
    return ""


def _is_order(sentence: str) -> bool:
    return bool(compile_phrases(r"(?:<orders.imperatives>)").search(sentence.casefold()))


_OBEYED = 4, 7  # words of an order, and signs of scripts without spaces, that obeying repeats
_MAINLY = 0.6  # of an answer's words, in one sentence of the note


def find_obeyed_order(answer: CheckedAnswer) -> str:
    """Return the words of an instruction in the note that the answer follows; empty: none.

    That is what is said to a model, with the next sentence; or a step for the reader that is nearly
    the whole answer. An answer that begins by calling on its readers is as bad.
    """
    sentences = list(find_sentences(answer.note.split("\n")))
    pattern = compile_phrases(r"(?:<orders.to_models>)")
    orders, others = list[str](), [answer.title]
    follows = False
    for sentence in sentences:
        is_order = bool(pattern.search(sentence.casefold()))
        (orders if is_order or follows else others).append(sentence)
        follows = is_order
    if orders and (run := find_shared_run(answer.text, "\n".join(orders), others, _OBEYED)):
        return f"follows an instruction in the note (“{run}”)"
    if appeal := compile_phrases(r"\W*(?:<orders.appeals>)").match(answer.text.casefold()):
        return f"calls on its readers (“{appeal[0]}”)"
    begins = compile_phrases(r"\W*(?:<orders.imperatives>)")
    tokens = find_tokens(answer.text)
    if begins.match(answer.text.casefold()) and not begins.match(answer.title.casefold()):
        for sentence in sentences:
            words = set(find_tokens(sentence))
            if begins.match(sentence.casefold()) and (
                sum(token in words for token in tokens) >= _MAINLY * len(tokens)
            ):
                return "is a step from the note rather than about it"
    return ""
