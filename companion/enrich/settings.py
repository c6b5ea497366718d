"""The current settings of a vault, from our files, its prompts and Obsidian's settings.

Before asking a model or writing, the files are checked, with a few stat calls; changed ones are
read again. While one of them is broken, nothing is asked and nothing written.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from stat import S_ISDIR
from typing import Literal, Self

from companion.config import Config, config_file, config_folder, load_config
from companion.config.load import vault_file, with_private_around
from companion.errors import UsageError
from companion.note.needs import CALLOUT, DESCRIPTION, Rules
from companion.prompts import Prompts, find_field, load_prompts
from companion.vault.files import is_vault_there
from companion.vault.ignore import OWN_FOLDER, IgnoreRules
from companion.vault.obsidian import (
    SETTINGS,
    SETTINGS_FILES,
    ObsidianSettings,
    read_obsidian_settings,
)

Reader = Literal["here", "elsewhere"]
"""Where the model that reads the notes runs: on this machine, or not."""

_Marks = Mapping[str, object]
_YOUNG = 3_000_000_000  # nanoseconds after a change in which a file's times may hide another one
_AT_REST = 0.05  # seconds without a change, after which a file is taken to be saved as a whole

_log = logging.getLogger(__name__)

NEVER_TAGS = ("status", "todo", "inbox", "draft", "wip")
"""Tags about what is to be done, and those nested in them: they are never proposed."""


class SettingsUnusable(UsageError):
    """A settings file cannot be used. Nothing is asked or written until it is fixed."""


@dataclass(frozen=True, eq=False)
class VaultSettings:
    """The settings of a vault at one time. version: a number that a change of them raises."""

    config: Config
    prompts: Prompts
    rules: Rules
    ignore: IgnoreRules
    version: int = 0

    @classmethod
    def of(cls, config: Config, prompts: Prompts, obsidian: ObsidianSettings) -> Self:
        """Return the settings of these files. Raises UsageError if they contradict each other."""
        ignore = replace(config.ignore_rules(), obsidian=obsidian)
        return cls(config, prompts, make_rules(config, prompts), ignore)

    @cached_property
    def for_reader(self) -> Mapping[Reader, VaultSettings]:
        """The same for a model that runs there; elsewhere, private notes are left alone."""
        readers: tuple[Reader, ...] = ("here", "elsewhere")
        return {
            reader: replace(
                self,
                rules=replace(self.rules, is_remote=reader == "elsewhere"),
                ignore=replace(self.ignore, is_remote=reader == "elsewhere"),
            )
            for reader in readers
        }

    @property
    def scan_basis(self) -> tuple[Rules, IgnoreRules]:
        """The settings that a scan depends on."""
        return self.rules, self.ignore

    def follow(self, earlier: VaultSettings) -> VaultSettings:
        """Return these settings as the next ones; the earlier ones if nothing has changed."""
        is_same = self._content == earlier._content
        return earlier if is_same else replace(self, version=earlier.version + 1)

    @property
    def _content(self) -> object:
        texts = {name: file.text for name, file in self.prompts.files.items()}
        return self.config, self.rules, self.ignore, texts


class SettingsSource:
    """The settings of the vault at root, read again when one of their files changes.

    Safe to use from any thread. fault: why the files cannot be used now; empty: they can. own: the
    configuration without what vaults around this one keep private.
    """

    def __init__(self, root: Path, config: Config | None = None) -> None:
        """Read the files, except a config that was already read. Raises UsageError."""
        self.fault = ""
        self._root = root
        self._lock = threading.Lock()
        self._had_obsidian = False
        self._with_content = set[str]()
        self._marks = self._read_marks()
        self.current = self._make(config or load_config(root))

    def refresh(self) -> VaultSettings:
        """Return the settings as the files have them now. Raises SettingsUnusable."""
        with self._lock:
            if not _have_marks(self._marks):
                self._read()
        if self.fault:
            raise SettingsUnusable(self.fault)
        return self.current

    def _read(self) -> None:
        """Read what has changed, once no file is being written any more."""
        marks = self._read_marks()
        time.sleep(_AT_REST)
        while not _have_marks(marks):
            marks = self._read_marks()
            time.sleep(_AT_REST)
        try:
            self._require_ours(marks)
            made = self._make(load_config(self._root, allow_moved=True))
            self.current, self.fault = made.follow(self.current), ""
        except UsageError as error:
            self.fault = str(error)
            _log.warning("Nothing is asked or written until this is fixed: %s", error)
        self._marks = marks

    def _read_marks(self) -> _Marks:
        """Return a mark of each file or folder, and of everything in the folders of prompts."""
        marks = {path: _read_mark(path) for path in self._settings_files()}
        for folder in self._prompt_folders():
            marks[str(folder)] = _read_mark(str(folder))  # before it is listed
            for path in map(str, folder.rglob("*")):
                marks[path] = _read_mark(path)
        return marks

    def _require_ours(self, marks: _Marks) -> None:
        """Raise UsageError for a file of ours that is now empty or gone: it may be half saved.

        With an empty one, no note would be private.
        """
        for path in self._our_files():
            if _has_content(self._marks[path]):
                self._with_content.add(path)
            if path in self._with_content and not _has_content(marks[path]):
                raise UsageError(
                    f"{path} is empty or gone, and had settings in it; bring them back, or start"
                    " again to go on without"
                )

    def _make(self, config: Config) -> VaultSettings:
        """Return the settings. Raises UsageError, also if Obsidian's settings have disappeared."""
        folder = self._root / SETTINGS
        is_there = folder.is_dir()
        if self._had_obsidian and not is_there and is_vault_there(self._root):
            raise UsageError(
                f"{folder} is not there any more, and with it what Obsidian leaves out of the"
                " vault; wait until it is synced, or bring it back"
            )
        self._had_obsidian |= is_there
        obsidian = read_obsidian_settings(self._root)
        types = dict(obsidian.property_types)
        self.own, config = config, with_private_around(self._root, config)
        prompts = load_prompts(*self._prompt_folders(), types=types)
        return VaultSettings.of(config, prompts, obsidian)

    def _settings_files(self) -> list[str]:
        theirs = (self._root / SETTINGS / name for name in SETTINGS_FILES)
        return [*self._our_files(), *map(str, theirs)]

    def _our_files(self) -> list[str]:
        """Return the files of the settings in common, of the vault, and of vaults around it.

        Missing ones are among them: a vault may be set up around this one.
        """
        own = map(vault_file, (self._root, *self._root.parents))
        return [str(config_file()), *map(str, own)]

    def _prompt_folders(self) -> tuple[Path, Path]:
        return config_folder() / "prompts", self._root / OWN_FOLDER / "prompts"


