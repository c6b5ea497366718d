"""companion review: go through the proposals one by one, as git add -p does through changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click

from companion.app.run import new_run
from companion.app.types.decisions import Decisions, Wish
from companion.app.types.proposals import FLAG_WORDS, PlaceQuery, Proposal, ProposalQuery
from companion.app.vault import Vault
from companion.cli.output import Output, edit_text, local_time, one_line
from companion.cli.proposals import find_proposals
from companion.cli.session import NOTE_PATH, common_options, field_option, open_session_vault
from companion.errors import CompanionError, NoteError, UsageError

_KEYS = "y,n,e,i,s,a,q"
_HELP = """\
y - write it into the note
n - refuse it; it is not asked for again
e - edit it in $EDITOR, and write that
i - ask for it once more: say what should be different
s - leave it for later, and go on
a - write it, and all unflagged ones that follow for this field
q - leave this one and the rest for later, and end"""


@click.command()
@click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="[PATH]...")
@field_option
@click.option("--flagged", is_flag=True, help="Only flagged ones, to look at closely.")
@common_options
def review(paths: Sequence[str], field: str | None, flagged: bool, vault: Path | None) -> None:
    """Decide on proposals, one at a time.

    It goes through them as `git add -p` goes through changes. Each is shown in its place in the
    note, with why the note was picked, and why it is flagged if it is. Answer with a letter and
    Enter; `?` lists the letters. Your decisions take effect at once; what you leave waits.
    """
    output = Output()
    if not (output.can_ask and output.out.is_terminal):
        raise UsageError(
            "a review needs a terminal to ask on; companion proposals lists what waits, and"
            " companion apply and companion refuse decide on it"
        )
    with open_session_vault(vault, paths, output=output) as opened:
        query = ProposalQuery.of(field=field, flagged=flagged or None)
        _Review(opened, output, partial(find_proposals, opened, paths, query)).go_through()


class _Review:
    """A review of proposals. Nothing is locked while it waits for an answer.

    find: returns the open proposals to review.
    """

    def __init__(self, vault: Vault, output: Output, find: Callable[[], list[Proposal]]) -> None:
        self._vault = vault
        self._output = output
        self._find = find
        self._proposals = find()
        self._at = 0
        self._run = new_run()

    def go_through(self) -> None:
        """Show each proposal, carry out the user's answers, and print a summary."""
        say = self._output.say
        if not self._proposals:
            say("No proposals wait.")
            return
        say(_HELP, style="dim")
        try:
            while self._at < len(self._proposals):
                proposal = self._vault.proposal(self._proposals[self._at].id)
                if proposal.state != "open":
                    self._at += 1
                    continue
                self._show(proposal)
                if (key := self._ask_for_key()) == "q":
                    break
                try:
                    self._do(key, proposal)
                except CompanionError as error:
                    self._output.warn(str(error))
        finally:
            still_open = {each.id for each in self._find()}
            rest = [each.id for each in self._proposals if each.id not in still_open]
            states = Counter(self._vault.proposal(id_).state for id_ in rest)
            states["open"] += len(self._proposals) - len(rest)
            words = {"accepted": "written", "open": "left for later"}
            told = (f"{n:,} {words.get(state, state)}" for state, n in states.items() if n)
            say(f"\n{', '.join(told)}.", style="bold")
            if states["accepted"]:
                say(f"To undo what was written: companion undo --run {self._run}")

    def _ask_for_key(self) -> str:
        while True:
            said = click.prompt(f"Write it [{_KEYS},?]", "", show_default=False, prompt_suffix="? ")
            if (key := str(said).strip().casefold()) in _KEYS.split(","):
                return key
            self._output.say(_HELP, style="cyan")

    def _do(self, key: str, proposal: Proposal) -> None:
        """Carry out the letter; see _HELP."""
        match key:
            case "y":
                self._write([proposal])
            case "n":
                self._decide(Decisions(refuse=[proposal.id]))
            case "e":
                edited = edit_text(proposal.lines, ".md")
                if edited is None:
                    self._output.say("It was not changed in the editor; y writes it as it is.")
                else:
                    self._write([proposal], edited.rstrip("\n"))
            case "i":
                wish = str(click.prompt("What should be different", prompt_suffix="? ")).strip()
                self._ask_again(proposal, wish)
            case "s":
                self._at += 1
            case "a":
                still_open = {each.id for each in self._find()}
                later = self._proposals[self._at + 1 :]
                alike = [e for e in later if e.kind == proposal.kind and not e.flags]
                self._write([proposal, *(each for each in alike if each.id in still_open)])

    def _show(self, proposal: Proposal) -> None:
        say, place = self._output.say, f" “{proposal.heading}”" if proposal.heading else ""
        say(f"\n({self._at + 1}/{len(self._proposals)}) {one_line(proposal.path)}", style="bold")
        by = f" by {proposal.model}" if proposal.model else ""
        say(f"{proposal.kind}{place}: {proposal.why or 'asked for'}")
        say(f"proposed{by}, {local_time(proposal.made_at)}", style="dim")
        for flag in proposal.flags:
            say(f"! {FLAG_WORDS[flag]}", style="yellow")
        say()
        try:
            parts = self._vault.place(proposal.id, PlaceQuery()).parts
            self._output.print_word_diff(parts)
        except NoteError as error:
            self._output.print_word_diff([("+", f"{proposal.lines}\n")])
            self._output.warn(f"It cannot be written now: {error.reason}")
        say()

    def _write(self, proposals: Sequence[Proposal], text: str | None = None) -> None:
        wishes = [{"id": each.id, "text": text} for each in proposals]
        self._decide(Decisions.of(accept=wishes, run=self._run))

    def _ask_again(self, proposal: Proposal, wish: str) -> None:
        """Replace the proposal with the model's next answer, and show that."""
        for result in self._vault.again(proposal.id, Wish.of(wish=wish)):
            made = [self._vault.proposal(id_) for id_ in result.proposals]
            if new := next((each for each in made if each.kind == proposal.kind), None):
                self._proposals[self._at] = new
            else:
                self._output.warn(f"The old one stays: {result.reason or 'there is no other'}")

    def _decide(self, decisions: Decisions) -> None:
        """Carry the decisions out, print why any failed, and go on if one did not."""
        has_done = False
        for result in self._vault.decide(decisions):
            for reason in dict.fromkeys(each.reason for each in result.decided if each.reason):
                self._output.warn(f"{one_line(result.path)}: {reason}")
            waiting = result.waiting
            has_done |= any(not each.reason or each.id in waiting for each in result.decided)
        self._at += has_done
