"""The checks of companion doctor: configuration, model, prompts, vault, state, spending."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from hashlib import file_digest
from pathlib import Path
from threading import Event
from typing import Literal, NamedTuple

from companion import __version__
from companion.config import Config, common_state_folder, config_file, config_folder, load_config
from companion.config.load import (
    ENDPOINT_VARIABLES,
    describe_gone_settings,
    vault_files,
    with_private_around,
)
from companion.doctor.machine import advice_on_thinking, probe_client
from companion.doctor.unused_settings import count_marks, find_unused_folders, find_unused_marks
from companion.enrich.checks import find_unchecked
from companion.enrich.configured_model import open_client, open_spending
from companion.enrich.vault_settings import make_rules
from companion.enrich.workspace import open_workspace
from companion.errors import CompanionError, UsageError
from companion.llm.catalog import find_model, model_path, models_folder
from companion.llm.endpoint import FREE
from companion.private_files import is_private
from companion.prompts import load_prompts
from companion.store.database import open_database
from companion.store.journal import Journal
from companion.vault.conflict_copies import is_conflict_copy
from companion.vault.ignore import OWN_FOLDER, WHOLE
from companion.vault.obsidian import SETTINGS, read_obsidian_settings, read_property_types
from companion.vault.plugin_files import read_installed

FindingState = Literal["ok", "hint", "problem"]

# bytes free on the disk of the journal, which keeps each note as it was before a change
_LOW_SPACE = 100_000_000
_NO_SPACE = 10_000_000
_PULL = "companion model pull fetches it"
_KEY = re.compile(r"^[^#\n]*\bapi_key\b", re.MULTILINE)


class Finding(NamedTuple):
    """The result of one check. said: the finding, in words; mend: what to do; empty: nothing.

    state: with a "problem" something does not work; a "hint" is only worth knowing.
    """

    state: FindingState
    said: str
    mend: str = ""


NamedCheck = tuple[str, Callable[[], Finding]]


def run_checks(checks: Iterable[NamedCheck]) -> Iterator[tuple[str, Finding]]:
    """Yield each check's name and finding. An error in one is a problem, and the next is run."""
    for name, check in checks:
        try:
            finding = check()
        except CompanionError as error:
            finding = Finding("problem", str(error))
        except Exception as error:  # the other checks may say why
            said = f"unexpected {type(error).__name__}: {error}"
            finding = Finding("problem", said, "please report it")
        yield name, finding


def check_program() -> Finding:
    """Return the versions of Companion, Python and the system."""
    where = f"{platform.system()} {platform.machine()}"
    return Finding("ok", f"Companion {__version__}, Python {platform.python_version()}, {where}")


def check_configuration() -> Finding:
    """Check that the common configuration is valid, and that only its owner can read keys.

    It also checks those of vaults with their own settings.

    Raises UsageError, naming each faulty or unknown setting.
    """
    load_config()
    file = config_file()
    set_ = [name for name in ENDPOINT_VARIABLES if os.environ.get(name)]
    also = f"; {', '.join(set_)} from the environment" if set_ else ""
    if not file.exists():
        mend = "" if set_ else "companion init VAULT writes one"
        return Finding("ok" if set_ else "hint", f"no file {file}{also}", mend)
    for each in (file, *vault_files()):
        if _KEY.search(each.read_text("utf-8-sig", "replace")) and not is_private(each):
            said = f"others may read {each}, which holds a key"
            return Finding("problem", said, f"chmod 600 {each}")
    if gone := describe_gone_settings(file, *vault_files()):
        return Finding(
            "hint", "\n".join(gone), "companion config edit: remove those that no longer apply"
        )
    return Finding("ok", f"{file}{also}")


def check_answer_checks() -> Finding:
    """Check that answers are checked, by this process's environment; a daemon's may differ."""
    if unchecked := find_unchecked():
        return Finding("hint", unchecked, "unset it, and start the daemon again")
    return Finding("ok", "what the model says is checked before it goes into a note")


