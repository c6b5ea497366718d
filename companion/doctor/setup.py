"""The checks of companion doctor: configuration, prompts, vault, state, journal, spending."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal, NamedTuple

from companion import __version__
from companion.config import (
    Config,
    common_state_folder,
    config_file,
    config_folder,
    load_config,
)
from companion.config.load import vault_files
from companion.enrich.checks import find_unchecked
from companion.enrich.model import open_spending
from companion.enrich.workspace import make_rules
from companion.errors import CompanionError, UsageError
from companion.note.needs import CALLOUT
from companion.private_files import is_private
from companion.prompts import load_prompts
from companion.vault.conflict_copies import is_conflict_copy
from companion.vault.ignore import OWN_FOLDER
from companion.vault.journal import Journal
from companion.vault.journal_db import open_database
from companion.vault.obsidian import SETTINGS, read_obsidian_settings
from companion.vault.plugin_files import read_installed
from companion.vault.watch import Watch, WatchUnavailable

FindingState = Literal["ok", "hint", "problem"]

# bytes free on the disk of the journal, which keeps each note as it was before a change
_LOW_SPACE = 100_000_000
_NO_SPACE = 10_000_000
_KEY = re.compile(r"^[^#\n]*\bapi_key\b", re.MULTILINE)


class Finding(NamedTuple):
    """The result of one check. said: what was found; mend: what to do, empty if nothing.

    state: with a "problem" something does not work; a "hint" is only worth knowing.
    """

    name: str
    state: FindingState
    said: str
    mend: str = ""


NamedCheck = tuple[str, Callable[[], Finding]]


def run_checks(checks: Iterable[NamedCheck]) -> Iterator[Finding]:
    """Yield each check's finding. An error in a check is a problem, and the next one is run."""
    for name, check in checks:
        try:
            yield check()
        except CompanionError as error:
            yield Finding(name, "problem", str(error))
        except Exception as error:  # the other checks may say why
            said = f"unexpected {type(error).__name__}: {error}"
            yield Finding(name, "problem", said, "please report it")


def check_program() -> Finding:
    """Return the versions of Companion, Python and the system."""
    where = f"{platform.system()} {platform.machine()}"
    python = ".".join(map(str, sys.version_info[:3]))
    return Finding("program", "ok", f"Companion {__version__}, Python {python}, {where}")


def check_configuration() -> Finding:
    """Check that the common configuration is valid, and that only its owner can read keys.

    Those of vaults with settings of their own, too.

    Raises UsageError, naming each faulty or unknown setting.
    """
    load_config()
    file = config_file()
    names = ("COMPANION_BASE_URL", "COMPANION_MODEL", "COMPANION_API_KEY")
    set_ = [name for name in names if os.environ.get(name)]
    also = f"; {', '.join(set_)} from the environment" if set_ else ""
    if not file.exists():
        mend = "" if set_ else "companion init VAULT writes one"
        return Finding("configuration", "ok" if set_ else "hint", f"no file {file}{also}", mend)
    for each in (file, *vault_files()):
        if _KEY.search(each.read_text("utf-8-sig", "replace")) and not is_private(each):
            said = f"others may read {each}, which holds a key"
            return Finding("configuration", "problem", said, f"chmod 600 {each}")
    return Finding("configuration", "ok", f"{file}{also}")


def check_answer_checks() -> Finding:
    """Check that answers are checked, by this process's environment; a daemon's may differ."""
    if unchecked := find_unchecked():
        return Finding("checks", "hint", unchecked, "unset it, and start the daemon again")
    return Finding("checks", "ok", "what the model says is checked before it goes into a note")


def check_prompts(config: Config, root: Path) -> Finding:
    """Check that the prompts load, the user's own included. Raises UsageError, PromptError."""
    prompts = load_prompts(config_folder() / "prompts", root / OWN_FOLDER / "prompts")
    names = tuple(field.property or CALLOUT for field in prompts.fields.values())
    make_rules(config, prompts)
    return Finding("prompts", "ok", f"for {', '.join(sorted(names))}")


def check_vault(root: Path) -> Finding:
    """Check that the vault is writable and Obsidian's. Raises UsageError (Obsidian's settings)."""
    if not os.access(root, os.W_OK | os.X_OK):
        said = f"{root} is read-only: notes cannot be filled"
        return Finding("vault", "problem", said, "make the folder writable for you")
    if not (root / SETTINGS).is_dir():
        mend = "name the vault's top folder, or open this one in Obsidian once"
        return Finding("vault", "hint", f"{root} has no {SETTINGS} folder", mend)
    read_obsidian_settings(root)
    return Finding("vault", "ok", str(root))


