"""What is done because a model is small: the author's words come first, others need evidence.

A small model makes much up. A sentence of the note that names its subject is as good a description
as its answer, so the model is not asked for one. Where it is asked, the words of its answer must
stand in the note or in what links to it: a sentence of a callout that says something else is left
out, and what is mostly made up waits until somebody has looked at it. Where both say too little,
nothing is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, pairwise

from companion.language.words import (
    UNSPACED,
    compile_phrases,
    find_sentences,
    find_stems,
    find_tokens,
    fold_accents,
    is_balanced,
    is_unspaced,
    needs_previous,
    read_paragraphs,
    width,
)
from companion.note.note import ParsedNote
from companion.note.safe_line import without_links
from companion.note.safe_text import inert_value
from companion.note.tags import has_only_tags

_SHORTEST = 30  # letters of a description; a Chinese character counts as 2.5
_SENTENCES = 8  # at the beginning of a note, of which one may be its description
_NAMED = 0.6  # of the words of a title, in a sentence about it
_FIRST_WORDS = 7  # beside the title's, in which a sentence about it names it
_TOKEN_ENDS = re.compile(rf"(?<=\s)|(?<=[{UNSPACED}])")
_PROSE = 0.75  # of the characters of prose are letters
_WHOLE = re.compile(r"^[\"'“‘«„「『《(（¿¡]*[^\W_].*[.!。！][\"'”’»)\]」』）]*$")
_DASHES = ("—", "–", "―", "--")  # before the name of who said it

_ENOUGH = 160  # letters about a subject, under which a callout would mostly be made up
_UNSUPPORTED = 0.3  # of a sentence's content words, from which on it says something new


def find_own_sentence(parsed: ParsedNote, title: str, max_characters: int) -> str | None:
    """Return the first sentence of the note that may be its description, sanitized; None: none may.

    It begins with the title's words, or nearly so, and says more. It is a whole sentence of prose
    that needs no other one.
    """
    sentences = list(islice(find_sentences(read_paragraphs(parsed)), _SENTENCES + 1))
    for sentence, following in pairwise([*sentences[: _SENTENCES + 1], ""]):
        value = inert_value(sentence)
        is_fit = width(value) >= _SHORTEST and len(value) <= max_characters * 1.25
        is_quotation = following.startswith(_DASHES)
        if is_fit and not is_quotation and _stands_alone(value) and _names(value, title):
            return value
    return None


def _stands_alone(value: str) -> bool:
    voice = compile_phrases("<voice.words>", re.MULTILINE)
    share = sum(each.isalpha() or each == " " for each in value) / len(value)
    is_lower = value[0].islower() and not is_unspaced(value[0])
    return bool(
        _WHOLE.match(value)
        and share >= _PROSE
        and is_balanced(value)
        and not is_lower
        and not needs_previous(value)
        and not voice.search(value)
    )


def _names(value: str, title: str) -> bool:
    """Return whether the value begins with most words of the title, and has others."""
    named = set(find_stems(title)) or set(find_tokens(title))
    start = "".join(islice(_TOKEN_ENDS.split(value), _FIRST_WORDS + len(named)))
    words = {*find_stems(start), *find_tokens(start)}
    is_named = len(named & words) >= _NAMED * max(1, len(named))
    return bool(named) and is_named and not named.issuperset(find_stems(value))


def find_too_little(parsed: ParsedNote, title: str, others: Iterable[str], model: str) -> str:
    """Return why there is too little to write a callout from; empty if there is enough.

    What counts is the note's text, without headings, tags, AI callouts and the title, and others:
    what notes that link to it say. model: the small model's name.
    """
    if sum(map(width, (*_own_texts(parsed), *others))) >= _ENOUGH:
        return ""
    subject = f"“{title}”" if title else "its subject"
    return (
        f"no callout: the note and those that link to it say too little about {subject} for a"
        f" small model such as {model}; add a line of text, or choose a larger model"
    )


def says_nothing(parsed: ParsedNote, others: Iterable[str]) -> bool:
    """Return whether the note is a title alone, and nothing is said about it elsewhere."""
    return not any(each for each in (*_own_texts(parsed), *others))


def _own_texts(parsed: ParsedNote) -> Iterator[str]:
    """Yield the lines of the note's text, without headings, tags and AI callouts."""
    answers = parsed.callout_lines
    for number, line in enumerate(parsed.lines):
        is_text = line.kind in ("text", "code", "math", "html") and number not in answers
        if is_text and not has_only_tags(line):
            yield without_links(line.visible[line.content :]).strip()


def find_unsupported(value: str | Sequence[str], title: str, sources: str) -> list[str]:
    """Return the content words of sentences that say what title and sources do not.

    value: a text, or the lines of a callout. A content word has five letters or more, or is a pair
    of signs of a script without spaces. Words are the same if they begin alike.
    """
    new = _unsupported_words([value] if isinstance(value, str) else value, title, sources)
    return list(dict.fromkeys(chain.from_iterable(new.values())))


def leave_unsupported_out(lines: Sequence[str], title: str, sources: str) -> list[str]:
    """Return the lines of a callout without the sentences that find_unsupported finds.

    All of them are returned if less than half, or a beginning that needs what was before, is left.
    """
    unsupported, left = _unsupported_words(lines, title, sources), list[str]()
    for line in lines:
        kept = line
        for sentence in find_sentences([line]):
            if sentence in unsupported:
                kept = kept.replace(sentence, "", 1)
        if kept == line or kept.strip():
            left.append(" ".join(kept.split()) if kept != line else line)
    text = "\n".join(left).strip()
    is_enough = 2 * width(text) >= width("\n".join(lines))
    return text.split("\n") if is_enough and not needs_previous(text) else list(lines)


def _unsupported_words(lines: Iterable[str], title: str, sources: str) -> dict[str, list[str]]:
    """Return the sentences that say something new, with their new content words."""
    known, same = set(find_stems(f"{title}\n{sources}")), fold_accents(f"{title}\n{sources}")
    found = dict[str, list[str]]()
    for sentence in find_sentences(lines):
        plain = without_links(sentence)
        words = {stem: stem for stem in find_stems(plain)}
        words |= {stem: word for word in find_tokens(plain) for stem in find_stems(word)}
        new = [word for stem, word in words.items() if stem not in known and stem not in same]
        if len(new) > _UNSUPPORTED * len(words):
            found[sentence] = new
    return found
