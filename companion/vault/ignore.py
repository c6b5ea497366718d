"""Which notes are ignored: by path, as the settings say, and copies that sync clients made."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from companion.errors import NoteRefused
from companion.note.exclusions import PRIVATE
from companion.note.parsed_note import ParsedNote
from companion.vault.obsidian import ObsidianSettings, compile_filter, is_regex

OWN_FOLDER = "_companion"
_GLOB = re.compile(r"\*\*/|\*\*|\*|\?|\[[!^]?\]?[^\]/]*\]|.", re.DOTALL)
_Rule = tuple[Callable[[str], object], str]


@dataclass(frozen=True)
class IgnoreRules:
    """The rules for what is ignored, whatever its content.

    patterns: globs of the configuration. `*` and `?` match within a name, `**` crosses folders,
    `[..]` is one character. A glob without a slash inside matches a name at any depth; one that
    matches a folder matches everything in it.
    folders: vault-relative folders.
    private_folders: folders whose notes must not reach an endpoint on another machine.
    is_remote: whether the endpoint is on one; then they are ignored.
    max_bytes: the size of the largest note that is read.
    obsidian: the exclusions and template folders of Obsidian's settings.

    Case and Unicode normalisation (macOS decomposes accents) do not matter, except in Obsidian's
    regular expressions, which match as written.
    """

    patterns: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    private_folders: tuple[str, ...] = ()
    is_remote: bool = False
    max_bytes: int = 1024 * 1024
    obsidian: ObsidianSettings = field(default_factory=ObsidianSettings)

    def folder_reason(self, folder: str) -> str | None:
        """Return why this folder itself is ignored, with everything in it; None if it is not."""
        return _first(self._tree_rules, _normalize(folder) + "/")

    def note_reason(self, path: str) -> str | None:
        """Return why the note at path is ignored, apart from its folders; None if it is not."""
        if not self._note_rules:
            return None
        return _first(self._note_rules, _normalize(path))

    def path_reason(self, path: str) -> str | None:
        """Return why the note at path is ignored, by itself or by a folder above it, or None."""
        ends = [end for end, sign in enumerate(path) if sign == "/"]
        reasons = (self.folder_reason(path[:end]) for end in ends)
        return next(filter(None, reasons), None) or self.note_reason(path)

    def is_private(self, path: str) -> bool:
        """Return whether the note is in a private folder."""
        return bool(self._private) and _first(self._private, _normalize(path)) is not None

    @cached_property
    def _private(self) -> list[_Rule]:
        return _folder_rules((folder, PRIVATE) for folder in self.private_folders)

    @cached_property
    def _tree_rules(self) -> list[_Rule]:
        """The rules for folders, whose paths they match with a slash at the end."""
        named = [
            (folder, f"in the templates folder ({by})") for folder, by in self.obsidian.templates
        ]
        named += [
            (folder, f"in {folder}, left alone by the configuration") for folder in self.folders
        ]
        if self.is_remote:
            named += [(folder, f"in {folder}, {PRIVATE}") for folder in self.private_folders]
        return _folder_rules(named) + self._prefix_rules + self._glob_rules

    @cached_property
    def _note_rules(self) -> list[_Rule]:
        regexes = [
            (compile_filter(entry).search, _excluded(entry))
            for entry in self.obsidian.excluded
            if is_regex(entry)
        ]
        return self._prefix_rules + regexes + self._glob_rules

    @cached_property
    def _prefix_rules(self) -> list[_Rule]:
        entries = [entry for entry in self.obsidian.excluded if not is_regex(entry)]
        return [(_prefix(entry), _excluded(entry)) for entry in entries]

    @cached_property
    def _glob_rules(self) -> list[_Rule]:
        return [
            (compile_glob(glob).search, f"matches {glob}, left alone by the configuration")
            for glob in self.patterns
        ]


def compile_glob(glob: str) -> re.Pattern[str]:
    """Return the regular expression of a glob; IgnoreRules says what globs mean."""
    inner = glob.strip("/")
    start = r"\A" if "/" in glob.rstrip("/") else r"(?:\A|/)"
    end = "/" if glob.endswith("/") else r"(?:/|\Z)"
    body = "".join(_translate(token) for token in _GLOB.findall(_normalize(inner)))
    return re.compile(start + body + end, re.IGNORECASE | re.DOTALL)


def folder_key(path: str) -> str:
    """Return path to compare folders by: case and Unicode normalization do not matter."""
    return _normalize(path).casefold().strip("/")


def _translate(token: str) -> str:
    wildcards = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in wildcards:
        return wildcards[token]
    if len(token) > 2 and token[0] == "[":
        negated = token[1] in "!^"
        members = re.escape(token[1 + negated : -1]).replace(r"\-", "-")
        return f"[{'^/' if negated else ''}{members}]"
    return re.escape(token)


def _folder_rules(named: Iterable[tuple[str, str]]) -> list[_Rule]:
    return [(_prefix(folder.strip("/") + "/"), why) for folder, why in named if folder.strip("/")]


def _first(rules: list[_Rule], path: str) -> str | None:
    return next((reason for matches, reason in rules if matches(path)), None)


def _excluded(entry: str) -> str:
    return f"in Obsidian's excluded files ({entry})"


def _prefix(start: str) -> Callable[[str], object]:
    """Return a test for paths that begin with start, as Obsidian compares its own filters."""
    prefix = _normalize(start).lower()
    return lambda path: path.lower().startswith(prefix)


def _normalize(path: str) -> str:
    return unicodedata.normalize("NFC", path)


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
_NUMBERED = re.compile(r"(.+) (?:\d{1,2}|\(\d{1,2}\))")
_ENDS = "0123456789)"
_AFTER_HEADING = r"[ \t]*(?:#|%%|<!--|[\r\n]|\Z)"


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
        # a quick check of what may be a heading: the outline, which knows them, is slow
        ends = "|".join(re.escape(_fold(stem)) for stem in stems)
        is_line = re.search(rf"(?:{ends}){_AFTER_HEADING}", _fold(parsed.note.text))
        heading = parsed.heading if is_line else ""
    except (OSError, NoteRefused):
        return None
    titles = {_fold(str(said)), _fold(heading)}
    return next((stem + suffix for stem in stems if _fold(stem) in titles), None)


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
    return _normalize(text).casefold()
