"""The note's own sentences: the one that says what it is about, and those that sum it up."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from companion.enrich.checks.meta_talk import is_in_first_person
from companion.enrich.statements import is_definition
from companion.enrich.words import (
    compile_phrases,
    count_unspaced,
    find_sentences,
    find_stems,
    find_tokens,
    is_balanced,
    is_unspaced,
    needs_previous,
    plain_text,
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
_SHORTEST_EXTRACT, _LONGEST_EXTRACT = 40, 300  # characters of a sentence
_SHARE = 0.5  # of the note's text at most
_LETTERS = 0.85  # of a sentence's characters that are letters or blanks, at least
_NEAR, _CENTRAL, _NEAREST = 0.45, 0.53, 0.62  # likeness to the whole text, at least
_NAMED_PARTLY = 0.5  # of the title's stems, for which a sentence need not be _NEAREST
_DOUBLE = 0.8  # likeness of two sentences that say the same
_LABEL = re.compile(r"[\w'’ ()/-]{1,30}[:：]|[^.,:]{1,60}: [A-Z]")
_IS_A = re.compile(
    r"\b(?:is|are|was|were) (?:an?|the|one|all)\b|\b(?:means|refers? to|stands for)\b"
)
_VERBS = r"(?:is|are|was|were|has|have|can|may|will)\b"  # of a sentence
_PHRASE = re.compile(
    rf"An? (?!lot )(?:(?!{_VERBS}|[\w'’-]+s )[\w'’-]+,? ){{1,5}}"
    r"(?:of|that|which|who|where|for|to|in|on|at|from|with|by|between|used|designed|based|made)\b"
)
_WEB_LINK = re.compile(r"(?<!!)\[([^\[\]\n]+)\]\(<?https?:")
_ONLY_LINK = re.compile(r"\s*\[.*\](?:\([^()]*\))?\s*")
_TWO_LINES = re.compile(r"\w[)]? (?:The|You|It|A|An|This|If|They|There|We|In|For) [a-z]+ ")

_COMPLETE = re.compile(r"[.!。！][\"'”’»)\]」』）]*$")
_BARE_END = re.compile(r"[\w)）`”»]$")
_OPENING = re.compile(r"[\"'“‘«„「『《(（¿¡]*[^\W_]")
_COLON = re.compile(r"\s?[:：]$")  # a list follows, which the sentence may not need
_DASHES = ("—", "–", "―", "--")
_QUOTES = "\"'“‘«„「『《(（¿¡"


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
        if is_told and (needs_previous(value) or not _share_named(value, title)):
            continue
        is_fit = width(value) >= _SHORTEST and len(value) <= longest
        if is_fit and not is_own and _stands_alone(value, title):
            is_subtitle = _PHRASE.match(value) and value in _find_subtitle(parsed, [title])
            return OwnSentence(value, bool(is_subtitle) or _is_about(value, title))
    return None


def _is_about(sentence: str, title: str) -> bool:
    """Return whether a sentence names the subject, or the page, and says something about it."""
    is_named = _share_named(sentence, title) >= _NAMED or is_self_description(sentence)
    return is_named and not set(find_stems(title)).issuperset(find_stems(sentence))


def _share_named(sentence: str, title: str) -> float:
    """Return the share of the title's stems, or else of its words, that a sentence has."""
    named = set(find_stems(title)) or set(find_tokens(title))
    return len(named & {*find_stems(sentence), *find_tokens(sentence)}) / max(1, len(named))


