"""companion doctor: what is set up, what is wrong, how to fix it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from socket import create_connection

import click

from companion import __version__
from companion.app.open_vault import find_daemon, name_path
from companion.app.tokens import has_token, read_token, token_file
from companion.app.types.proposals import NotesToForget
from companion.cli.output import Output, count
from companion.cli.session import (
    NOTE_PATH,
    choose_vault,
    common_options,
    open_session_vault,
)
from companion.config import Config, config_file, load_config, state_folder
from companion.daemon.access import can_pair
from companion.daemon.http_server import bind_port
from companion.doctor import setup
from companion.doctor.setup import Finding, NamedCheck, describe_private, run_checks
from companion.errors import CompanionError, UsageError
from companion.private_files import is_private
from companion.vault.plugin_files import read_setting

_STATUS_TIMEOUT = 2.0  # seconds
_MARKS = {"ok": "✓", "hint": "!", "problem": "✗"}
_STYLES = {"ok": "green", "hint": "yellow", "problem": "red"}


@click.group(invoke_without_command=True)
@click.pass_context
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a check.")
@click.option("--no-call", is_flag=True, help="Do not ask the model anything.")
@click.option("--thorough", is_flag=True, help="Also verify the embedded model's checksum.")
@common_options
def doctor(
    context: click.Context, as_json: bool, no_call: bool, thorough: bool, vault: Path | None
) -> int:
    """Check the set-up, and answer first questions.

    It shows problems first, with what to do; then the questions that most people have, each with
    the command that says more. Nothing is changed. The model is asked for one word. The exit status
    is 1 if there is a problem.
    """
    if command := context.invoked_subcommand:
        if as_json or no_call or thorough or vault:
            raise UsageError(f"options of {command} go after it: doctor {command} --json")
        return 0
    output = Output(as_json=as_json)
    findings: dict[str, Finding] = {}
    with output.progress("Checking") as bar:
        for name, finding in run_checks(_list_checks(vault, not no_call, thorough)):
            findings[name] = finding
            bar.advance()
            if as_json:
                output.print_json({"name": name, **finding._asdict()})
            elif finding.state != "ok":
                line = f"{_MARKS[finding.state]} {name:<14} {finding.said}"
                output.say(line, style=_STYLES[finding.state])
                if finding.mend:
                    output.say(f"  {'':<14} {finding.mend}")
    states = Counter(finding.state for finding in findings.values())
    problems, hints = states["problem"], states["hint"]
    told = [count(problems, "problem")] * (problems > 0) + [count(hints, "hint")] * (hints > 0)
    fine = f"{count(states['ok'], 'check')} passed" if told else "All is well"
    output.say(f"{', '.join([*told, fine])}.", style="bold")
    for question, command, answer in _answer_questions(vault, findings):
        output.say(f"\n{question:<29} {command}", style="bold")
        output.say(f"  {answer[:1].upper()}{answer[1:]}.")
    return 1 if problems else 0


def _answer_questions(
    vault: Path | None, findings: Mapping[str, Finding]
) -> Iterator[tuple[str, str, str]]:
    """Yield the questions of a first week, a short answer, and the command that says more.

    There are none if the settings or the vault cannot be read, which the findings say.
    """
    try:
        root = choose_vault(vault, load_config())
        config = load_config(root)
        private = describe_private(config, root)
    except CompanionError:
        return

    def said(name: str) -> str:
        return findings[name].said if name in findings else "not checked"

    where = "the model runs on this machine, and nothing leaves it"
    if config.is_remote:
        where = f"notes go to {config.endpoint.address}, but none that is private"
    where += f"; private by your settings: {private}"
    places = f"history and proposals: {state_folder(root)}; settings: {config_file()}"
    leave = "it lists everything, and asks; what it wrote in notes stays, unless you undo it first"
    yield (
        "Why is this note not filled?",
        "companion scan NOTE",
        "what it needs, and what happened to it",
    )
    yield "Why is it slow?", "companion model list", said("answer")
    yield "Is it private?", "companion prompt NOTE", where
    yield "What does it cost?", "companion open", said("spending")
    yield "Is Obsidian connected?", "companion plugin install", said("plugin")
    yield "Which model is it?", "companion init", f"it is {said('model')}"
    yield "What runs?", "companion status", said("daemon")
    yield "Where is it stored?", "companion config get", places
    yield "What was changed?", "companion history --diff", said("journal")
    yield "How do I get rid of it?", "companion uninstall", leave


def _list_checks(vault: Path | None, asks: bool, thorough: bool) -> Iterator[NamedCheck]:
    """Yield the checks. Without a configuration or a vault, those that need one are left out."""
    yield "program", setup.check_program
    yield "configuration", setup.check_configuration
    yield "token", check_token
    try:
        config = load_config()
    except CompanionError:
        return  # check_configuration reported it
    try:
        root = choose_vault(vault, config)
    except CompanionError as error:
        yield from _list_model_checks(config, asks, thorough)
        yield "vault", partial(Finding, "problem", str(error))
        return
    try:
        config = load_config(root)
    except CompanionError as error:
        yield "settings", partial(Finding, "problem", str(error))
        return
    yield from _list_model_checks(config, asks, thorough)
    state = state_folder(root)
    yield "vault", partial(setup.check_vault, root)
    yield "folders", partial(setup.check_folders, config, root)
    yield "marks", partial(setup.check_marks, config, root)
    yield "plugin", partial(check_plugin, root, state)
    yield "prompts", partial(setup.check_prompts, config, root)
    yield "copies", partial(setup.check_copies, root)
    yield "events", partial(setup.check_events, root)
    yield "state", partial(setup.check_state, state)
    yield "journal", partial(setup.check_journal, state)
    yield "spending", partial(setup.check_spending, config, root)
    yield "daemon", partial(check_daemon, config, root, state)


def _list_model_checks(config: Config, asks: bool, thorough: bool) -> Iterator[NamedCheck]:
    yield "checks", setup.check_answer_checks
    yield "model", partial(setup.check_model, config, thorough=thorough)
    with suppress(CompanionError):  # setup.check_model reported it
        if asks and not config.is_model_missing:
            yield "answer", partial(setup.check_answer, config)


def check_token() -> Finding:
    """Check that only its owner can read the daemon's token. Raises UsageError."""
    file = token_file()
    if not has_token():
        return Finding("hint", "there is none yet", "companion init or companion serve makes one")
    read_token()
    if not is_private(file):
        mend = f"companion plugin token rotate, since they may have seen it; or chmod 600 {file}"
        return Finding("problem", f"others may read {file}", mend)
    return Finding("ok", str(file))


