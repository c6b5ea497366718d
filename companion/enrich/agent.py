"""What an agent sees of a vault, and what it may do: propose, accept where it may, undo its own.

It sees nothing of notes that are private, ignored or left alone. Which model reads what it sees is
not known, so private notes are kept from it even where the vault's own model is on this machine.
What an agent may not see is answered as if it did not exist.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice
from typing import NamedTuple, TypeVar

from companion.enrich.context import VaultContext
from companion.enrich.decisions import Decisions
from companion.enrich.new_proposals import ProgramProposer
from companion.enrich.result import Decided, NoteDecision, Result, sum_up
from companion.enrich.selection import ScanPart
from companion.enrich.similar import SimilarNote, open_similar
from companion.enrich.task import Job, prepare_task
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, NoteRefused, NotThere, UsageError
from companion.note.facts import Facts
from companion.prompts import NothingToChoose
from companion.store.journal import Change
from companion.store.proposal import (
    Acceptance,
    ProgramValue,
    Proposal,
    RejectedValue,
    describe_state,
)
from companion.store.proposals import Selection
from companion.vault.files import stat_note
from companion.vault.paths import relative_path
from companion.vault.write import read_note

T = TypeVar("T", Proposal, Change)

_BATCH = 500  # proposals or changes that are read at once
_COMPARE_SECONDS = 30.0  # for notes that were not compared yet, at most


@dataclass(frozen=True)
class NeedRead:
    """A need, and what its value has to be like. proposed: the id of a proposal that waits."""

    field: str
    heading: str | None
    question: str | None
    reason: str
    instruction: str
    proposed: int | None


class NoteRead(NamedTuple):
    """A note as a prompt shows it, its needs, and what in it is left alone."""

    path: str
    text: str
    needs: list[NeedRead]
    unfilled: list[str]


class AgentView:
    """What an agent may see of a vault. vault_context: from a scan just made."""

    def __init__(self, workspace: Workspace, vault_context: VaultContext, name: str) -> None:
        self.name = name
        # private notes are left alone as if a model elsewhere asked: who reads this is not known
        self._space = replace(workspace, adapt=lambda own: own.for_reader("elsewhere"))
        self._vault = vault_context
        self._store = workspace.journal.proposals

    @property
    def program(self) -> str:
        """The name that its proposals have; `mcp:`, as the agent chose the rest by itself."""
        return f"mcp:{self.name}"

    def scan(self, folder: str = "") -> list[tuple[str, Facts]]:
        """Return the notes in the folder, and below it, that need something, by path."""
        report = ScanPart(self._space, self._vault.scan, [folder.strip("/")])
        return sorted(
            (path, facts)
            for path, facts in report.notes.items()
            if facts.needs and self._vault.may_tell(path)
        )

    def find_note(self, path: str) -> str:
        """Return the path of the note as it is spelled on the disk. Raises NotThere."""
        root = self._space.root
        self._space.refresh()
        try:
            spelled = relative_path(root, path, root)
            file = stat_note(root, spelled)
            if file and self._space.read_source(file):
                return spelled
        except (UsageError, NoteError, OSError, ValueError):
            pass
        raise NotThere(
            f"there is no note {path[:200]} that agents may see; scan lists those that they may"
        )

    def read_note(self, path: str) -> NoteRead:
        """Return the note as prompts show it, and what it needs. Raises NotThere, NoteError."""
        path = self.find_note(path)
        data = read_note(self._space.root, path, settle=0).data
        task = prepare_task(self._space, Job(path, explicit=True, retry=True), data)
        proposed = {need: latest.id for need, latest in task.proposed}
        asker = ProgramProposer(self._space, self._vault, self.program).asker
        context = asker.describe(path, task.parsed, task.all_needs)
        prompts = self._space.prompts.for_note(path)
        text = prompts.note.render(context.values() | {"asked": []})
        read = []
        for need in task.all_needs:
            try:
                how = prompts.field_of(need.kind).instruction(context, need.question, need.heading)
            except NothingToChoose as error:
                how = str(error)
            named = need.kind, need.heading, need.question, need.reason
            read.append(NeedRead(*named, how, proposed.get(need)))
        return NoteRead(path, text, read, list(task.unfilled))

    def find_similar(self, path: str, number: int) -> list[SimilarNote]:
        """Return the notes that say most nearly what the note says, the most similar first.

        Notes that have no vector yet get one, for half a minute at most, if the encoder is on this
        machine.

        Raises NotThere, NoteError, EndpointError, AnswerError; UsageError if it is switched off.
        """
        path = self.find_note(path)
        parsed = self._space.read_note(path)
        hidden = sum(not self._vault.may_tell(other) for other in self._vault.paths)
        with open_similar(self._space, sends=False) as similar:
            if similar is None:
                raise UsageError("similar notes are switched off in this vault")
            if not (vectors := similar.vectors).is_remote:
                missing = vectors.find_missing(self._vault.scan)
                vectors.update(self._vault.scan, missing, time.monotonic() + _COMPARE_SECONDS)
            near = similar.find_nearest(self._vault, path, parsed, number + hidden)
        return [each for each in near if self._vault.may_tell(each.path)][:number]

    def proposals(self, selection: Selection, limit: int) -> list[Proposal]:
        """Return the selected proposals for notes that it may see, newest first."""

        def read(before: int | None) -> list[Proposal]:
            return self._store.select(selection._replace(before=before), _BATCH)

        return self._take(read, limit, selection.before)

    def history(self, path: str | None, limit: int) -> list[Change]:
        """Return the changes of a note, or of all it may see, newest first. Raises NotThere."""
        named = self.find_note(path) if path else None
        return self._take(partial(self._space.journal.changes, named, None, _BATCH), limit)

    def _take(
        self, read: Callable[[int | None], list[T]], limit: int, before: int | None = None
    ) -> list[T]:
        """Return at most `limit` items about notes that the agent may see.

        read: returns the next ones with a lower id.
        """
        visible: list[T] = []
        may_see = cache(self._may_see)  # a scan may not know yet that one became private
        while len(visible) < limit and (batch := read(before)):
            told = (each for each in batch if self._vault.may_tell(each.path))
            visible += islice((each for each in told if may_see(each.path)), limit - len(visible))
            before = batch[-1].id
        return visible

    def _may_see(self, path: str) -> bool:
        try:
            self.find_note(path)
        except NotThere:
            return False
        return True


class Agent(AgentView):
    """An agent in a vault that is open for writing.

    name: what it calls itself. decisions: of the vault; they know where a note is open.
    """

    def __init__(
        self, workspace: Workspace, vault_context: VaultContext, name: str, decisions: Decisions
    ) -> None:
        super().__init__(workspace, vault_context, name)
        self._journal = workspace.journal
        self._decisions = decisions

    @property
    def decider(self) -> str:
        """The name by which its decisions are recorded."""
        return f"agent:{self.program}"

    def propose(self, path: str, entry: ProgramValue) -> Proposal | RejectedValue:
        """Propose a value for what a note needs; a check may reject it.

        Raises NotThere, UsageError; NoteRefused: the note needs nothing there, the user did not
        want it before, or what somebody else proposed waits for a decision; NoteError.
        """
        path = self.find_note(path)
        context = VaultContext(self._vault.scan, is_guarded=True)
        proposer = ProgramProposer(self._space, context, self.program)
        place = proposer.find_place(path, entry)
        latest = place.latest
        if latest is not None and latest.state == "open":
            waiting = self._store.get(latest.id)
            if waiting is None or waiting.model != self.program:
                raise NoteRefused(f"proposal {latest.id} for it waits for the user already", path)
        elif latest is not None and latest.state != "rejected":
            raise NoteRefused("it was filled or proposed once, and the user did not want it", path)
        return proposer.propose(place, entry.value)

    def accept(self, ids: Sequence[int]) -> list[NoteDecision]:
        """Accept proposals, as far as the settings allow; return the outcome for each note."""
        examined = [self._examine(id_) for id_ in dict.fromkeys(ids)]
        refused = [sum_up(Result("", "failed"), [each]) for each in examined if each.reason]
        wishes = [Acceptance(each.id) for each in examined if not each.reason]
        return [*refused, *self._decisions.accept(wishes, self.decider)]

    def undo(self, number: int) -> NoteDecision:
        """Take back a change by which it accepted proposals; these are open again then.

        Raises NotThere: it made no such change, or it is taken back already.
        """
        change = self._journal.change(number)
        is_own = (
            change is not None
            and change.is_made
            and change.decided_by == self.decider
            and bool(change.proposals)
        )
        if change is None or not is_own or not self._may_see(change.path):
            raise NotThere(
                f"there is no change {number} of yours that can be taken back; history lists them"
            )
        [made] = self._decisions.undo(change.proposals)
        return made

    def _examine(self, id_: int) -> Decided:
        """Return the state of a proposal, with the reason why the agent may not accept it."""
        proposal = self._store.get(id_)
        if proposal is None or not self._may_see(proposal.path):
            return Decided(id_, None, f"there is no proposal {id_}")
        why, flags = "", set(proposal.flags) - {"program"}
        if proposal.state != "open":
            why = describe_state(proposal)
        elif proposal.kind not in self._space.config.agents.may_accept:
            why = "it waits for the user: the settings do not let agents accept it"
        elif flags:
            why = f"it waits for the user, for it is flagged: {', '.join(sorted(flags))}"
        return Decided(id_, proposal.state, why)
