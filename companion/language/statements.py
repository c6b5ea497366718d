"""Statements about a note in others: the sentences, list items and table rows that link to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from companion.language.words import (
    compile_phrases,
    find_sentences,
    find_tokens,
    is_unspaced,
    needs_previous,
    plain_text,
    width,
    without_embeds,
)
from companion.note.links import likely_targets, link_targets
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize import inert_value
from companion.note.tags import has_only_tags

_LONGEST = 320  # letters of a statement; of a longer list item, the sentence with the link counts
_LONGEST_PARENT = 80  # letters of the text above a list item
_CHILDREN = 3  # items below one that says nothing itself
_LEAST = 4  # words beside the names of the note; a linked one counts half
_MOST = 16  # words, of which more do not make a statement more telling
_LEANING = 10  # words that one loses because it needs the one before it, or only points to the note
_ASIDE = 8  # words that one loses because it calls the note by other words

_OPEN_ENDS = (":", "：", "?", "？", ",", ";")
_ARTICLE = (
    r"(?:the|an?|der|die|das|eine?|het|een|le|la|les|une?|il|lo|gli|el|los|las|una|os|uma?) |l['’]"
)
_BEFORE = 40  # letters before a link that may say “see”

_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]+$")
_TASK = re.compile(r"\[.\][ \t]+")
_CALLOUT = re.compile(r"\[![^\[\]]*\][+-]?[ \t]*")
_FIELD = re.compile(r"[\w -]+::")  # Dataview's: a relation, no sentence
_LINK = re.compile(
    r"\[\[(?P<target>[^\[\]|#\n]*+)(?:#[^\[\]|\n]*+)?(?:\|(?P<alias>[^\[\]\n]*+))?\]\]"
    r"|\[[^\[\]\n]*\]\([^()\n]*\)"
)
_BAR = re.compile(r"(?<!\\)\|")


class Statement(NamedTuple):
    """A statement of a note about another, as a reader sees it, on one line.

    line: where it begins in the note, counted from 1. heading: the heading it is under. words: how
    much it says besides the other note's names, in words. is_definition: it says what the other is.
    is_quotable: the other note is its subject, and it makes sense out of its context.
    """

    text: str
    line: int
    heading: str
    words: float
    is_definition: bool
    is_quotable: bool

    def rank(self) -> tuple[bool, float]:
        """Return the sort key of statements: definitions first, then those that say most."""
        return not self.is_definition, -self.words


class Quotation(NamedTuple):
    """A statement about a note, quoted from the note with that path and title."""

    text: str
    path: str
    title: str


PassageKind = Literal["text", "item", "row", "heading"]


@dataclass
class Passage:
    """A paragraph, list item, table row or heading of a note, with its links.

    line: where it begins in the note, counted from 1. parent: the item above it, or what introduces
    the list. children: the items below it. introduced: the paragraph below a heading.
    """

    kind: PassageKind
    line: int
    text: str
    heading: str = ""
    indent: int = 0
    parent: Passage | None = None
    children: list[Passage] = field(default_factory=list)
    introduced: Passage | None = None

    @cached_property
    def targets(self) -> list[str]:
        """The targets of its links; see likely_targets."""
        return likely_targets(self.text)


def read_passages(parsed: ParsedNote) -> list[Passage]:
    """Return the passages of the note's text in their order.

    AI callouts, code, formulas, comments, HTML and lines of tags are left out.
    """
    passages: list[Passage] = []
    items: list[Passage] = []  # those that another one may be below
    heading, last = "", None  # last: the passage that the next line may continue
    hidden = parsed.callout_lines
    count = parsed.note.line_number(parsed.lines[0].start) if parsed.lines else 1
    for number, line in enumerate(parsed.lines):
        is_lazy = number - 1 in hidden and line.kind == "text" and not line.starts_block
        if is_lazy:  # it continues the callout without `>` (CommonMark 5.1)
            hidden.add(number)
        if number in hidden or line.kind not in ("text", "heading") or has_only_tags(line):
            last = None
            continue
        if line.kind == "heading":
            heading, last = line.title, None
            passages.append(Passage("heading", count + number, heading, heading))
            items.clear()
            continue
        visible, prefix = line.visible, line.prefix
        text = visible[len(prefix) :] if visible.startswith(prefix) else visible.strip(" \t>")
        text = _CALLOUT.sub("", _TASK.sub("", text.strip(), count=1), count=1)
        kind: PassageKind = "item" if _ITEM.search(prefix) else "text"
        kind = "row" if text.startswith("|") else kind
        if last and last.kind != "row" and kind == "text" and not line.starts_block:
            last.text += f" {text}"
            continue
        last = Passage(kind, count + number, text, heading, len(prefix.expandtabs(4)))
        _find_parent(last, passages, items)
        passages.append(last)
    return passages


def _find_parent(passage: Passage, before: Sequence[Passage], items: list[Passage]) -> None:
    """Return the parent of a passage that follows those before it; see read_passages."""
    above = before[-1] if before else None
    if passage.kind != "item":
        items.clear()
        if passage.kind == "text" and above and above.kind == "heading":
            above.introduced = passage
        return
    while items and items[-1].indent >= passage.indent:
        items.pop()
    if items:
        passage.parent = items[-1]
        passage.parent.children.append(passage)
    elif above and above.kind == "item":
        passage.parent = above.parent if above.indent == passage.indent else None
    elif above and above.text.rstrip().endswith((":", "：")):
        passage.parent = above
    items.append(passage)


def find_statements(
    passages: Iterable[Passage], leads_here: Callable[[str], bool], names: Collection[str]
) -> Iterator[Statement]:
    """Yield the statements about another note in the passages of a note.

    leads_here: whether a link's target is that note. names: what the note is called.
    """
    name_tokens = {token for name in names for token in find_tokens(name)}
    # Before a link: “see X” and “refer to X” only send the reader to the note.
    points = compile_phrases(r"(?:\b<pointer.verbs>(?:\s\w{1,4}){0,2}|<pointer.verbs_signs>)$")
    for passage in passages:
        if not any(map(leads_here, passage.targets)):
            continue
        text = without_embeds(passage.text)
        for said, context in _cut(passage, text, leads_here):
            links = [
                link
                for link in _LINK.finditer(said)
                if (target := (link["target"] or "").rstrip("\\")) and leads_here(target)
            ]
            linked = [
                link["alias"] or link["target"].rstrip("\\").rpartition("/")[2] for link in links
            ]
            plain = _plain(said)
            starts = (said[max(0, link.start() - _BEFORE) : link.start()] for link in links)
            only_points = any(points.search(start.casefold().rstrip(' *_[(“"')) for start in starts)
            leaning = needs_previous(plain) + only_points
            tokens = {token for name in linked for token in find_tokens(name)}
            words = _count_words(said, name_tokens | tokens) - _LEANING * leaning
            if words < _LEAST or width(plain) > 2 * _LONGEST:
                continue
            words -= _ASIDE * (bool(tokens) and name_tokens.isdisjoint(tokens))
            full = f"{context}: {plain}" if context else plain
            subject = _find_subject(plain, [*names, *linked], r"\w{1,4}[ '’]")  # an article
            is_definition = subject is not None and _says_what_it_is(plain, subject)
            leans = context or leaning or plain.endswith(_OPEN_ENDS)
            is_quotable = not leans and _find_subject(plain, names, _ARTICLE) is not None
            yield Statement(full, passage.line, passage.heading, words, is_definition, is_quotable)


def _cut(
    passage: Passage, text: str, leads_here: Callable[[str], bool]
) -> Iterator[tuple[str, str]]:
    """Yield the passages about the note, and their parents, as a reader sees them."""

    def names_it(part: str) -> bool:
        return any(map(leads_here, link_targets(part)))

    if _FIELD.match(text) or not names_it(text):
        return
    if passage.kind == "heading":
        if passage.introduced:
            sentences = find_sentences([without_embeds(passage.introduced.text)])
            yield f"{text}: {next(sentences, '')}", ""
    elif passage.kind == "row":
        # In links, the bar before the words does not end a cell.
        row = _LINK.sub(lambda link: link[0].replace("|", "\\|").replace("\\\\|", "\\|"), text)
        cells = [cell.strip() for cell in _BAR.split(row) if cell.strip()]
        yield ": ".join([cells[0], ", ".join(cells[1:])]) if len(cells) > 1 else text, ""
    elif passage.kind == "item":
        above = _plain(passage.parent.text).rstrip(" :：") if passage.parent else ""
        above = above if width(above) <= _LONGEST_PARENT else ""
        if not _LINK.sub("", text).strip(" .,:*_") and passage.children:
            told = "; ".join(each.text for each in passage.children[:_CHILDREN])
            yield f"{text.rstrip(' :')}: {without_embeds(told)}", above
        elif width(text) <= _LONGEST:
            yield text, above
        else:
            yield from ((part, above) for part in find_sentences([text]) if names_it(part))
    else:
        yield from ((part, "") for part in find_sentences([text]) if names_it(part))


def _count_words(said: str, names: Set[str]) -> float:
    """Return how much a passage says, in words besides these; those of links count by half."""
    own = set(find_tokens(_LINK.sub(" ", said))) - names
    shown = " ".join(_plain(link[0]) for link in _LINK.finditer(said))
    linked = set(find_tokens(shown)) - names - own
    return min(_weigh(own) + _weigh(linked) / 2, _MOST)


def _plain(text: str) -> str:
    """Return text as a reader sees it, on one line, sanitized."""
    return inert_value(plain_text(text.replace("\\|", "|")))


def _weigh(tokens: Collection[str]) -> float:
    """Return how many words of three letters or more these are; two Chinese characters are one."""
    return sum(0.5 if is_unspaced(token) else len(token) > 2 for token in tokens)


def _find_subject(text: str, names: Collection[str], before: str) -> int | None:
    """Return where the name that the text begins with ends; None: it begins with none of these.

    before: a regular expression for text that may precede the name.
    """
    called = "|".join(map(re.escape, sorted(set(names), key=len, reverse=True)))
    name = rf"[\"“«„(]?(?:{called})[\"”»“)]?(?:e?s)?(?![a-z0-9])"
    begin = rf"(?:{before})?{name}(?:[ ]?[(（][^()（）]*[)）])?"
    match = re.match(begin, text, re.IGNORECASE) if called else None
    return match and match.end()


def is_definition(text: str, names: Collection[str]) -> bool:
    """Return whether text says what its subject is: it begins with one of the names, then “is”."""
    subject = _find_subject(text, names, _ARTICLE)
    return subject is not None and _says_what_it_is(text, subject)


def _says_what_it_is(text: str, start: int) -> bool:
    """Return whether the text after the name of the subject defines it."""
    says = compile_phrases(r"\s?(?:[:：—–]|-\s|\s<definition.verbs>|<definition.verbs_signs>)")
    return bool(says.match(text.casefold(), start))
