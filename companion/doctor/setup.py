"""What companion doctor looks at without a daemon: configuration, vault, state, events."""

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
from companion.config import Config, common_state_folder, config_folder, load_config
from companion.enrich.checks import find_unchecked
from companion.enrich.model import open_spending
from companion.enrich.workspace import make_rules
from companion.errors import CompanionError, UsageError
from companion.note.needs import CALLOUT
from companion.private_files import is_private
from companion.prompts import load_prompts
from companion.vault.ignore import OWN_FOLDER, is_conflict_copy
from companion.vault.journal import Journal
from companion.vault.journal_db import open_database
from companion.vault.obsidian import SETTINGS, read_obsidian_settings
from companion.vault.plugin_files import read_installed
from companion.vault.watch import Watch, WatchUnavailable

CheckState = Literal["ok", "hint", "problem"]

_LITTLE = 100_000_000  # bytes free on the disk; every change keeps the note as it was
_NONE = 10_000_000
_KEY = re.compile(r"^[^#\n]*\bapi_key\b", re.MULTILINE)


class Check(NamedTuple):
    """One thing looked at. said: what is so; mend: what to do, empty where `said` tells it.

    A hint is worth knowing; with a problem, something does not work.
    """

    name: str
    state: CheckState
    said: str
    mend: str = ""


NamedCheck = tuple[str, Callable[[], Check]]


def run_checks(checks: Iterable[NamedCheck]) -> Iterator[Check]:
    """Yield what each check finds. One that fails in any way is a problem, and the next is run."""
    for name, check in checks:
        try:
            yield check()
        except CompanionError as error:
            yield Check(name, "problem", str(error))
        except Exception as error:  # whatever is broken here, the other checks may tell why
            said = f"unexpected {type(error).__name__}: {error}"
            yield Check(name, "problem", said, "please report it")


def check_program() -> Check:
    """Return which Companion runs on which Python."""
    where = f"{platform.system()} {platform.machine()}"
    python = ".".join(map(str, sys.version_info[:3]))
    return Check("program", "ok", f"Companion {__version__}, Python {python}, {where}")


def check_configuration() -> Check:
    """Return whether the configuration can be read, and a key in it by its owner alone.

    Raises UsageError, naming each faulty or unknown setting.
    """
    load_config()
    file = config_folder() / "config.toml"
    names = ("COMPANION_BASE_URL", "COMPANION_MODEL", "COMPANION_API_KEY")
    set_ = [name for name in names if os.environ.get(name)]
    also = f"; {', '.join(set_)} from the environment" if set_ else ""
    if not file.exists():
        mend = "" if set_ else "companion init VAULT writes one"
        return Check("configuration", "ok" if set_ else "hint", f"no file {file}{also}", mend)
    if _KEY.search(file.read_text(encoding="utf-8-sig")) and not is_private(file):
        said = f"others may read {file}, which holds a key"
        return Check("configuration", "problem", said, f"chmod 600 {file}")
    return Check("configuration", "ok", f"{file}{also}")


def check_gate() -> Check:
    """Return whether the model's answers are checked; of a daemon's environment nothing is seen."""
    if unchecked := find_unchecked():
        return Check("gate", "hint", unchecked, "unset it, and start the daemon again")
    return Check("gate", "ok", "what the model says is checked before it goes into a note")


def check_prompts(config: Config, root: Path) -> Check:
    """Return whether the prompts load, the user's own over ours. Raises UsageError, PromptError."""
    prompts = load_prompts(config_folder() / "prompts", root / OWN_FOLDER / "prompts")
    names = tuple(field.property or CALLOUT for field in prompts.fields.values())
    make_rules(config, prompts)
    return Check("prompts", "ok", f"for {', '.join(sorted(names))}")


def check_vault(root: Path) -> Check:
    """Return whether the vault can be read and written. Raises UsageError (Obsidian's settings)."""
    if not os.access(root, os.W_OK | os.X_OK):
        said = f"{root} is read-only: notes cannot be filled"
        return Check("vault", "problem", said, "make the folder writable for you")
    if not (root / SETTINGS).is_dir():
        mend = "name the vault's top folder, or open this one in Obsidian once"
        return Check("vault", "hint", f"{root} has no {SETTINGS} folder", mend)
    read_obsidian_settings(root)
    return Check("vault", "ok", str(root))


