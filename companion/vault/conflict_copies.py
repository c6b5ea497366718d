"""Conflict copies: files that a sync client made of a note whose edits it could not merge."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from companion.errors import NoteRefused
from companion.note.parsed_note import ParsedNote

# What sync clients write between the brackets, in each language. Dropbox and Nextcloud translate
# the phrase; Obsidian Sync and OpenCloud use Dropbox's English one.
_PHRASES = Path(__file__).with_name("conflict_phrases.txt").read_text(encoding="utf-8").splitlines()

_CONFLICT = re.compile(
    r"""
    (?: \( [^()]* (?: \([^()]*\) [^()]* )? (?:PHRASES) [^()]* (?: \([^()]*\) [^()]* )? \)
      | \( SFConflict \s [^()]* \)                        # Seafile
      | \s [\[(] conflict(?:ed)? (?:\s\d+)? [\])]         # pCloud, old Google Drive
      | \[ conflict (?:\s\d+)? \]
      | \. sync-conflict-\d{8}-\d{6} (?:-\w+)?            # Syncthing
      | \. conflict \d*                                   # Resilio
      | _conflict-\d{8}-\d{6}                             # ownCloud
      | _[^_]+ _ \w{3}-\d\d-\d{4}-\d{4} _ (?:Case)?Conflict  # Synology Drive
    )
    (?: \s \(\d+\) | \s \d+ )? \.md \Z
    """.replace("PHRASES", "|".join(re.escape(phrase) for phrase in _PHRASES)),
    re.IGNORECASE | re.VERBOSE,
)


def is_conflict_copy(name: str) -> bool:
    """Whether a sync client made the file of that name, for a note that it could not merge.

    OneDrive's `-HOSTNAME` and iCloud's ` 2` do not count, since people also name notes like that;
    for those see find_copied_note.
    """
    if not name.isascii():
        name = unicodedata.normalize("NFC", name)
    return _CONFLICT.search(name) is not None


def find_copied_note(root: Path, path: str, is_there: Callable[[str], bool]) -> str | None:
    """Return the name of the note that the one at path copies, if named as OneDrive or iCloud do.

    is_there(name): whether its folder has that file. Since people use such names, too, the property
    `title` or the first heading has to be the other's name. None if it is not a copy.
    """
    name = path.rpartition("/")[2]
    suffix = name[-3:]
    stems = [stem for stem in _copied_stems(name[:-3]) if is_there(stem + suffix)]
    if not stems:
        return None
    try:
        parsed = ParsedNote.decode((root / path).read_bytes())
        said = parsed.properties.get("title")
        heading = parsed.heading if _may_be_headings(parsed.note.text, stems) else ""
    except (OSError, NoteRefused):
        return None
    titles = {_fold(str(said)), _fold(heading)}
    return next((stem + suffix for stem in stems if _fold(stem) in titles), None)


def _may_be_headings(text: str, stems: Iterable[str]) -> bool:
    """Return whether a line ends with one of the stems, ignoring what may close a heading.

    This is a quick check: the outline, which knows the headings, is slow.
    """
    ends = "|".join(re.escape(_fold(stem)) for stem in stems)
    return re.search(rf"(?:{ends})[ \t]*(?:#|%%|<!--|[\r\n]|\Z)", _fold(text)) is not None


def _copied_stems(stem: str) -> Iterator[str]:
    """Yield what the stem may be a copy of: `A 2` and `A (1)` of `A`, `A-MY-PC` of `A-MY` and `A`.

    A computer's name has a letter and no space, so `2024-05-01` is not a copy of `2024-05`.
    """
    if stem[-1:] in _ENDS and (numbered := _NUMBERED.fullmatch(stem)):
        yield numbered[1]
    last_space, dash = stem.rfind(" "), stem.rfind("-")
    while dash > max(last_space, 0):
        if any(map(str.isalpha, stem[dash:])):
            yield stem[:dash]
        dash = stem.rfind("-", 0, dash)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


_NUMBERED = re.compile(r"(.+) (?:\d{1,2}|\(\d{1,2}\))")
_ENDS = "0123456789)"
