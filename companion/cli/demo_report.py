"""What companion demo shows: a line for each note as it is filled, and one screen at the end."""

from __future__ import annotations

import logging
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import Thread

from companion.app.open_vault import open_vault
from companion.app.types.notes import ScanOptions, ScanReport
from companion.app.types.proposals import FLAG_WORDS, Proposal, ProposalQuery
from companion.app.types.results import NoteResult
from companion.app.types.runs import RunOptions
from companion.app.vault import Vault, all_proposals
from companion.cli.interrupts import stop_on_signals
from companion.cli.model import fetch_model_of
from companion.cli.output import Output, count
from companion.config import load_config
from companion.daemon.access import CARRIED_LENGTH, new_code
from companion.daemon.daemon import Daemon
from companion.daemon.process import serve
from companion.daemon.web.pages import find_missing_files
from companion.llm.download_words import Pulse

_SHOWN = 2  # notes whose changes are shown
_LINES = 4  # of each; and of what waits, and of what is left alone
_PAGE_SECONDS = 3600.0  # that the code in the page's address is valid: somebody reads first
_MARKS = {"enriched": "✓", "proposed": "?"}


def show_demo(root: Path, demo: str, output: Output) -> int:
    """Fill the example vault at root, tell what came of it, and return the exit status.

    demo: the command that works on this vault. Where somebody is there, the vault's page is served
    until they end it.
    """
    before = _read_notes(root)
    with open_vault(root) as vault:
        report = vault.scan(ScanOptions())
        to_do = [path for path, note in report.notes.items() if note.needs]
        output.say(
            f"{len(to_do)} of {count(len(before), 'note')} miss a description, a property or a"
            " callout, or ask a question."
        )
        at_once = load_config(root).concurrency
        fetch_model_of(root, output)
        run = vault.run(RunOptions(paths=[""], diff=True))
        output.say(f"{vault.status().model} fills them now:", style="bold")
        with stop_on_signals(output, run.cancel, run.give_up) as interruption:
            results = list(_follow(run, to_do, at_once, output))
        if interruption.exit_status:
            return interruption.exit_status
        _show_changes(results, output)
        _show_waiting(list(all_proposals(vault, ProposalQuery())), output)
        _show_untouched(report, before, _read_notes(root), output)
        _show_second_run(vault, output)
    output.say(f"Decide on what waits: {demo} review. Take everything back: {demo} undo")
    if find_missing_files():
        output.say("This checkout has no page yet, to do that in the browser: make dev builds it")
    elif output.can_ask:
        _serve_page(root, output)
    else:
        output.say(f"On a page in the browser: {demo} serve, and beside it {demo} open")
    return 0


def _follow(
    results: Iterable[NoteResult], to_do: Sequence[str], at_once: int, output: Output
) -> Iterator[NoteResult]:
    """Yield the results, and show each in a line, and before it which notes are worked on.

    at_once: how many notes are.
    """

    def write(text: str) -> None:
        output.out.print(text, end="", markup=False)
        output.out.file.flush()

    waiting = list(to_do)
    with Pulse(write) as pulse:
        pulse.write(_name_first(waiting[:at_once]))
        for result in results:
            mark, words = _MARKS.get(result.status, "-"), " ".join(_describe(result).split())
            waiting = [path for path in waiting if path != result.path]
            line = output.clip(f"  {mark} {result.path}: {words}")
            pulse.write(f"\n{line}\n{_name_first(waiting[:at_once])}")
            yield result


def _name_first(paths: Sequence[str]) -> str:
    names = ", ".join(path.rpartition("/")[2].removesuffix(".md") for path in paths)
    return f"    asking about {names} " if names else ""


def _describe(result: NoteResult) -> str:
    """Return the first text that was written; else what waits, or why there is nothing."""
    for filled in result.changes:
        between = " " if filled.kind == "callout" else ", "
        return filled.text if isinstance(filled.text, str) else between.join(filled.text)
    return result.reason or "nothing"


def _show_changes(results: Sequence[NoteResult], output: Output) -> None:
    """Show how many notes were filled, and what changed in those that show most."""
    filled = [result for result in results if result.diff]
    output.say(f"\nFilled: {count(len(filled), 'note')}, as here:", style="bold")
    for result in sorted(filled, key=lambda each: -len(each.changes))[:_SHOWN]:
        output.say(f"  {result.path}")
        lines = [line for line in (result.diff or "").split("\n") if line[:1] in ("+", "-")]
        for line in [line for line in lines[2:] if line[1:].strip(" >")][:_LINES]:
            output.say("    " + output.clip(line, 4), style="green" if line[0] == "+" else "red")


def _show_waiting(proposals: Sequence[Proposal], output: Output) -> None:
    """Show what is to be decided on, and why it was not written at once."""
    if not proposals:
        return
    output.say(f"Waiting for you: {count(len(proposals), 'value')}", style="bold")
    whys = Counter(FLAG_WORDS[flag] for each in proposals for flag in each.flags[:1])
    for why, number in whys.most_common(_LINES):
        output.say("  " + output.clip(f"{number:>2}  {why}", 2))


def _show_untouched(
    report: ScanReport, before: dict[str, bytes], after: dict[str, bytes], output: Output
) -> None:
    """Show how many notes are as they were, to the byte, and which are left alone, and why."""
    same = sum(after.get(path) == text for path, text in before.items())
    output.say(f"Not touched: {count(same, 'note')}, to the byte", style="bold")
    for path, reason in list(report.skipped.items())[:_LINES]:
        output.say("  " + output.clip(f"{path}: {reason}", 2))


def _show_second_run(vault: Vault, output: Output) -> None:
    """Do it all a second time, and say what that came to."""
    run = vault.run(RunOptions(paths=[""], diff=True))
    changed = sum(bool(result.diff) for result in run)
    asked = count(run.usage.calls, "question") if run.usage.calls else "no question"
    told = f"{asked} to the model, {count(changed, 'note') if changed else 'no note'} changed"
    output.say(f"A second run: {told}", style="bold")


def _serve_page(root: Path, output: Output) -> None:
    """Serve the vault's page, and print its address, until Ctrl-C or Enter."""

    def ready(daemon: Daemon, port: int) -> None:
        code = new_code(daemon.state, _PAGE_SECONDS, length=CARRIED_LENGTH, purpose="page")
        output.say(f"This inbox as a page: http://127.0.0.1:{port}/#code={code}", style="bold")
        output.say("Enter or Ctrl-C ends it.")
        Thread(target=_end_on_enter, name="enter", daemon=True).start()

    logging.getLogger().addHandler(logging.NullHandler())  # what the daemon does is in its log
    serve(root, 0, ready)


def _end_on_enter() -> None:
    sys.stdin.readline()
    signal.raise_signal(signal.SIGINT)


def _read_notes(root: Path) -> dict[str, bytes]:
    """Return the notes' bytes by path."""
    notes = (file for file in sorted(root.rglob("*.md")) if ".companion-demo" not in file.parts)
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in notes}