def check_model(config: Config, *, thorough: bool) -> Finding:
    """Check that the model can be asked; if it is embedded, that its file is here and complete.

    thorough: also verify its checksum, which reads the whole file.

    Raises UsageError if there is no such model, or the endpoint's address is invalid.
    """
    if not config.is_embedded:
        return Finding("ok", config.describe_endpoint())
    model = find_model(config.endpoint.model)
    path = model_path(model.name)
    if path is None:
        part = models_folder() / model.file
        if part.is_file():
            length = part.stat().st_size
            said = f"the file of {model.name} has {length:,} bytes, not {model.size:,}"
            return Finding("problem", said, f"delete {part}; {_PULL} again")
        said = f"{model.name} is not on this machine yet; the first run fetches it"
        return Finding("hint", said, f"{_PULL} now")
    if thorough and model.sha256:
        with path.open("rb") as file:
            if file_digest(file, "sha256").hexdigest() != model.sha256:
                mend = f"delete {path}; {_PULL} again"
                return Finding("problem", f"the file of {model.name} is damaged", mend)
    gigabytes = path.stat().st_size / 1e9
    looked = "not verified; companion doctor --thorough does that"
    if thorough and model.sha256:
        looked = "right"
    return Finding("ok", f"{config.describe_endpoint()}; {gigabytes:.1f} GB, checksum {looked}")


def check_answer(config: Config) -> Finding:
    """Check that the model answers, and how fast.

    Raises EndpointError or AnswerError if it does not answer; UsageError if the embedded model is
    not on this machine, or the endpoint's address is invalid.
    """
    with open_client(config, Event()) as client:
        client.retries = 1  # the user is waiting
        probed = probe_client(client)
    said = f"the model answered within {probed.seconds:.1f} s"
    if not probed.thinks:
        return Finding("ok", said)
    mend = advice_on_thinking(config)
    return Finding("hint" if mend else "ok", f"{said}, and thought first", mend)


def check_prompts(config: Config, root: Path) -> Finding:
    """Check that the prompts load, the user's own included. Raises UsageError, PromptError."""
    types: dict[str, str] = {}
    with suppress(CompanionError):  # check_vault reports it
        types = read_property_types(root)
    prompts = load_prompts(config_folder() / "prompts", root / OWN_FOLDER / "prompts", types=types)
    make_rules(config, prompts)
    filled = sorted(field.fills for field in prompts.fields.values())
    return Finding("ok", f"for {', '.join(filled)}")


def check_vault(root: Path) -> Finding:
    """Check that the vault is writable and Obsidian's. Raises UsageError (Obsidian's settings)."""
    if not os.access(root, os.W_OK | os.X_OK):
        mend = "make the folder writable for you"
        return Finding("problem", f"{root} is read-only: notes cannot be filled", mend)
    if not (root / SETTINGS).is_dir():
        mend = "name the vault's top folder, or open this one in Obsidian once"
        return Finding("hint", f"{root} has no {SETTINGS} folder", mend)
    read_obsidian_settings(root)
    return Finding("ok", str(root))


def check_folders(config: Config, root: Path) -> Finding:
    """Check that the folders in [ignore] and [private] are in the vault."""
    if missing := find_unused_folders(config, root):
        return Finding("problem", "; ".join(missing), "correct their names: companion config edit")
    number = len(config.ignore.folders) + len(config.private.folders)
    return Finding("ok", f"{number} folder{'s' * (number != 1)} named in the configuration")


def check_marks(config: Config, root: Path) -> Finding:
    """Check that each tag, property and pattern in [ignore] and [private] matches a note.

    Raises UsageError, PromptError, JournalError if the vault cannot be scanned.
    """
    if number := count_marks(config):
        with open_workspace(config, root, read_only=True) as workspace:
            missing = find_unused_marks(config, workspace.scan())
        if missing:
            mend = "correct their spelling in config.toml, unless you will add such notes later"
            return Finding("hint", "; ".join(missing), mend)
    marks = f"{number} mark{'s' * (number != 1)} (tags, properties, patterns)"
    return Finding("ok", f"{marks} named in the configuration")


def describe_private(config: Config, root: Path) -> str:
    """Return what is private in the vault, by its settings and those of vaults around it.

    Raises UsageError if these cannot be used.
    """
    private = with_private_around(root, config).private
    folders = ["this whole vault" if each == WHOLE else each for each in private.folders]
    marks = [*folders, *(f"#{tag}" for tag in private.tags), *(name for name, _ in private.marks)]
    return ", ".join(dict.fromkeys(marks)) or "nothing"


