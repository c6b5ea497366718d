"""companion review: go through the proposals one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from companion.app.run import new_run
from companion.app.types.proposals import FLAG_WORDS, Decisions, PlaceQuery, Proposal, ProposalQuery
from companion.app.vault import Vault
from companion.cli.output import Output, edit_text, one_line
from companion.cli.proposals import find_proposals
from companion.cli.session import NOTE_PATH, common_options, field_option, open_session_vault
from companion.errors import CompanionError, NoteError, UsageError

_HELP = """\
a - accept it: write it into the note
r - refuse it; it is not asked for again
e - edit it in $EDITOR, and write that
s - skip it; it waits
q - quit; the rest waits"""


@click.command()
@click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="[PATH]...")
@field_option
@click.option("--flagged", is_flag=True, help="Only flagged ones, to look at closely.")
@common_options
def review(paths: Sequence[str], field: str | None, flagged: bool, vault: Path | None) -> None:
    """Decide on proposals, one at a time.

    Each is shown in its place in the note, with why the note was picked, and why it is flagged if
    it is. Answer with a letter and Enter. Your decisions take effect at once; what you skip waits.
    """
    output = Output()
    if not (output.can_ask and output.out.is_terminal):
        raise UsageError(
            "a review needs a terminal to ask on; companion proposals lists what waits, and"
            " companion apply and companion refuse decide on it"
        )
    with open_session_vault(vault, paths, output=output) as opened:
        query = ProposalQuery.of(field=field, flagged=flagged or None)
        proposals = find_proposals(opened, paths, query)
        output.say(_HELP if proposals else "No proposals wait.", style="dim")
        run, done = new_run(), Counter[str]()
        try:
            for at, proposal in enumerate(proposals, 1):
                output.say(f"\n({at}/{len(proposals)}) {one_line(proposal.path)}", style="bold")
                _show(opened, proposal, output)
                key = click.prompt("Accept it", type=click.Choice("aresq"), prompt_suffix="? ")
                if key == "q":
                    break
                done[key] += _decide(opened, proposal, key, run, output)
        finally:
            if proposals:
                written = done["a"] + done["e"]
                left = len(proposals) - written - done["r"]
                output.say(f"\n{written} written, {done['r']} refused, {left} left for later.")
                if written:
                    output.say(f"To undo what was written: companion undo --run {run}")


def _show(vault: Vault, proposal: Proposal, output: Output) -> None:
    """Show the proposal in its place, and what speaks against it."""
    place = f" “{proposal.heading}”" if proposal.heading else ""
    output.say(f"{proposal.kind}{place}: {proposal.why or 'asked for'}")
    for flag in proposal.flags:
        output.say(f"! {FLAG_WORDS[flag]}", style="yellow")
    output.say()
    try:
        output.print_word_diff(vault.place(proposal.id, PlaceQuery()).parts)
    except NoteError as error:
        output.print_word_diff([("+", f"{proposal.lines}\n")])
        output.warn(f"It cannot be written now: {error.reason}")
    output.say()


def _decide(vault: Vault, proposal: Proposal, key: str, run: str, output: Output) -> bool:
    """Carry out the letter, see _HELP; return whether that was done. If not, say why."""
    edited = edit_text(proposal.lines, ".md") if key == "e" else None
    if key == "s" or (key == "e" and edited is None):
        return False
    text = edited.rstrip("\n") if edited else None
    accept = [] if key == "r" else [{"id": proposal.id, "text": text}]
    refuse = [proposal.id] if key == "r" else []
    try:
        results = list(vault.decide(Decisions.of(accept=accept, refuse=refuse, run=run)))
    except CompanionError as error:
        output.warn(str(error))
        return False
    reasons = {each.reason for result in results for each in result.decided if each.reason}
    for reason in sorted(reasons):
        output.warn(f"{one_line(proposal.path)}: {reason}")
    return not reasons
