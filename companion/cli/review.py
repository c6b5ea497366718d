"""companion review: go through the proposals one by one, as git add -p does through changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click

from companion.app.run import new_run
from companion.app.types.decisions import Decisions, Wish
from companion.app.types.proposals import FLAG_WORDS, PlaceQuery, Proposal, ProposalQuery
from companion.app.types.runs import NoteResult
from companion.app.vault import Vault
from companion.cli.filters import field_option
from companion.cli.output import Output, edit_text, local_time, one_line
from companion.cli.proposals import find_proposals
from companion.cli.session import NOTE_PATH, common_options, open_session_vault
from companion.errors import CompanionError, NoteError, UsageError

_KEYS = "y,n,e,i,s,a,d,u,q"
_FIRST_KEYS = "y writes it, n refuses it, e edits it, s leaves it for later; ? tells all letters."
_HELP = """\
y - write it into the note
n - refuse it; it is not asked for again
e - edit it in $EDITOR, and write that
i - ask for it once more: say what should be different
s - leave it for later, and go on
a - write it, and all unflagged ones that follow for this field
d - refuse it, and all that follow for this note
u - take the last answer back
q - leave this one and the rest for later, and end
? - show this help"""


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
        review = _Review(opened, output, partial(find_proposals, opened, paths, query), flagged)
        review.go_through()


class _Step(NamedTuple):
    """One of the user's answers. at: the index of its proposal. ids: the proposals it decided on.

    replaced: the proposal that a newer answer replaced, if it was asked for again.
    """

    at: int
    ids: list[int]
    replaced: Proposal | None = None


class _Review:
    """A review of proposals. Nothing is locked while it waits for an answer.

    find: returns the open proposals to review. takes_flagged: whether `a` writes flagged ones, too.
    """

    def __init__(
        self,
        vault: Vault,
        output: Output,
        find: Callable[[], list[Proposal]],
        takes_flagged: bool,
    ) -> None:
        self._vault = vault
        self._output = output
        self._find = find
        self._proposals = find()
        self._takes_flagged = takes_flagged
        self._run = new_run()
        self._at = 0
        self._steps: list[_Step] = []
        self._drafts: dict[int, str] = {}

    def go_through(self) -> None:
        """Show the proposals one after the other, carry out the user's answers, and print a
        summary.
        """
        if not self._proposals:
            self._output.say("No proposals wait.")
            return
        self._output.say(_FIRST_KEYS, style="dim")
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
            self._output.say(f"\n{', '.join(told)}.", style="bold")
            if states["accepted"]:
                self._output.say(f"To undo what was written: companion undo --run {self._run}")

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
                self._refuse([proposal])
            case "e":
                edited = edit_text(self._drafts.get(proposal.id, proposal.lines), ".md")
                if edited is None:
                    self._output.say("It was not changed in the editor; y writes it as it is.")
                else:
                    self._drafts[proposal.id] = edited
                    self._write([proposal], edited.rstrip("\n"))
            case "i":
                wish = str(click.prompt("What should be different", prompt_suffix="? ")).strip()
                self._ask_again(proposal, wish)
            case "s":
                self._go_on([])
            case "a":
                rest = self._following(lambda each: each.kind == proposal.kind)
                taken = [each for each in rest if self._takes_flagged or not each.flags]
                self._write([proposal, *taken])
            case "d":
                rest = self._following(lambda each: each.path == proposal.path)
                self._refuse([proposal, *rest])
            case "u":
                self._take_back()

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
                self._steps.append(_Step(self._at, [proposal.id], replaced=proposal))
            else:
                self._output.warn(f"The old one stays: {result.reason or 'there is no other'}")

    def _refuse(self, proposals: Sequence[Proposal]) -> None:
        self._decide(Decisions(refuse=[each.id for each in proposals]))

    def _following(self, is_meant: Callable[[Proposal], bool]) -> list[Proposal]:
        """Return the open proposals after this one that match."""
        still_open = {each.id for each in self._find()}
        later = self._proposals[self._at + 1 :]
        return [each for each in later if each.id in still_open and is_meant(each)]

    def _decide(self, decisions: Decisions) -> None:
        done = [id_ for each in self._vault.decide(decisions) for id_ in self._report(each)]
        if done:
            self._go_on(done)

    def _take_back(self) -> None:
        if not self._steps:
            self._output.say("There is nothing to take back yet.")
            return
        step = self._steps.pop()
        for decision in self._vault.decide(Decisions(undo=step.ids, run=self._run)):
            self._report(decision)
        self._at = step.at
        if step.replaced:
            self._proposals[step.at] = step.replaced

    def _report(self, result: NoteResult) -> list[int]:
        """Print the reasons for failures; return the ids of what is done or will be."""
        for reason in dict.fromkeys(each.reason for each in result.decided if each.reason):
            self._output.warn(f"{one_line(result.path)}: {reason}")
        waiting = result.waiting
        return [each.id for each in result.decided if not each.reason or each.id in waiting]

    def _go_on(self, ids: list[int]) -> None:
        self._steps.append(_Step(self._at, ids))
        self._at += 1
