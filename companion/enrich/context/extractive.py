"""The note's own sentences: the one that says what it is about, and those that sum it up."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from companion.enrich.checks.meta_talk import is_in_first_person
from companion.enrich.context.sentences import (
    add_short_names,
    find_subtitle,
    is_fragment,
    is_phrase,
    is_self_description,
    is_whole_sentence,
    needs_context,
    share_named,
    stands_alone,
)
from companion.language.statements import is_definition
from companion.language.words import (
    compile_phrases,
    find_sentences,
    find_stems,
    find_tokens,
    is_balanced,
    is_unspaced,
    needs_previous,
    read_paragraphs,
    width,
)
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize import inert_value

if TYPE_CHECKING:
    from companion.llm.encoder import Floats

_SHORTEST = 30  # characters; a Chinese character counts as 2.5
_SENTENCES = 8  # checked at the beginning of the note
_NAMED = 0.6  # of the title's stems that a sentence about its subject has at least; see HISTORY.md
_LONGEST = 10_000  # characters, with links and markup that are removed
_OVER = 1.25  # times the limit, as for a model's answer

# Of an extract; chosen by reading, see HISTORY.md. Likeness is the encoder's, -1 to 1.
_MOST = 3  # sentences
_FEWEST, _READ = 3, 150  # sentences of a note
_OPENINGS = 4  # sentences at the beginning of a note, of which one may be the first
_TOP = 2  # of these, one is enough that names all of the subject
_DEFINITIONS = 12  # of these, if it defines the subject or says what the note is for
_LINKED = 0.4  # of a sentence that recommends other pages: the words that link to them, at least
_SHARE = 0.5  # of the note's text at most
_NEAR, _CENTRAL, _NEAREST = 0.45, 0.53, 0.62  # likeness to the whole text, at least
_NAMED_PARTLY = 0.5  # of the title's stems, for which a sentence need not be _NEAREST
_DOUBLE = 0.8  # likeness of two sentences that say the same
_IS_A = re.compile(
    r"\b(?:is|are|was|were) (?:an?|the|one|all)\b|\b(?:means|refers? to|stands for)\b"
)
_WEB_LINK = re.compile(r"(?<!!)\[([^\[\]\n]+)\]\(<?https?:")
_COLON = re.compile(r"\s?[:：]$")  # a list follows, which the sentence may not need
_DASHES = ("—", "–", "―", "--")


class OwnSentence(NamedTuple):
    """A sentence of a note that stands by itself, sanitized.

    is_about: it is sure to be about the note's subject, because it names that, or the page.
    """

    text: str
    is_about: bool


def extract_sentence(parsed: ParsedNote, title: str, max_characters: int) -> OwnSentence | None:
    """Return the sentence of the note that best says what it is about; None: none does.

    It is the first of the note's opening sentences that stands by itself: whole, not a question,
    and not pointing to another sentence. A sentence after one in the first person usually continues
    it, unless it names the subject.
    """
    is_told = False  # by the author, of themselves
    sentences = list(islice(find_sentences(read_paragraphs(parsed)), _SENTENCES + 1))
    longest = int(max_characters * _OVER)
    for sentence, following in pairwise([*sentences, ""][: _SENTENCES + 1]):
        if following.startswith(_DASHES):  # who said it: it is a quotation
            continue
        value = _read_value(sentence, title, longest) if len(sentence) <= _LONGEST else ""
        is_own = is_in_first_person(value)
        is_told |= is_own
        if is_told and (needs_previous(value) or not share_named(value, title)):
            continue
        is_fit = width(value) >= _SHORTEST and len(value) <= longest
        if is_fit and not is_own and stands_alone(value, title):
            is_subtitle = is_phrase(value) and value in find_subtitle(parsed, [title])
            return OwnSentence(value, is_subtitle or _is_about(value, title))
    return None


def _is_about(sentence: str, title: str) -> bool:
    """Return whether a sentence names the subject, or the page, and says something about it."""
    is_named = share_named(sentence, title) >= _NAMED or is_self_description(sentence)
    return is_named and not set(find_stems(title)).issuperset(find_stems(sentence))


def find_extract(
    parsed: ParsedNote, names: Sequence[str], encode: Callable[[Sequence[str]], Floats]
) -> list[str]:
    """Return one to three of the note's sentences that sum it up, in its order; none: none do.

    The first one says what the subject is or what the note is for, or opens the note. The others
    are closest to the text as a whole, do not repeat each other, and make sense out of context,
    unless the sentence before them is taken, too. At most half of the text is taken. names: of the
    subject, its title first. encode: returns a vector of length 1 for each text, as the rows of a
    matrix.
    """
    names = add_short_names(names)
    candidates, words = _find_candidates(parsed, names, encode)
    openings = sorted((each for each in candidates if each.opens), key=lambda it: not it.defines)
    for opening in openings[:2]:
        extract = [opening]
        while len(extract) < _MOST:
            room = words * _SHARE - sum(width(each.text) for each in extract)
            following = (each for each in candidates if each.number > opening.number)
            fit = [each for each in following if width(each.text) <= room and each.joins(extract)]
            if not fit:
                break
            extract = sorted([*extract, max(fit, key=lambda each: each.nearness)])
        if len(extract) > 1 or opening.is_enough:
            return [each.text for each in extract]
    return []


class _Candidate(NamedTuple):
    """A whole sentence of a note, and what decides whether it may be part of an extract.

    number: among all sentences of the note. nearness: to the whole text, -1 to 1. named: the share
    of the title's stems that it has. defines: it says what the subject is. is_of_note: it says what
    the note is for. is_alone: it makes sense out of context. is_first: the note begins with it, and
    it needs no title or other sentence before it.
    """

    number: int
    paragraph: int
    text: str
    nearness: float
    vector: Any
    named: float = 0.0
    defines: bool = False
    is_of_note: bool = False
    is_alone: bool = False
    is_first: bool = False

    @property
    def is_about(self) -> bool:
        """Whether it is near the note's beginning and names the subject."""
        return self.named >= _NAMED and self.nearness >= _NEAR and self.number < _OPENINGS

    @property
    def opens(self) -> bool:
        """Whether an extract may begin with it."""
        says_what = (self.defines or self.is_of_note) and self.number < _DEFINITIONS
        near = _NEAR if self.named >= _NAMED else _CENTRAL
        is_usual = self.is_first and self.nearness >= near
        return is_usual or (self.is_alone and (self.is_about or says_what))

    @property
    def is_enough(self) -> bool:
        """Whether it may be all of an extract."""
        of_definitions = _OPENINGS if _IS_A.search(self.text) else 1
        return (
            self.is_of_note
            or (self.defines and self.number < of_definitions)
            or (self.is_about and self.named == 1 and self.number < _TOP)
        )

    def joins(self, extract: Sequence[_Candidate]) -> bool:
        """Return whether it adds to the extract: near the subject, understood there, and new."""
        near = _NEAR if self.named >= _NAMED_PARTLY else _NEAREST
        place = (self.number - 1, self.paragraph)
        return (
            self.nearness >= near
            and not self.is_of_note
            and (self.is_alone or any(place == (each.number, each.paragraph) for each in extract))
            and all(self.vector @ each.vector < _DOUBLE for each in extract)
        )


