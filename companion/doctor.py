"""Checks of the set-up; which models there are; and whether one answers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from companion import __version__
from companion.app.open_vault import find_daemon
from companion.config import Config, config_file, config_folder, load_config, state_folder
from companion.config.load import with_private_around
from companion.enrich.configured_model import open_source, open_spending
from companion.enrich.settings import make_rules
from companion.errors import CompanionError
from companion.llm.client import Client
from companion.llm.request import Question
from companion.prompts import load_prompts
from companion.store.database import open_database
from companion.store.journal import Journal
from companion.vault.ignore import OWN_FOLDER, WHOLE
from companion.vault.obsidian import SETTINGS, read_obsidian_settings, read_property_types
from companion.vault.paths import has_folder
from companion.vault.plugin_files import read_installed

_QUESTION = ({"role": "user", "content": "Answer with the word ready."},)
_ANSWER_TOKENS = 1024  # some models say, or think, a lot before the word
_PATIENCE = 20.0  # seconds that doctor waits for it
_LOW_SPACE = 100_000_000  # bytes free on the disk of the journal


class Finding(NamedTuple):
    """The result of one check. said: the finding, in words; mend: what to do; empty: nothing.

    state: with a "problem" something does not work; a "hint" is only worth knowing.
    """

    state: Literal["ok", "hint", "problem"]
    said: str
    mend: str = ""


def list_checks(
    choose: Callable[[Config], Path], asks: bool
) -> Iterator[tuple[str, Callable[[], Finding]]]:
    """Yield the checks. Without a configuration or a vault, those that need one are left out.

    choose: returns the vault, or raises UsageError.
    """
    yield "program", partial(Finding, "ok", f"Companion {__version__}")
    try:
        root = choose(load_config())
        config = load_config(root)
    except CompanionError as error:
        yield "configuration", partial(Finding, "problem", str(error))
        return
    state = state_folder(root)
    yield "configuration", partial(Finding, "ok", f"{config_file()}")
    yield "model", partial(check_model, config)
    if asks:
        yield "answer", partial(check_answer, config)
    yield "vault", partial(check_vault, root)
    yield "private", partial(check_private, config, root)
    yield "plugin", partial(check_plugin, root)
    yield "prompts", partial(check_prompts, config, root)
    yield "state", partial(check_state, state)
    yield "journal", partial(check_journal, state)
    yield "daemon", partial(check_daemon, state)


def check_model(config: Config) -> Finding:
    """Check that the embedded model's file is here."""
    if config.is_model_missing:
        said = f"{config.endpoint.model} is not fetched yet"
        return Finding("hint", said, "companion model pull does that")
    return Finding("ok", config.describe_endpoint())


def check_answer(config: Config) -> Finding:
    """Check that the model answers. Raises EndpointError or AnswerError if it does not."""
    if config.is_model_missing:
        return Finding("hint", "not asked, since it is not fetched yet")
    timeout = min(config.endpoint.timeout, _PATIENCE)
    endpoint = config.endpoint.model_copy(update={"timeout": timeout})
    ask_model(config.model_copy(update={"endpoint": endpoint}))
    return Finding("ok", "the model answers")


def check_vault(root: Path) -> Finding:
    """Check that the vault is writable and Obsidian's. Raises UsageError (Obsidian's settings)."""
    if not os.access(root, os.W_OK | os.X_OK):
        return Finding("problem", f"{root} is read-only", "make the folder writable for you")
    if not (root / SETTINGS).is_dir():
        mend = "name the vault's top folder, or open this one in Obsidian once"
        return Finding("hint", f"{root} has no {SETTINGS} folder", mend)
    read_obsidian_settings(root)
    return Finding("ok", str(root))


def check_private(config: Config, root: Path) -> Finding:
    """Return what is private, by the vault's settings and those of vaults around it.

    A folder that the vault does not have is probably a typo.
    """
    private = with_private_around(root, config).private
    if missing := [
        each for each in private.folders if each != WHOLE and not has_folder(root, each)
    ]:
        mend = "correct its name: companion config edit"
        return Finding("hint", f"the vault has no folder {missing[0]}, which is private", mend)
    folders = ["this whole vault" if each == WHOLE else each for each in private.folders]
    marks = [*folders, *(f"#{tag}" for tag in private.tags), *(name for name, _ in private.marks)]
    return Finding("ok", ", ".join(dict.fromkeys(marks)) or "nothing")


def check_prompts(config: Config, root: Path) -> Finding:
    """Check that the prompts load, the user's own included. Raises UsageError, PromptError."""
    types = read_property_types(root)
    prompts = load_prompts(config_folder() / "prompts", root / OWN_FOLDER / "prompts", types=types)
    make_rules(config, prompts)
    return Finding("ok", f"for {', '.join(sorted(each.fills for each in prompts.fields.values()))}")


def check_plugin(root: Path) -> Finding:
    """Check that the Obsidian plugin is in the vault, enabled, and of our version."""
    version, enabled = read_installed(root)
    if version is None:
        return Finding("ok", "not in this vault; companion plugin install puts it there")
    if version != __version__:
        mend = "companion plugin install, and reload Obsidian"
        return Finding("hint", f"it is version {version}, and this is {__version__}", mend)
    if not enabled:
        return Finding("hint", "not enabled", "turn it on in Obsidian: Settings, Community plugins")
    return Finding("ok", f"version {version}, enabled")


def check_state(state: Path) -> Finding:
    """Check that the vault's state folder is writable, with room on its disk."""
    there = next(folder for folder in (state, *state.parents) if folder.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        said = f"{there} cannot be written: no change could be undone"
        return Finding("problem", said, "make it writable, or set COMPANION_HOME")
    free = shutil.disk_usage(there).free
    if free < _LOW_SPACE:
        return Finding("problem", f"{there} has only {free / 1e6:,.0f} MB free", "free some space")
    return Finding("ok", str(state))


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
    with Journal(file) as journal:
        pending = len(journal.pending())
    if pending:
        mend = "the next command that writes, or the daemon, finishes or restores what is open"
        return Finding("hint", f"interrupted changes: {pending}", mend)
    return Finding("ok", "the journal is sound")


def check_daemon(state: Path) -> Finding:
    """Check that the vault's daemon, if one runs, has our version."""
    place = find_daemon(state)
    if place is None:
        return Finding("ok", "it does not run; companion serve starts it")
    where = f"http://127.0.0.1:{place.port}, process {place.pid}"
    if place.version != __version__:
        said = f"it runs version {place.version}, and this is {__version__} ({where})"
        return Finding("problem", said, "stop it, and start it again: companion serve")
    return Finding("ok", f"it runs: {where}")


def ask_model(config: Config) -> None:
    """Ask the model one short question. Raises EndpointError or AnswerError if it is silent."""
    with (
        open_spending(config) as spending,
        open_source(config) as source,
        Client(source, budget=spending) as client,
    ):
        client.retries = 0  # the user is waiting
        client.ask(Question(_QUESTION, _ANSWER_TOKENS))