def find_extract(
    parsed: ParsedNote, names: Sequence[str], encode: Callable[[Sequence[str]], Floats]
) -> list[str]:
    """Return one to three of the note's sentences that sum it up, in its order; none: none do.

    The first one says what the subject is or what the note is for, or opens the note. The others
    are nearest to the whole text, are no near doubles, and make sense away from what stands around
    them, unless the sentence before them is taken, too. At most half of the text is taken. names:
    of the subject, its title first. encode: returns a vector of length 1 for each text, as the rows
    of a matrix.
    """
    names = _add_short(names)
    candidates, words = _find_candidates(parsed, names, encode)
    openings = sorted(
        (each for each in candidates if each.opens), key=lambda each: not each.defines
    )
    for opening in openings[:2]:
        taken = [opening]
        while len(taken) < _MOST:
            room = words * _SHARE - sum(width(each.text) for each in taken)
            fit = [
                each
                for each in candidates
                if each.number > opening.number
                and each.is_near
                and (each.is_alone or any(each.follows(other) for other in taken))
                and width(each.text) <= room
                and all(each.vector @ other.vector < _DOUBLE for other in taken)
            ]
            if not fit:
                break
            taken = sorted([*taken, max(fit, key=lambda each: each.nearness)])
        if len(taken) > 1 or opening.is_enough:
            return [each.text for each in taken]
    return []


def _add_short(names: Sequence[str]) -> list[str]:
    """Return the names, and what stands in them before a colon, a dash or a bracket."""
    short = [re.split(r"\s*[:：(（]|\s[-–—]\s", name, maxsplit=1)[0] for name in names]
    return [*names, *(each for each in short if each not in names and find_stems(each))]


class _Candidate(NamedTuple):
    """A whole sentence of a note, and its number among all of them.

    opens: an extract may begin with it. defines: it says what the subject is. is_enough: it may be
    all of an extract. is_near: it is near enough to the whole text, or names the subject. is_alone:
    it makes sense away from its place. nearness: -1 to 1.
    """

    number: int
    paragraph: int
    text: str
    opens: bool
    defines: bool
    is_enough: bool
    is_near: bool
    is_alone: bool
    nearness: float
    vector: Any

    def follows(self, other: _Candidate) -> bool:
        """Return whether it is the sentence after the other in the same paragraph."""
        return (self.number, self.paragraph) == (other.number + 1, other.paragraph)


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
    of_note = compile_phrases(r"\A<extract.of_note>\b", re.IGNORECASE)
    links = {inert_value(each) for each in _WEB_LINK.findall(parsed.note.text)}
    titles, title = _add_short(names[:1]), {"a", "an", "the", *find_tokens(names[0])}
    candidates, subtitle = [], _find_subtitle(parsed, names)
    if subtitle:
        near, vector = nearness[0], vectors[0]
        candidates = [_Candidate(-1, -1, subtitle, True, False, True, True, True, near, vector)]
    following = [each for _, each in sentences[1:]] + [""]
    for number, (paragraph, sentence) in enumerate(sentences):
        text, near = inert_value(sentence), nearness[number]
        general = of_note.sub("The page says", text)  # “this page” is no other place, at its start
        if following[number].startswith(_DASHES) or text in subtitle or not _is_whole(general):
            continue
        named = max(_share_named(text, each) for each in titles)
        is_alone = _stands_alone(general, names[0]) and not _leans(general)
        is_a = _IS_A.search(text)
        defines = is_definition(text, names) and (number < _OPENINGS or bool(is_a))
        if number == 0 and is_a:  # “Rye is a grain” under the title “All about Rye”
            defines |= {*find_tokens(text[: is_a.start()])} <= title
        is_of_note = general != text
        says = defines or is_of_note
        linked = sum(len(each) for each in links if each in text)
        if linked > _LINKED * len(text) and not defines:
            continue
        is_about = named >= _NAMED and near >= _NEAR and number < _OPENINGS
        is_opening = number == 0 and not (needs_previous(text) or _is_fragment(text, names[0]))
        opens = is_alone and (is_about or (says and number < _DEFINITIONS))
        opens |= is_opening and near >= (_NEAR if named >= _NAMED else _CENTRAL)
        is_near = near >= (_NEAR if named >= _NAMED_PARTLY else _NEAREST) and not is_of_note
        is_enough = is_of_note or (defines and number < (_OPENINGS if is_a else 1))
        is_enough |= is_about and named == 1 and number < _TOP
        flags = (opens, defines and opens, is_enough, is_near, is_alone)
        candidates.append(_Candidate(number, paragraph, text, *flags, near, vectors[number]))
    return candidates, sum(width(each) for _, each in sentences)