def _find_candidates(
    parsed: ParsedNote, names: Sequence[str], encode: Callable[[Sequence[str]], Floats]
) -> tuple[list[_Candidate], float]:
    """Return what may be part of an extract, in the note's order, and the width of the text."""
    paragraphs = enumerate(read_paragraphs(parsed))
    numbered = ((number, each) for number, text in paragraphs for each in find_sentences([text]))
    sentences = [(number, each[:_LONGEST]) for number, each in islice(numbered, _READ)]
    if len(sentences) < _FEWEST:
        return [], 0.0
    vectors = encode([each for _, each in sentences])
    center = vectors.mean(axis=0)
    nearness = (vectors @ center / (center @ center) ** 0.5).tolist()
    candidates = []
    subtitle = find_subtitle(parsed, names)
    if subtitle:
        candidates.append(
            _Candidate(-1, -1, subtitle, 1.0, vectors[0], is_of_note=True, is_alone=True)
        )
    links = {inert_value(each) for each in _WEB_LINK.findall(parsed.note.text)}
    following = [each for _, each in sentences[1:]] + [""]
    for number, (paragraph, sentence) in enumerate(sentences):
        text, is_quotation = inert_value(sentence), following[number].startswith(_DASHES)
        if not (is_quotation or text in subtitle):
            bare = _Candidate(number, paragraph, text, nearness[number], vectors[number])
            if candidate := _read_candidate(bare, names, links):
                candidates.append(candidate)
    return candidates, sum(width(each) for _, each in sentences)


