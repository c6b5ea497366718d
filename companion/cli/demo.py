"""companion demo: the main job on an example vault, with the commands that a user types."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path

import click

import companion
from companion.app.open_vault import find_daemon, open_vault
from companion.app.types.notes import ScanReport, Selection
from companion.app.types.proposals import FLAG_WORDS, Proposal, ProposalQuery
from companion.app.types.runs import NoteResult, RunOptions
from companion.app.vault import all_proposals
from companion.cli import run
from companion.cli.model import fetch_model_of
from companion.cli.output import Output, count
from companion.cli.session import StopSignals, VaultPathType
from companion.config import common_state_folder
from companion.config.load import ENDPOINT_VARIABLES
from companion.errors import UsageError, VaultLocked
from companion.llm.catalog import find_model
from companion.vault.paths import find_vault

_OURS = ".companion-demo"  # a folder in the vault: the demo made it, and keeps its settings there


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--vault", type=VaultPathType(), help="Where the example vault is, or should go.")
@click.option("--model", metavar="NAME", help="A model from companion model list.")
def demo(command: tuple[str, ...], vault: Path | None, model: str | None) -> int:
    """See it work on an example vault.

    A model on this machine fills its notes; then you see what was written, what waits for you and
    what was not touched.

    The vault goes into Companion's state folder, or where --vault says: a new or an empty folder.
    It has its own settings and history; yours are not touched. Run it again to put the example
    notes back as they were; notes that you added stay.

    With COMMAND, as in companion demo undo, it runs that command on the example vault.
    """
    folder = (vault or common_state_folder() / "demo").expanduser().absolute()
    if command and not _is_ours(folder):
        raise UsageError(f"there is no example vault in {folder}; companion demo puts one there")
    if not command:
        _make_vault(folder, model)
    with _working_in(folder):
        if command:
            return run(list(command))
        output = Output()
        output.say(f"A copy of the example vault is in {folder}; your notes are not touched.")
        program = Path(sys.argv[0])
        in_checkout = len(program.parts) > 1 and not program.is_absolute()  # no shell searches it
        typed = [sys.argv[0] if in_checkout else "companion", "demo"]
        typed += ["--vault", str(vault)] if vault else []
        return _show_demo(folder.resolve(), shlex.join(typed), output)


def _make_vault(folder: Path, model: str | None) -> None:
    """Restore the example notes in the folder, with new settings.

    Raises UsageError unless the folder is new, empty, or made by the demo, and outside any vault,
    and the model exists.
    """
    if model:
        find_model(model)
    if not _is_ours(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(
                f"{folder} is not empty, and not the demo's; name a new folder by --vault"
            )
        if around := find_vault(folder.parent):
            raise UsageError(f"{folder} is in the vault {around}; name a folder outside by --vault")
    home = _home(folder)
    for state in (home / "vaults").glob("*"):
        if place := find_daemon(state):
            raise VaultLocked(f"a daemon (pid {place.pid}) works on {folder}; stop it first")
    home.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700)
    _copy_examples(folder.resolve())
    if model:
        (home / "config.toml").write_text(f"[endpoint]\nmodel = {json.dumps(model)}\n")


def _copy_examples(folder: Path) -> None:
    """Write the example notes into the folder, a real path. Raises UsageError at a link in it."""
    package = Path(companion.__file__).parent
    packed = package / "_examples"  # in the wheel; else they are beside the package
    examples = packed if packed.is_dir() else package.parent / "examples" / "vault"
    for source in sorted(examples.rglob("*")):
        target = folder / source.relative_to(examples)
        if target.resolve() != target:
            raise UsageError(f"{target} is a symbolic link, or behind one; remove that link")
        if source.is_dir():
            target.mkdir(exist_ok=True)
        else:
            target.write_bytes(source.read_bytes())


def _is_ours(folder: Path) -> bool:
    ours = folder / _OURS
    return ours.is_dir() and not ours.is_symlink()


def _home(folder: Path) -> Path:
    return folder / _OURS / "home"


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    """Make folder the current one, with the settings of the example vault, not the user's."""
    before = dict(os.environ)
    os.environ["COMPANION_HOME"] = str(_home(folder))
    for name in ENDPOINT_VARIABLES:
        os.environ.pop(name, None)
    try:
        with chdir(folder):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