def _find_subtitle(parsed: ParsedNote, names: Sequence[str]) -> str:
    """Return the note's title and the line under it that says what it is, but is no sentence.

    Empty: there is no such line. “A tool that ...” may be a sentence's beginning by its form.
    """
    shown = (each for each in parsed.lines if each.kind == "heading" or plain_text(each.visible))
    lines = (each for each in shown if not _ONLY_LINK.fullmatch(each.visible))
    top = next((each for each in islice(lines, 2) if each.kind == "text"), None)
    line = inert_value(plain_text(top.visible)) if top and names[0] else ""
    paragraphs = map(inert_value, read_paragraphs(parsed))
    paragraph = next((each for each in paragraphs if each.startswith(line)), "") if line else ""
    if not paragraph:
        return ""
    text, title = next(find_sentences([paragraph])), _add_short(names[:1])[-1]
    is_phrase = bool(_PHRASE.match(text))
    if not is_phrase and (paragraph != line or re.search(rf": |\.$|\b{_VERBS}", text)):
        return ""
    text = text.removesuffix(".")
    is_fit = bool(_BARE_END.search(text)) and _is_whole(f"{text}.") and title[-1].isalnum()
    is_alone = _stands_alone(f"{text}.", title) and (is_phrase or not _leans(text))
    if not (is_fit and is_alone) or set(find_stems(names[0])).issuperset(find_stems(text)):
        return ""
    return f"{text}." if text.startswith(title) else f"{title}: {text}."


def _is_whole(text: str) -> bool:
    """Return whether the text is a whole sentence of words that does not point to its place."""
    places = r"\b(?:<extract.places>|<sentences.list_ahead>)\b|<sentences.list_ahead_signs>"
    place = compile_phrases(places, re.IGNORECASE)
    letters = sum(each.isalpha() or each == " " for each in text)
    return bool(
        _SHORTEST_EXTRACT <= width(text) <= _LONGEST_EXTRACT
        and _COMPLETE.search(text)
        and not text.endswith(("!", "！"))
        and _OPENING.match(text)
        and is_balanced(text)
        and letters >= _LETTERS * len(text)
        and not (_LABEL.match(text) or _TWO_LINES.search(text) or place.search(text))
        and not is_in_first_person(text)
    )


def _leans(text: str) -> bool:
    """Return whether a sentence needs what stands around it in the note."""
    begins = compile_phrases(r"<extract.leaning>\b", re.IGNORECASE)
    within = compile_phrases(r"\b<extract.pointing>\b", re.IGNORECASE)
    return bool(needs_previous(text) or begins.match(text) or within.search(text))


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


def _stands_alone(value: str, title: str) -> bool:
    """Return whether the value is a whole sentence that makes sense to anybody by itself."""
    elsewhere = compile_phrases(
        r"<sentences.elsewhere>\b|<sentences.elsewhere_signs>", re.IGNORECASE
    )
    return bool(
        _COMPLETE.search(value)
        and _OPENING.match(value)
        and not elsewhere.match(value)
        and not _is_fragment(value, title)
        and is_balanced(value)
    )


def _is_fragment(value: str, title: str) -> bool:
    """Return whether the first word has a small letter without being a name (iPhone, the title).

    In Chinese and Japanese, the case of a Latin word at the start of a sentence shows nothing.
    """
    if count_unspaced(value):
        return False
    word = value.split(maxsplit=1)[0].lstrip(_QUOTES)
    return word[:1].islower() and word.islower() and find_tokens(word)[0] not in find_tokens(title)


def is_self_description(sentence: str) -> bool:
    """Return whether a sentence of a note is about the note, or about what to do with it."""
    # models turn such a sentence into “X is a way to ...”, which is farther from the author's words
    begins = compile_phrases(r"<sentences.of_note>\b|<sentences.of_note_signs>", re.IGNORECASE)
    return bool(begins.match(sentence))
