"""The routes of proposals: list them and decide on them; and those of programs, which propose."""

from __future__ import annotations

from companion.app.types.base import LARGEST, EditShape, Sent, Shape
from companion.app.types.decisions import (
    Acceptance,
    AskAgain,
    AskAllAgain,
    DecisionOnAll,
    Decisions,
    DecisionsMade,
    Takeable,
)
from companion.app.types.proposals import (
    ProposalFilter,
)
from companion.app.types.runs import RunOptions, RunShape
from companion.app.vault import Agents, Vault
from companion.daemon.api.routing import Resource, for_a_while, run_address, the_daemon

proposals = Resource("proposals")
proposals.offer(Vault.proposals, Vault.count_proposals, Vault.proposal, Vault.place)

_ONE = f"/proposals/<int(min=1, max={LARGEST}):proposal>"


class TextToEdit(Sent):
    """The text of the note that the editor shows now. state: as in Acceptance."""

    text: str
    state: Takeable = "open"


class ProposalEdits(Shape):
    """The edits that would accept a proposal in the text that was sent."""

    edits: list[EditShape]


@proposals.does("/proposals/decide", "decide", once=True, conflicts=True)
def decide(body: Decisions) -> DecisionsMade:
    """Accept, refuse and reopen proposals; each has a result of its own."""
    return DecisionsMade(notes=list(for_a_while(the_daemon().vault.decide(body))))


@proposals.does("/proposals/decide-all", "decide", once=True, status=202, location=run_address)
def decide_all(query: ProposalFilter, body: DecisionOnAll) -> RunShape:
    """Accept or refuse all proposals that a filter means, in one run, which an undo takes back."""
    daemon = the_daemon()
    return RunShape.model_validate(daemon.start_decisions(daemon.vault.decide_all(query, body)))


@proposals.does(
    "/proposals/again", "decide", once=True, status=202, conflicts=True, location=run_address
)
def ask_all_again(body: AskAllAgain) -> RunShape:
    """Ask for proposals once more, as the user wants it, in one run."""
    return _start_again(body.proposals, body)


@proposals.does(
    f"{_ONE}/again", "decide", once=True, status=202, conflicts=True, location=run_address
)
def ask_again(proposal: int, body: AskAgain) -> RunShape:
    """Ask for a proposal once more, as the user wants it; what is given takes its place.

    `POST /proposals/decide` with the old one under `undo` brings it back.
    """
    return _start_again([proposal], body)


def _start_again(ids: list[int], body: AskAgain) -> RunShape:
    options = RunOptions(
        paths=[""],
        mode="again",
        proposals=ids,
        wish=body.wish,
        priority="interactive" if len(ids) == 1 else "request",
        agreed=body.agreed,
    )
    return RunShape.model_validate(the_daemon().start_run(options))


@proposals.does(f"{_ONE}/edits", "decide", conflicts=True)
def edits_of_proposal(proposal: int, body: TextToEdit) -> ProposalEdits:
    """Where a proposal would go in the text that the editor shows now. Nothing is decided."""
    daemon = the_daemon()
    acceptance = Acceptance(id=proposal, state=body.state)
    daemon.vault.proposal(proposal)  # it is there
    edits = map(EditShape.model_validate, daemon.edits_of_proposal(acceptance.wish, body.text))
    return ProposalEdits(edits=list(edits))


proposals.offer(Vault.forget)

for_programs = Resource("programs")
for_programs.offer(
    *(Agents.scan, Agents.read_note, Agents.find_similar, Agents.proposals, Agents.changes),
    *(Agents.propose, Agents.accept, Agents.undo),
    of=lambda: the_daemon().vault.agents,
)
for_programs.offer(Vault.propose)
