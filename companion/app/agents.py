"""Programs: what agents see of a vault and may do there, and values that scripts and agents give.

Agents see nothing of notes that are private, ignored or left alone. Nobody knows which model reads
what they see, so private notes are kept from it even if the vault's own model is on this machine.
What an agent may not see is treated as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache, partial
from itertools import islice
from typing import TypeVar

from companion.app.decider import Decider
from companion.app.local_notes import ScanPart
from companion.app.types import changes, programs, proposals
from companion.app.types.decisions import Acceptance
from companion.app.types.programs import ProgramValue, ProposalMade
from companion.app.vault import Agents
from companion.enrich.answers.outcome import Rejected
from companion.enrich.asker import Asker
from companion.enrich.configured_model import ModelFacts
from companion.enrich.context.similar import ComparedNote, open_similar
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.job import Job, Result, Task, new_run, prepare_task
from companion.enrich.pipeline import to_proposals
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, NoteRefused, NotThere, UsageError
from companion.note.needs import CALLOUT, Need
from companion.note.sections import Section
from companion.prompts import Field, NothingToChoose, find_field
from companion.store.journal import Change
from companion.store.proposals import Proposal, ProposedValue, Selection, describe_state
from companion.vault.files import skip_reason, stat_note
from companion.vault.paths import relative_path
from companion.vault.write import read_note

_LONGEST_VALUE = 20_000  # characters, all items of a list together
_PROSE_TOKENS = 8000  # of a note that a program is shown
_RELATED_TOKENS = 800  # of other notes


T = TypeVar("T", Proposal, Change)
Place = tuple[Job, Task, Need]

_BATCH = 500  # proposals or changes that are read at once


class LocalAgents(Agents):
    """The agents of a vault that this process has open.

    context: returns the names of the vault; from a new scan if called with True. writing: opens the
    vault to write; the decider knows where a note is open.
    """

    def __init__(
        self,
        space: Workspace,
        context: Callable[[bool], VaultContext],
        writing: Callable[[], AbstractContextManager[tuple[Workspace, Decider]]],
    ) -> None:
        self._space = space
        self._context = context
        self._writing = writing

    def scan(self, query: programs.AgentNotesQuery) -> programs.NotesForAgent:
        view = AgentView(self._space, self._context(True))
        part = ScanPart(view.space, view.context.scan, [query.folder.strip("/")])
        notes = sorted(
            (path, facts.needs)
            for path, facts in part.notes.items()
            if facts.needs and view.context.may_tell(path)
        )
        rest = [entry for entry in notes if entry[0] > query.after]
        page = [
            programs.NoteForAgent.model_validate({"path": path, "needs": needs})
            for path, needs in rest[: query.limit]
        ]
        end = page[-1].path if len(rest) > query.limit else None
        return programs.NotesForAgent(notes=page, after=end, total=len(notes))

    def read_note(self, query: programs.AgentNoteQuery) -> programs.NoteRead:
        view = AgentView(self._space, self._context(True))
        space, path = view.space, view.find_note(query.path)
        data = read_note(space.root, path, settle=0).data
        task = prepare_task(space, Job(path, explicit=True, retry=True), data)
        waiting = {each.need: each.id for each in task.pending if each.state == "open"}
        asker = make_asker(space, view.context, _program(query.agent))
        context = asker.describe(path, task.parsed, task.all_needs)
        prompts, needs = space.prompts, []
        for need in task.all_needs:
            try:
                how = prompts.field_of(need.kind).instruction(context, need.question, need.heading)
            except NothingToChoose as error:
                how = str(error)
            more = {"instruction": how, "proposed": waiting.get(need)}
            needs.append(programs.NeedRead.model_validate(need._asdict() | more))
        text = prompts.note.render(context.values() | {"asked": []})
        return programs.NoteRead(path=path, text=text, needs=needs, left=list(task.unfilled))

    def find_similar(self, query: programs.AgentSimilarQuery) -> programs.SimilarNotesForAgent:
        view = AgentView(self._space, self._context(True))
        path, context = view.find_note(query.path), view.context
        note = ComparedNote(context, path, view.space.read_note(path))
        hidden = sum(not context.may_tell(other) for other in context.paths)
        with open_similar(view.space) as similar:
            if similar is None:
                raise UsageError("similar notes are switched off in this vault")
            near = similar.find_nearest(note, query.limit + hidden)
        notes = [each for each in near if context.may_tell(each.path)]
        return programs.SimilarNotesForAgent(notes=notes[: query.limit])

    def proposals(self, query: programs.AgentProposalQuery) -> programs.AgentProposals:
        view, store = AgentView(self._space, self._context(False)), self._space.journal.proposals
        states = None if query.state == "all" else (query.state,)
        selection = Selection([query.folder], states=states)

        def read(before: int | None) -> Sequence[Proposal]:
            return store.select(selection._replace(before=before), _BATCH)

        proposals = view.take(read, query.limit, query.before)
        return programs.AgentProposals(proposals=list(map(programs.ProposalForAgent.of, proposals)))

    def changes(self, query: programs.AgentChangeQuery) -> programs.AgentHistory:
        view = AgentView(self._space, self._context(False))
        path = view.find_note(query.path) if query.path else None
        read = partial(self._space.journal.changes, path, None, _BATCH)
        visible_changes = view.take(read, query.limit)
        return programs.AgentHistory(changes=list(map(changes.Change.of, visible_changes)))

    def propose(self, proposal: programs.AgentProposal) -> programs.ProposalStored:
        with self._writing() as (space, _):
            program, context = _program(proposal.agent), self._context(False)
            view = AgentView(space, context)
            path = view.find_note(proposal.path)
            guarded = VaultContext(context.scan, is_guarded=True)
            place = find_place(view.space, path, proposal)
            if latest := space.journal.proposals.latest(path).get(place[-1].key):
                if latest.state == "open" and latest.origin.model != program:
                    why = f"proposal {latest.id} for it is already waiting for the user"
                    raise NoteRefused(why, path)
                if latest.state not in ("open", "rejected"):
                    why = "it was filled or proposed before, and the user did not want it"
                    raise NoteRefused(why, path)
            asker = make_asker(view.space, guarded, program)
            return programs.ProposalStored.of(propose_value(asker, place, proposal.value))

    def accept(self, acceptance: programs.AgentAcceptance) -> programs.AgentDecisions:
        with self._writing() as (space, decider):
            view = AgentView(space, self._context(False))
            reasons = {id_: view.why_not(id_) for id_ in dict.fromkeys(acceptance.ids)}
            refused = [
                Result("", "failed", why, why_not={id_: why}) for id_, why in reasons.items() if why
            ]
            wishes = [Acceptance(id=id_) for id_, why in reasons.items() if not why]
            accepted = decider.accept(wishes, _decider(acceptance.agent))
            return programs.AgentDecisions.of([*refused, *accepted])

    def undo(self, undo: programs.AgentUndo) -> programs.AgentDecisions:
        with self._writing() as (space, decider):
            view = AgentView(space, self._context(False))
            change = space.journal.change(undo.change)
            is_own = (
                change is not None
                and change.is_made
                and change.decided_by == _decider(undo.agent)
                and bool(change.proposals)
            )
            if change is None or not is_own or not view.may_see(change.path):
                raise NotThere(
                    f"you have no change {undo.change} that can be taken back; history lists them"
                )
            return programs.AgentDecisions.of(decider.undo(change.proposals))


def _program(agent: str) -> str:
    """Return the name that its proposals carry: `mcp:`, then the name that the agent chose."""
    return f"mcp:{agent}"


def _decider(agent: str) -> str:
    """Return the name under which its decisions are recorded."""
    return f"agent:{_program(agent)}"


class AgentView:
    """What an agent may see of a vault. context: its names."""

    def __init__(self, space: Workspace, context: VaultContext) -> None:
        # private notes are left alone as if a model elsewhere asked: who reads this is not known
        self.space = replace(space, adapt=lambda own: own.for_reader("elsewhere"))
        self.context = context

    def find_note(self, path: str) -> str:
        """Return the path of the note as spelled on the disk. Raises NotThere."""
        root = self.space.root
        self.space.refresh()
        try:
            spelled = relative_path(root, path, root)
            file = stat_note(root, spelled)
            if file and self.space.read_source(file):
                return spelled
        except (UsageError, NoteError, OSError, ValueError):
            pass
        raise NotThere(
            f"there is no note {path[:200]} that agents may see; scan lists those that they may"
        )

    def may_see(self, path: str) -> bool:
        """Return whether find_note finds the note."""
        try:
            return bool(self.find_note(path))
        except NotThere:
            return False

    def take(
        self, read: Callable[[int | None], Sequence[T]], limit: int, before: int | None = None
    ) -> list[T]:
        """Return at most `limit` items about notes that the agent may see.

        read: returns the next ones with a lower id.
        """
        visible: list[T] = []
        may_see = cache(self.may_see)  # a scan may not know yet that one became private
        while len(visible) < limit and (batch := read(before)):
            told = (each for each in batch if self.context.may_tell(each.path))
            visible += islice((each for each in told if may_see(each.path)), limit - len(visible))
            before = batch[-1].id
        return visible

    def why_not(self, id_: int) -> str:
        """Return why the agent may not accept a proposal; empty: it may."""
        proposal = self.space.journal.proposals.get(id_)
        if proposal is None or not self.may_see(proposal.path):
            return f"there is no proposal {id_}"
        why, flags = "", set(proposal.flags) - {"program"}
        if proposal.state != "open":
            why = describe_state(proposal)
        elif proposal.kind not in self.space.config.agents.may_accept:
            why = "it waits for the user: the settings do not let agents accept it"
        elif flags:
            why = f"it waits for the user because it is flagged: {', '.join(sorted(flags))}"
        return why


def make_asker(space: Workspace, context: VaultContext, program: str) -> Asker:
    """Return an asker to check the values that a program gives. context: of the vault.

    program: its name, stored in proposals as a model's would be.
    """
    facts = ModelFacts(program, None, "together", _PROSE_TOKENS, related_tokens=_RELATED_TOKENS)
    return Asker(space, context, model=facts)


def find_place(space: Workspace, path: str, entry: ProgramValue) -> Place:
    """Return where the value goes: a need of the note that a field defines, with job and task.

    Raises UsageError if there is no such field, or the value is too long; NoteError if the note
    is left alone, cannot be read, or needs nothing there.
    """
    length = len(entry.value if isinstance(entry.value, str) else "\n".join(entry.value))
    if length > _LONGEST_VALUE:
        raise UsageError(f"a value may have {_LONGEST_VALUE:,} characters, and this has {length:,}")
    space.refresh()
    if reason := skip_reason(space.root, path, space.ignore):
        raise NoteRefused(reason, path)
    field = _find_field(space, path, entry.field)
    data = read_note(space.root, path).data
    jobs = [Job(path, explicit=True, retry=True, propose=True)]
    if field.property is None and entry.heading is not None and entry.question is None:
        section = Section(entry.heading)  # of a new callout
        jobs.append(jobs[0]._replace(explicit=False, section=section))
    for each in jobs:
        task = prepare_task(space, each, data)
        if task.skipped:
            raise NoteRefused(task.skipped, path)
        for need in task.all_needs:
            if _is_meant(need, field, entry):
                return each, task, need
    where = "".join(
        f" “{part}”" for part in (entry.question, entry.heading) if field.property is None and part
    )
    raise NoteRefused(f"it needs no {field.fills}{where}: it has one", path)


def propose_value(asker: Asker, place: Place, value: ProposedValue) -> ProposalMade:
    """Store the value as an open proposal, unless a check finds it unfit; return the outcome.

    It is sanitized, checked and flagged like a model's answer. It supersedes an open proposal
    for the same need. A rejected value is not stored: it says nothing about the note.

    Raises NoteError, JournalError.
    """
    job, task, need = place
    space, model = asker.workspace, asker.model
    outcome = asker.accept_value(job.path, task.parsed, need, value)
    new = to_proposals(space, job, task, [outcome], model, new_run())
    waiting = [each for each in new if each.state == "open"]
    if not waiting:
        assert isinstance(outcome, Rejected)
        return ProposalMade(proposal=None, rejected=outcome.reason)
    flagged = [replace(each, flags=(*each.flags, "program"), waits=True) for each in waiting]
    [stored] = space.journal.proposals.add(flagged, task.data)
    return ProposalMade(proposal=proposals.Proposal.of(stored), rejected=None)


def _find_field(space: Workspace, path: str, name: str) -> Field:
    fields = space.prompts.fields
    fillable = set(space.rules.fields) | ({CALLOUT} if space.rules.callout else set())
    usable = [each for each in fields.values() if each.fills in fillable]
    if field := find_field(usable, name):
        return field
    names = ", ".join(sorted(each.name for each in usable))
    raise UsageError(f"there is no field {name[:80]}; there are: {names}")


def _is_meant(need: Need, field: Field, entry: ProgramValue) -> bool:
    if need.kind != field.fills or field.property is not None:
        return need.kind == field.fills
    is_there = entry.heading == need.heading or bool(entry.question and entry.heading is None)
    return is_there and entry.question == need.question
