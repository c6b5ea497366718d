"""Decide from paths alone which notes are ignored, by the configuration and Obsidian's settings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from companion.note.needs import PRIVATE
from companion.vault.obsidian import ObsidianSettings, compile_filter, is_regex

OWN_FOLDER = "_companion"
WHOLE = "."
"""The whole vault, as a private folder: it is in a private folder of a vault around it."""
_WHY_WHOLE = f"in a private folder of the vault around this one, {PRIVATE}"
_GLOB = re.compile(r"\*\*/|\*\*|\*|\?|\[[!^]?\]?[^\]/]*\]|.", re.DOTALL)
_Rule = tuple[Callable[[str], object], str]


@dataclass(frozen=True)
class IgnoreRules:
    """The rules for what is ignored, whatever its content.

    patterns: globs of the configuration. `*` and `?` match within a name, `**` crosses folders,
    `[..]` is one character. A glob without a slash inside matches a name at any depth; one that
    matches a folder matches everything in it.
    folders: vault-relative folders.
    private_folders: folders whose notes must not reach an endpoint on another machine, or WHOLE.
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
            named += [
                (folder, _WHY_WHOLE if folder == WHOLE else f"in {folder}, {PRIVATE}")
                for folder in self.private_folders
            ]
        return _folder_rules(named) + self._prefix_rules + self._glob_rules

    @cached_property
    def _note_rules(self) -> list[_Rule]:
        regexes = [
            (compile_filter(entry).search, _excluded(entry))
            for entry in self.obsidian.excluded
            if is_regex(entry)
        ]
        rules = self._prefix_rules + regexes + self._glob_rules
        if self.is_remote and WHOLE in self.private_folders:
            rules.append((_prefix(""), _WHY_WHOLE))
        return rules

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
    return [
        (_prefix("" if folder == WHOLE else folder.strip("/") + "/"), why)
        for folder, why in named
        if folder.strip("/")
    ]


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