_SHOWN = 2  # notes whose changes are shown
_LINES = 4  # of each; and of what waits, and of what is left alone
_MARKS = {"enriched": "✓", "proposed": "?"}


def _show_demo(root: Path, demo: str, output: Output) -> int:
    """Fill the example vault at root, show the results, and return the exit status.

    demo: the command that works on this vault.
    """
    before = _read_notes(root)
    with open_vault(root) as vault:
        report = vault.scan(Selection())
        to_do = [path for path, note in report.notes.items() if note.needs]
        output.say(
            f"{len(to_do)} of {count(len(before), 'note')} lack a description, a property or a"
            " callout, or ask a question."
        )
        fetch_model_of(root, output)
        run = vault.run(RunOptions(paths=[""], diff=True))
        output.say(f"{vault.status().model} fills them now:", style="bold")
        results = []
        with StopSignals(output, run.cancel, run.break_off) as interruption:
            for result in run:
                results.append(result)
                mark, words = _MARKS.get(result.status, "-"), " ".join(_describe(result).split())
                output.say(output.clip(f"  {mark} {result.path}: {words}"))
        if interruption.exit_status:
            return interruption.exit_status
        _show_changes(results, output)
        _show_waiting(list(all_proposals(vault, ProposalQuery())), output)
        _show_untouched(report, before, _read_notes(root), output)
        again = vault.run(RunOptions(paths=[""]))
        changed = sum(bool(result.changes) for result in again)
        said = f"{again.usage.calls} questions to the model, {changed} notes changed"
        output.say(f"A second run: {said}", style="bold")
    output.say(f"Decide on what waits: {demo} review. Take everything back: {demo} undo")
    output.say(f"On a page in the browser: {demo} serve, and beside it {demo} open")
    return 0


def _describe(result: NoteResult) -> str:
    """Return the first text that was written; else what waits, or why there is nothing."""
    for filled in result.changes:
        between = " " if filled.kind == "callout" else ", "
        return filled.text if isinstance(filled.text, str) else between.join(filled.text)
    return result.reason or "nothing"


def _show_changes(results: Sequence[NoteResult], output: Output) -> None:
    filled = [result for result in results if result.diff]
    output.say(f"\nFilled: {count(len(filled), 'note')}, as here:", style="bold")
    for result in sorted(filled, key=lambda each: -len(each.changes))[:_SHOWN]:
        output.say(f"  {result.path}")
        lines = [line for line in (result.diff or "").split("\n") if line[:1] in ("+", "-")]
        for line in [line for line in lines[2:] if line[1:].strip(" >")][:_LINES]:
            output.say("    " + output.clip(line, 4), style="green" if line[0] == "+" else "red")


def _show_waiting(proposals: Sequence[Proposal], output: Output) -> None:
    if not proposals:
        return
    output.say(f"Waiting for you: {count(len(proposals), 'value')}", style="bold")
    whys = Counter(FLAG_WORDS[flag] for each in proposals for flag in each.flags[:1])
    for why, number in whys.most_common(_LINES):
        output.say("  " + output.clip(f"{number:>2}  {why}", 2))


def _show_untouched(
    report: ScanReport, before: dict[str, bytes], after: dict[str, bytes], output: Output
) -> None:
    same = sum(after.get(path) == text for path, text in before.items())
    output.say(
        f"Not touched: {count(same, 'note')}, to the byte; left alone, and why:", style="bold"
    )
    for path, reason in list(report.skipped.items())[:_LINES]:
        output.say("  " + output.clip(f"{path}: {reason}", 2))


def _read_notes(root: Path) -> dict[str, bytes]:
    notes = (file for file in sorted(root.rglob("*.md")) if _OURS not in file.parts)
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in notes}