def check_plugin(root: Path) -> Check:
    """Return whether the Obsidian plugin is in the vault, enabled, and of our version.

    No problem in any case: Companion does without. Restricted mode is nowhere to be seen.
    """
    install = "companion plugin install"
    try:
        version, enabled = read_installed(root)
    except UsageError as error:
        return Check("plugin", "hint", str(error))
    if version is None:
        said = f"it is not in this vault; {install} puts it there"
        return Check("plugin", "hint" if enabled else "ok", said)
    if version != __version__:
        said = f"it is version {version}, and this is {__version__}"
        return Check("plugin", "hint", said, f"{install}, and reload Obsidian")
    if not enabled:
        mend = "turn it on in Obsidian: Settings, Community plugins"
        return Check("plugin", "hint", f"version {version} is there, but not enabled", mend)
    return Check("plugin", "ok", f"version {version}, enabled")


def check_state(state: Path) -> Check:
    """Return whether the vault's journal can be written, with room for it on the disk."""
    there = next(folder for folder in (state, *state.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        said = f"{there} cannot be written ({error.strerror}): no change could be undone"
        return Check("state", "problem", said, "make it writable, or set COMPANION_HOME")
    free = shutil.disk_usage(there).free
    room = f"{free / 1e9:,.1f} GB free" if free >= 1e9 else f"{free / 1e6:,.0f} MB free"
    if free < _LITTLE:
        state_: CheckState = "problem" if free < _NONE else "hint"
        return Check("state", state_, f"{there} has only {room}", "free some space on that disk")
    return Check("state", "ok", f"{state}, {room}")


def check_journal(state: Path) -> Check:
    """Return whether the journal is sound, and nothing in it waits. Raises JournalError."""
    file = state / "journal.sqlite3"
    if not file.exists():
        return Check("journal", "ok", "none yet: nothing was changed so far")
    with closing(open_database(file, read_only=True)) as db:
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        mend = f"move {file} aside; the notes are safe, but earlier changes cannot be undone then"
        return Check("journal", "problem", f"it is damaged: {found}", mend)
    with Journal(file, read_only=True) as journal:
        pending = len(journal.pending())
        newest = next(iter(journal.changes(limit=1)), None)
    if pending:
        mend = "the next command that writes, or the daemon, finishes or restores what is open"
        said = "1 change was" if pending == 1 else f"{pending} changes were"
        return Check("journal", "hint", f"{said} interrupted", mend)
    return Check("journal", "ok", f"sound; the newest change is {newest.id if newest else 'none'}")


def check_copies(root: Path) -> Check:
    """Return how many copies of notes sync clients left in the vault, which are left alone."""
    copies = [
        name
        for folder, _, names in os.walk(root)
        if not _is_hidden(folder, root)
        for name in names
        if is_conflict_copy(name)
    ]
    if not copies:
        return Check("copies", "ok", "no sync-conflict copies")
    many = "1 sync-conflict copy" if len(copies) == 1 else f"{len(copies)} sync-conflict copies"
    mend = "merge what is in it into the note, and delete it; Companion leaves it alone"
    return Check("copies", "hint", f"{many}, as {min(copies)}", mend)


def check_events(config: Config, root: Path) -> Check:
    """Return whether the system tells of changes in the vault, by having it do so for a moment."""
    watch = Watch(root, lambda _: None)
    try:
        watch.start()
    except WatchUnavailable as unavailable:
        mend = f"changes are found every {config.background.rescan_seconds:g} s all the same"
        return Check("events", "hint", unavailable.reason, mend)
    finally:
        watch.stop()
    return Check("events", "ok", "the system tells of every change")


def check_spending(config: Config, root: Path) -> Check:
    """Return what was spent today, and whether a cap is reached. Raises UsageError (its price)."""
    with open_spending(config, root) as spending:
        if not (common_state_folder() / "spending.sqlite3").exists():
            return Check("spending", "ok", "nothing so far")
        spent = spending.spent_today()
    tokens = spent.input_tokens + spent.output_tokens
    money = "" if spent.dollars is None else f", ${spent.dollars:,.4f}"
    notes, most = spent.background_notes, config.background.notes_a_day
    said = f"today {tokens:,} tokens{money}; {notes} of {most} notes in the background"
    limits = config.limits
    caps = ((tokens, limits.tokens_a_day), (spent.dollars, limits.dollars_a_day), (notes, most))
    if any(so_far is not None and cap is not None and so_far >= cap for so_far, cap in caps):
        mend = "it goes on at midnight; raise [limits] or notes_a_day to go on today"
        return Check("spending", "hint", f"{said}: a limit is reached", mend)
    return Check("spending", "ok", said)


def _is_hidden(folder: str, root: Path) -> bool:
    return any(part.startswith(".") for part in Path(folder).relative_to(root).parts)