def check_plugin(root: Path) -> Finding:
    """Check that the Obsidian plugin is in the vault, enabled, and of our version.

    Never a problem, since Companion works without it. Restricted mode cannot be read from files.
    """
    try:
        version, enabled = read_installed(root)
    except UsageError as error:
        return Finding("hint", str(error))
    if version is None:
        said = "it is not in this vault; companion plugin install puts it there"
        return Finding("hint" if enabled else "ok", said)
    if version != __version__:
        mend = "companion plugin install, and reload Obsidian"
        return Finding("hint", f"it is version {version}, and this is {__version__}", mend)
    if not enabled:
        mend = "turn it on in Obsidian: Settings, Community plugins"
        return Finding("hint", f"version {version} is there, but not enabled", mend)
    return Finding("ok", f"version {version}, enabled")


def check_state(state: Path) -> Finding:
    """Check that the vault's state folder is writable, with room on its disk."""
    there = next(folder for folder in (state, *state.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        said = f"{there} cannot be written ({error.strerror}): no change could be undone"
        return Finding("problem", said, "make it writable, or set COMPANION_HOME")
    free = shutil.disk_usage(there).free
    room = f"{free / 1e9:,.1f} GB free" if free >= 1e9 else f"{free / 1e6:,.0f} MB free"
    if free < _LOW_SPACE:
        worst: FindingState = "problem" if free < _NO_SPACE else "hint"
        return Finding(worst, f"{there} has only {room}", "free some space on that disk")
    return Finding("ok", f"{state}, {room}")


def check_journal(state: Path) -> Finding:
    """Check that the journal is intact, with no interrupted change. Raises JournalError."""
    file = state / "journal.sqlite3"
    if not file.exists():
        return Finding("ok", "none yet: nothing was changed so far")
    with closing(open_database(file)) as db:
        verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        mend = f"move {file} aside; then earlier changes can neither be undone nor recovered"
        return Finding("problem", f"it is damaged: {verdict}", mend)
    if pending := find_interrupted(state):
        mend = "the next command that writes, or the daemon, finishes or restores what is open"
        said = "1 change was" if pending == 1 else f"{pending} changes were"
        return Finding("hint", f"{said} interrupted", mend)
    with Journal(file) as journal:
        newest = next(iter(journal.changes(limit=1)), None)
    said = f"the newest change is {newest.id}" if newest else "no changes yet"
    return Finding("ok", f"{said}; the journal is sound")


def find_interrupted(state: Path) -> int:
    """Return how many changes were interrupted; the journal may be damaged elsewhere.

    Raises JournalError.
    """
    with Journal(state / "journal.sqlite3") as journal:
        return len(journal.pending())


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
        return Finding("ok", "no sync-conflict copies")
    many = "1 sync-conflict copy" if len(copies) == 1 else f"{len(copies)} sync-conflict copies"
    mend = "merge what is in it into the note, and delete it; Companion leaves it alone"
    return Finding("hint", f"{many}, as {min(copies)}", mend)


def check_events(root: Path) -> Finding:
    """Check that the system reports changes of files in the vault, by watching it for a moment."""
    from companion.vault.watch import Watch, WatchUnavailable  # watchdog: for no other command

    watch = Watch(root, lambda _: None)
    try:
        watch.start()
    except WatchUnavailable as unavailable:
        mend = "changes are found every 10 s to 5 minutes all the same"
        return Finding("hint", str(unavailable), mend)
    finally:
        watch.stop()
    return Finding("ok", "the system reports every change")


def check_spending(config: Config, root: Path) -> Finding:
    """Return today's spending, and whether a limit is reached. Raises UsageError (price)."""
    with open_spending(config, root) as spending:
        if not (common_state_folder() / "spending.sqlite3").exists():
            return Finding("ok", "nothing so far")
        spent = spending.spent_today()
    tokens = spent.input_tokens + spent.output_tokens
    money = "" if spent.dollars is None else f", ${spent.dollars:,.4f}"
    money = f", {FREE}" if config.endpoint.is_free and not spent.dollars else money
    notes, most = spent.background_notes, config.background.notes_a_day
    said = f"today {tokens:,} tokens{money}; {notes} of {most} notes in the background"
    limits = config.limits
    caps = ((tokens, limits.tokens_a_day), (spent.dollars, limits.dollars_a_day), (notes, most))
    if any(so_far is not None and cap is not None and so_far >= cap for so_far, cap in caps):
        mend = "it continues at midnight; raise [limits] or notes_a_day to continue today"
        return Finding("hint", f"{said}: a limit is reached", mend)
    return Finding("ok", said)