def check_plugin(root: Path) -> Finding:
    """Check that the Obsidian plugin is in the vault, enabled, and of our version.

    Never a problem, since Companion works without it. Restricted mode cannot be read from files.
    """
    install = "companion plugin install"
    try:
        version, enabled = read_installed(root)
    except UsageError as error:
        return Finding("plugin", "hint", str(error))
    if version is None:
        said = f"it is not in this vault; {install} puts it there"
        return Finding("plugin", "hint" if enabled else "ok", said)
    if version != __version__:
        said = f"it is version {version}, and this is {__version__}"
        return Finding("plugin", "hint", said, f"{install}, and reload Obsidian")
    if not enabled:
        mend = "turn it on in Obsidian: Settings, Community plugins"
        return Finding("plugin", "hint", f"version {version} is there, but not enabled", mend)
    return Finding("plugin", "ok", f"version {version}, enabled")


def check_state(state: Path) -> Finding:
    """Check that the vault's state folder is writable, with room on its disk."""
    there = next(folder for folder in (state, *state.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        said = f"{there} cannot be written ({error.strerror}): no change could be undone"
        return Finding("state", "problem", said, "make it writable, or set COMPANION_HOME")
    free = shutil.disk_usage(there).free
    room = f"{free / 1e9:,.1f} GB free" if free >= 1e9 else f"{free / 1e6:,.0f} MB free"
    if free < _LOW_SPACE:
        state_: FindingState = "problem" if free < _NO_SPACE else "hint"
        return Finding("state", state_, f"{there} has only {room}", "free some space on that disk")
    return Finding("state", "ok", f"{state}, {room}")


def check_journal(state: Path) -> Finding:
    """Check that the journal is intact, with no interrupted change. Raises JournalError."""
    file = state / "journal.sqlite3"
    if not file.exists():
        return Finding("journal", "ok", "none yet: nothing was changed so far")
    with closing(open_database(file, read_only=True)) as db:
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        mend = f"move {file} aside; the notes are safe, but earlier changes cannot be undone then"
        return Finding("journal", "problem", f"it is damaged: {found}", mend)
    with Journal(file, read_only=True) as journal:
        pending = len(journal.pending())
        newest = next(iter(journal.changes(limit=1)), None)
    if pending:
        mend = "the next command that writes, or the daemon, finishes or restores what is open"
        said = "1 change was" if pending == 1 else f"{pending} changes were"
        return Finding("journal", "hint", f"{said} interrupted", mend)
    said = f"the newest change is {newest.id}" if newest else "no changes yet"
    return Finding("journal", "ok", f"sound; {said}")


def check_copies(root: Path) -> Finding:
    """Look for copies of notes that a sync client could not merge."""
    copies = [
        name
        for folder, _, names in os.walk(root)
        if not any(part.startswith(".") for part in Path(folder).relative_to(root).parts)
        for name in names
        if is_conflict_copy(name)
    ]
    if not copies:
        return Finding("copies", "ok", "no sync-conflict copies")
    many = "1 sync-conflict copy" if len(copies) == 1 else f"{len(copies)} sync-conflict copies"
    mend = "merge what is in it into the note, and delete it; Companion leaves it alone"
    return Finding("copies", "hint", f"{many}, as {min(copies)}", mend)


def check_events(config: Config, root: Path) -> Finding:
    """Check that the system reports changes of files in the vault, by watching it for a moment."""
    watch = Watch(root, lambda _: None)
    try:
        watch.start()
    except WatchUnavailable as unavailable:
        mend = f"changes are found every {config.background.rescan_seconds:g} s all the same"
        return Finding("events", "hint", unavailable.reason, mend)
    finally:
        watch.stop()
    return Finding("events", "ok", "the system tells of every change")


def check_spending(config: Config, root: Path) -> Finding:
    """Return what was spent today, and whether a limit is reached. Raises UsageError (price)."""
    with open_spending(config, root) as spending:
        if not (common_state_folder() / "spending.sqlite3").exists():
            return Finding("spending", "ok", "nothing so far")
        spent = spending.spent_today()
    tokens = spent.input_tokens + spent.output_tokens
    money = "" if spent.dollars is None else f", ${spent.dollars:,.4f}"
    notes, most = spent.background_notes, config.background.notes_a_day
    said = f"today {tokens:,} tokens{money}; {notes} of {most} notes in the background"
    limits = config.limits
    caps = ((tokens, limits.tokens_a_day), (spent.dollars, limits.dollars_a_day), (notes, most))
    if any(so_far is not None and cap is not None and so_far >= cap for so_far, cap in caps):
        mend = "it goes on at midnight; raise [limits] or notes_a_day to go on today"
        return Finding("spending", "hint", f"{said}: a limit is reached", mend)
    return Finding("spending", "ok", said)