def _has_content(mark: object) -> bool:
    return isinstance(mark, tuple) and mark[1] > 0


def _read_mark(path: str) -> object:
    """Return times and size; a file written just now may be written again within one tick.

    In that case the content decides: a file's bytes, a folder's names.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 (a Path takes as long as the call)
        mark = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if max(mark[2:]) < time.time_ns() - _YOUNG:
            return mark
        if S_ISDIR(status.st_mode):
            return (*mark, *sorted(Path(path).iterdir()))
        return (*mark, Path(path).read_bytes())
    except OSError as error:
        return error.errno


def _have_marks(marks: _Marks) -> bool:
    """Return whether the files and folders are unchanged."""
    return all(_read_mark(path) == mark for path, mark in marks.items())


def make_rules(config: Config, prompts: Prompts) -> Rules:
    """Return the rules that select notes, and what is filled in them.

    Raises UsageError if notes.fields or review.fields names something that no prompt file fills.
    """
    fields = sorted(prompts.fields.values(), key=lambda f: (f.fills != DESCRIPTION, f.fills))
    kinds = [field.fills for field in fields]
    if unknown := [name for name in config.review.fields if name not in kinds]:
        raise UsageError(
            f"review.fields names {unknown[0]}, which nothing fills; there are: {', '.join(kinds)}"
        )
    filled = kinds
    if config.notes.fields is not None:  # properties, named as such or by their prompt file
        by_name = {name: find_field(fields, name) for name in config.notes.fields}
        if unknown := [name for name, field in by_name.items() if field is None]:
            there = [f.name if f.name == f.fills else f"{f.name} (fills {f.fills})" for f in fields]
            raise UsageError(
                f"notes.fields names {unknown[0]}, but there is no such file in prompts/fields, and"
                f" none fills such a property; there are: {', '.join(there)}"
            )
        filled = list(dict.fromkeys(field.fills for field in by_name.values() if field))
    triggers = [field.fills for field in fields if field.trigger]
    return Rules(
        fields=tuple(name for name in filled if name != CALLOUT),
        callout=CALLOUT in filled,
        postponed_tags=tuple(tag.removeprefix("#") for tag in config.notes.postponed_tags),
        postponed_properties=tuple(config.notes.postponed_properties.items()),
        skip_tags=config.ignore.tags,
        private_tags=config.private.tags,
        private_properties=config.private.marks,
        is_remote=config.is_remote,
        never_tags=NEVER_TAGS,
        vocabulary=tuple(
            sorted({f.fills for f in fields if f.vocabulary == "vault" or f.is_typed})
        ),
        triggers=tuple(dict.fromkeys([DESCRIPTION, *triggers])),
    )
