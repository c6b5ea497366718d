"""What an agent may do in a vault: propose; accept where the settings let it; undo its own."""

from __future__ import annotations

from collections.abc import Sequence

from companion.enrich.agent_view import AgentView, OpenContext
from companion.enrich.context import VaultContext
from companion.enrich.decision import Acceptance, Decided, NoteDecision, describe_state, sum_up
from companion.enrich.decisions import Decisions
from companion.enrich.given_value import GivenValue, RejectedValue
from companion.enrich.program_proposals import Place, ProgramProposer
from companion.enrich.result import Result
from companion.enrich.workspace import Workspace
from companion.errors import NoteRefused, NotThere
from companion.vault.journal import Change
from companion.vault.proposal import Proposal


class Agent(AgentView):
    """An agent in a vault that is open for writing.

    name: what it calls itself. decisions: of the vault; they know where a note is open.
    """

    def __init__(
        self, workspace: Workspace, known: VaultContext, name: str, decisions: Decisions
    ) -> None:
        super().__init__(workspace, known, name)
        self._journal = workspace.journal
        self._config = workspace.config
        self._decisions = decisions

    @property
    def decider(self) -> str:
        """Who decided what it decides."""
        return f"agent:{self.program}"

    def propose(self, path: str, given: GivenValue) -> Proposal | RejectedValue:
        """Propose a value for what a note needs; a check may reject it.

        Raises NotThere, UsageError; NoteRefused: the note needs nothing there, the user did not
        want it before, or what somebody else proposed waits for a decision; NoteError.
        """
        path = self.find_note(path)
        known = OpenContext(self._known.scan)
        proposer = ProgramProposer(self._space, known, self.program)
        place = proposer.find_place(path, given)
        self._require_undecided(place)
        return proposer.propose(place, given.value)

    def accept(self, ids: Sequence[int]) -> list[NoteDecision]:
        """Accept proposals, as far as the settings let it; return what became of each note."""
        examined = [self._examine(id_) for id_ in dict.fromkeys(ids)]
        refused = [sum_up(Result("", "failed"), [each]) for each in examined if each.reason]
        wishes = [Acceptance(each.id) for each in examined if not each.reason]
        return [*refused, *self._decisions.accept(wishes, self.decider)]

    def undo(self, number: int) -> NoteDecision:
        """Take back a change by which it accepted proposals; these are open again then.

        Raises NotThere: it made no such change, or it is taken back already.
        """
        change = self._journal.change(number)
        if change is None or not self._is_own(change) or not self._may_see(change.path):
            raise NotThere(
                f"there is no change {number} that you made and that can be taken back; history"
                " names those that there are"
            )
        [made] = self._decisions.undo(change.proposals)
        return made

    def _require_undecided(self, place: Place) -> None:
        """Raise NoteRefused if somebody else decided on what is proposed, or is to."""
        asked, path = place.asked, place.job.path
        if asked is None or asked.state == "rejected":
            return
        known = self._store.get(asked.id)
        if asked.state == "open":
            if known is None or known.model != self.program:
                raise NoteRefused(f"proposal {asked.id} for it waits for the user already", path)
            return
        raise NoteRefused("it was filled or proposed once, and the user did not want it", path)

    def _examine(self, id_: int) -> Decided:
        """Return the state of a proposal, with the reason why the agent may not accept it."""
        proposal = self._store.get(id_)
        if proposal is None or not self._may_see(proposal.path):
            return Decided(id_, None, f"there is no proposal {id_}")
        why, flags = "", set(proposal.flags) - {"program"}
        if proposal.state != "open":
            why = describe_state(proposal)
        elif not self._config.may_agents_accept(proposal.path, proposal.kind):
            why = "it waits for the user: the settings do not let agents accept it"
        elif flags:
            why = f"it waits for the user, for it is flagged: {', '.join(sorted(flags))}"
        return Decided(id_, proposal.state, why)

    def _is_own(self, change: Change) -> bool:
        """Return whether it made the change, which is no undo, and still is in its note."""
        is_made = change.state == "done" and change.undoes is None
        return is_made and change.decided_by == self.decider and bool(change.proposals)

    def _may_see(self, path: str) -> bool:
        try:
            self.find_note(path)
        except NotThere:
            return False
        return True


def open_agent(workspace: Workspace, name: str) -> Agent:
    """Return the agent of that name in a vault that this process has open for writing."""
    known = VaultContext(workspace.scan())
    return Agent(workspace, known, name, Decisions(workspace, lambda: known))