def check_plugin(root: Path, state: Path) -> Finding:
    """Check that the Obsidian plugin is in the vault, and can pair if it has not done so."""
    finding = setup.check_plugin(root)
    code = read_setting(root, "code")  # it takes it out once it has paired
    if finding.state != "ok" or code is None:
        return finding
    if can_pair(state, str(code)):
        return finding._replace(said=f"{finding.said}; it pairs once companion serve runs")
    said = f"{finding.said}, but not paired, and its code is used up or too old"
    return Finding("hint", said, "companion plugin install gives it a new one")


def check_daemon(config: Config, root: Path, state: Path) -> Finding:
    """Check that the vault's daemon answers and has our version; if none runs, that one could."""
    place = find_daemon(state)
    if place is None:
        port = config.server.port
        try:
            bind_port(port).close()
        except CompanionError:
            said = f"it does not run, and another program answers on port {port}"
            mend = "choose another port in [server], or stop that program"
            return Finding("problem", said, mend)
        return Finding("ok", f"it does not run; companion serve starts it on port {port or 'any'}")
    where = f"http://127.0.0.1:{place.port}, process {place.pid}"
    if place.version != __version__:
        said = f"it runs version {place.version}, and this is {__version__} ({where})"
        return Finding("problem", said, "stop it, and start it again: companion serve")
    try:
        with create_connection(("127.0.0.1", place.port), _STATUS_TIMEOUT):
            pass
    except OSError:
        said = f"it runs, but does not answer ({where})"
        return Finding("problem", said, "end its process, and start it again: companion serve")
    return Finding("ok", f"it runs: {where}")


@doctor.command()
@click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="[PATH]...")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@common_options
def forget(paths: Sequence[str], yes: bool, vault: Path | None) -> None:
    """Delete what Companion keeps of notes' text.

    Without PATH, this means all notes. It deletes proposed texts, the note texts they were made
    from, and the notes as they were before each change. Open proposals count as refused, and
    nothing is asked for again. Changes can still be undone: their edits are kept in the journal.
    """
    output = Output()
    if not yes:
        if not output.can_ask:
            raise UsageError("nothing was deleted, since nobody is here to agree; add --yes")
        whose = ", ".join(paths) if paths else "the whole vault"
        if not click.confirm(f"Delete what is kept of the text of {whose}?", err=True):
            output.warn("nothing was deleted")
            return
    with open_session_vault(vault, paths, output=output) as opened:
        names = [name_path(opened, path, Path.cwd()) for path in paths] or [""]
        number = opened.forget(NotesToForget.of(paths=names)).proposals
    output.say(f"the text of {count(number, 'proposal')} was deleted")