def _read_candidate(
    bare: _Candidate, names: Sequence[str], links: Collection[str]
) -> _Candidate | None:
    """Return the candidate with what its text shows; None: it may not be part of an extract.

    links: the words that link to other pages.
    """
    number, text, title = bare.number, bare.text, names[0]
    of_note = compile_phrases(r"\A<extract.of_note>\b", re.IGNORECASE)
    general = of_note.sub("The page says", text)  # “this page” is no other place, at its start
    if not is_whole_sentence(general):
        return None
    defines = _defines(text, number, names)
    if not defines and sum(len(each) for each in links if each in text) > _LINKED * len(text):
        return None
    return bare._replace(
        named=max(share_named(text, each) for each in add_short_names([title])),
        defines=defines,
        is_of_note=general != text,
        is_alone=stands_alone(general, title) and not needs_context(general),
        is_first=number == 0 and not (needs_previous(text) or is_fragment(text, title)),
    )


def _defines(text: str, number: int, names: Sequence[str]) -> bool:
    """Return whether the sentence with this number says what the subject is."""
    is_a = _IS_A.search(text)
    if number == 0 and is_a:  # “Rye is a grain” under the title “All about Rye”
        title = {"a", "an", "the", *find_tokens(names[0])}
        if title.issuperset(find_tokens(text[: is_a.start()])):
            return True
    return is_definition(text, names) and (number < _OPENINGS or bool(is_a))


def _read_value(sentence: str, title: str, longest: int) -> str:
    """Return the sentence sanitized; if a definition cannot be used whole, its beginning."""
    value = _without_colon(inert_value(sentence))
    is_fit = len(value) <= longest and not is_in_first_person(value)
    return value if is_fit or not is_definition(value, [title]) else _cut_at_clause(value, longest)


def _without_colon(value: str) -> str:
    """Return the value with its final colon as a full stop, unless it needs what follows."""
    if not _COLON.search(value):
        return value
    lead_in = compile_phrases(
        r"(?:(?<!\w)<sentences.lead_ins>|<sentences.lead_ins_signs>)\s?[:：]$"
    )
    list_ahead = compile_phrases(
        r"\b<sentences.list_ahead>\b|<sentences.list_ahead_signs>", re.IGNORECASE
    )
    if list_ahead.search(value) or lead_in.search(value.casefold()):
        return value
    return _COLON.sub("。" if value.endswith("：") else ".", value)


def _cut_at_clause(definition: str, longest: int) -> str:
    """Return the definition without its last clauses, if it can be cut so that the rest fits."""
    clauses = compile_phrases(
        r" ?[;；]|\s[—–]\s|,\s<sentences.clauses>\b|<sentences.clauses_signs>", re.IGNORECASE
    )
    parts = (definition[: clause.start()] for clause in clauses.finditer(definition, 0, longest))
    whole = [
        part
        for part in parts
        if is_balanced(part) and width(part) >= _SHORTEST and not is_in_first_person(part)
    ]
    return whole[-1] + ("。" if is_unspaced(whole[-1][-1]) else ".") if whole else definition
