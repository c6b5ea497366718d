"""Links in notes: their targets, which note links to which, and new ones at mentions of names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import unquote

from companion.note.edits import Edit, apply_edits
from companion.note.link_names import (
    LinkNames,
    NotePaths,
    file_name,
    name_key,
    without_extension,
)

# Of a Markdown link, with a title perhaps (CommonMark 6.3): note.md, a%20note.md#h, <a note.md> "t"
_DESTINATION = r"(?:[ \t]*<(?P<pointed>[^<>\n]*)>)?(?P<destination>(?:[^()\n]|\([^()\n]*\))*+)"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|/{2}")

# Text that takes no link. Every alternative stops at the next delimiter of its kind or at the end
# of the line.
_EXCLUDED = re.compile(
    "|".join(
        (
            r"\\[!-/:-@\[-`{-~]",
            r"^[ \t>]*(?P<fence>`{3,}|~{3,})(?s:.*?)(?:^[ \t>]*(?P=fence)|\Z)",
            r"^(?:> ?)*(?: {4}|\t)(?![ \t]*(?:[-+*]|\d+[.)])[ \t]).*",  # indented code
            r"(?<!`)(?P<ticks>`+)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`)",
            r"!?\[\[(?P<target>[^\[\]|#\n]*)[^\[\]\n]*\]\]",
            rf"!?\[[^\[\]\n]*\](?:\({_DESTINATION}\)|\[[^\[\]\n]*\])?",
            r"<[^<>\n]*>",
            # https://.., https\\://.. in inert text, www.; up to a blank or East Asian punctuation
            r"(?:(?:(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{0,20})?\\?:\\?/\\?/|(?i:www)\\?\.)"
            r"[^\s\u3000-\u3011\uff01-\uff1f]*",
        )
    ),
    re.MULTILINE,
)
# A bar in a link would end a cell: if there is a table (GFM 4.10), lines with bars take no links.
_TABLE = re.compile(
    r"^[ \t>]*+(?:\|[ \t]*+)?:?-+:?[ \t]*+(?:\|[ \t]*+:?-*:?[ \t]*+)+$", re.MULTILINE
)
_ROW = re.compile(r"^[^|\n]*\|.*", re.MULTILINE)


_MODEL_LINK = re.compile(
    r"\[\[(?P<target>[^\[\]|#\\\n]+)(?P<heading>[^\[\]|\n]*)(?:\|(?P<alias>[^\[\]\n]*))?\]\]"
)


def link_mentions(
    text: str,
    names: LinkNames,
    own: str = "",
    linked: Collection[str] = frozenset(),
) -> str:
    """Return text with a wikilink at the first mention of each note that exists.

    text: inert Markdown, with or without `> ` before its lines. own: the path of the note it goes
    into. linked: the targets of the links in that note (see link_targets). No note is linked
    twice, nor own, nor one of several notes of the same name; and no link is put inside links,
    code, escapes and URLs. A link is `[[Name]]` if the text has the name, else
    `[[Name|as written]]`.
    """
    mask = bytearray(len(text))  # 1 for every character that takes no link
    for match in (*_EXCLUDED.finditer(text), *(_ROW.finditer(text) if _TABLE.search(text) else ())):
        mask[match.start() : match.end()] = b"\1" * (match.end() - match.start())
    taken = {names.find_note(target) for target in (*linked, *link_targets(text))}
    taken.add(without_extension(own))
    edits: list[Edit] = []
    done = 0
    for start, end, paths in names.find_mentions(text):
        if start < done or 1 in mask[start:end]:
            continue
        done = end  # shorter names within a mention get no link even if the mention gets none
        path = next(iter(paths)) if len(paths) == 1 else None
        target = None if path is None or path in taken else names.target_of(path)
        if target is not None:
            taken.add(path)
            written = text[start:end]
            link = f"[[{target}]]" if target == written else f"[[{target}|{written}]]"
            edits.append(Edit(start, end, link))
    return apply_edits(text, edits)


def unlink_repeats(text: str, names: LinkNames, own: str, linked: Collection[str]) -> str:
    """Return a model's text with all wikilinks to a note but the first one as their words.

    The same goes for links to own, to notes in linked, and to a note with a `#` in its name. The
    result has yet to be made inert, since what remains of a link may be active.
    """
    taken = {without_extension(own), *map(names.find_note, linked)}

    def unlink(match: re.Match[str]) -> str:
        target, heading, alias = match.group("target", "heading", "alias")
        if heading and names.find_note(target + heading):
            return (alias or target + heading).strip()
        path = names.only_note(target)
        if path is None:
            return match[0]
        if path in taken:
            return (alias or target).strip()
        taken.add(path)
        return match[0]

    return _MODEL_LINK.sub(unlink, text)


def link_targets(text: str) -> set[str]:
    """Return the targets of the links and embeds in text, without headings; none from code.

    That of a Markdown link, [b](a/a%20note.md#h), is the file's path, without leading dots.
    """
    return set(_find_targets(_EXCLUDED, text))


_LIKELY = re.compile(rf"\[\[(?P<target>[^\[\]|#\n]+)|\]\({_DESTINATION}")


def likely_targets(text: str) -> list[str]:
    """Return the targets as link_targets does, each once, but quickly: those in code as well."""
    return list(dict.fromkeys(_find_targets(_LIKELY, text)))


def _find_targets(link: re.Pattern[str], text: str) -> Iterator[str]:
    for match in link.finditer(text):
        # without a target it is a Markdown link, or none
        target = match["target"] or _read_address(match).partition("#")[0]
        if target := target.strip().rstrip("\\"):
            yield target


def _read_address(link: re.Match[str]) -> str:
    """Return the path of a Markdown link, without leading dots; empty: an address of the web."""
    pointed, destination = link.group("pointed", "destination")
    address = pointed or ((destination or "").split() or [""])[0]
    return "" if _ADDRESS.match(address) else re.sub(r"^(?:\.{1,2}/)+", "", unquote(address))


def embed_targets(line: str) -> Iterator[tuple[str, str]]:
    """Yield the target of each embed in a line, and what follows its `#`; none from code."""
    for match in _EXCLUDED.finditer(line):
        if match[0].startswith("!"):
            is_wikilink = match["target"] is not None
            said = match[0][3:-2].partition("|")[0] if is_wikilink else _read_address(match)
            target, _, part = said.rstrip("\\").partition("#")
            if target.strip():
                yield target.strip(), part.strip()


_RELATIVE = re.compile(r"(?:\.{1,2}/)+")


class Links:
    """Which notes link to which, by Obsidian's rules; see LinkNames.find_note.

    targets: each note's path, and those of its links, a line each; see likely_targets. Paths of
    notes are vault-relative, with `/` and `.md`. A note's links to itself do not count.
    """

    def __init__(self, targets: Iterable[tuple[str, str]], names: NotePaths) -> None:
        self._names = names
        self._counts: dict[str, int] = {}  # of links, by path
        self._paths: dict[str, str] = {}  # by the same without `.md`
        # The links to notes of each name, in whichever folder: linking note and target.
        self._links: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for source, lines in targets:
            self._counts[source] = lines.count("\n")
            self._paths[without_extension(source)] = source
            for target in filter(None, lines.split("\n")):
                self._links[_name_key(target)].append((source, target))

    def linked_in(self, text: str, path: str) -> list[str]:
        """Return the notes that text, of the note at path, links to, in the order of the links."""
        notes = dict.fromkeys(self.leads_to(target, path) for target in likely_targets(text))
        return [other for other in notes if other is not None and other != path]

    def linking_to(self, path: str) -> list[str]:
        """Return the notes that link to the note; first those with the fewest links.

        A note with few links says more about each than an index of the whole vault does.
        """
        sources = {
            source
            for source, target in self._links.get(_name_key(path), ())
            if source != path and self.leads_to(target, source) == path
        }
        return sorted(sources, key=lambda source: (self._counts[source], source))

    def leads_to(self, target: str, source: str) -> str | None:
        """Return the path of the note that a link to target in the note source leads to."""
        name = self._names.find_note(_RELATIVE.sub("", target, count=1), source)
        return None if name is None else self._paths.get(name)


def _name_key(target: str) -> str:
    return name_key(file_name(target.strip()))
