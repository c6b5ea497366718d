"""Programs: what agents see of a vault and may do there, and values that scripts and agents give.

Agents see nothing of notes that are private, ignored or left alone. Nobody knows which model reads
what they see, so private notes are kept from it even if the vault's own model is on this machine.
What an agent may not see is treated as if it did not exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Annotated

from pydantic import BeforeValidator, Field

from companion.app.decider import Decider, describe_state
from companion.app.selection import find_kind, report_notes
from companion.app.types.base import FolderPath, Id, PageSize, RelativePath, Shape
from companion.app.types.notes import Need, NotePage
from companion.app.types.proposals import (
    Acceptance,
    Proposal,
    ProposalMade,
    Proposals,
    ProposalState,
    ProposedValue,
    Value,
)
from companion.app.types.runs import DecisionsMade, NoteResult
from companion.enrich.accept import complete_proposals
from companion.enrich.asker import Asker
from companion.enrich.configured_model import ModelFacts
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.job import Job, Result, Task, new_run, prepare_task
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, NoteRefused, NotThere, UsageError
from companion.note import needs
from companion.note.callouts import Section
from companion.note.needs import CALLOUT
from companion.prompts import NothingToChoose
from companion.store import proposals as store
from companion.store.proposals import PROGRAM_NAME
from companion.vault.files import skip_reason, stat_note
from companion.vault.paths import relative_path, spelled_path
from companion.vault.write import read_note

_LONGEST_VALUE = 20_000  # characters, all items of a list together
_PROSE_TOKENS = 8000  # of a note that a program is shown
_RELATED_TOKENS = 800  # of other notes

Place = tuple[Job, Task, needs.Need]
_Path = Annotated[RelativePath, Field(description="a note, by the path that scan returns")]
_Folder = Annotated[
    FolderPath,
    BeforeValidator(lambda folder: str(folder).strip("/")),  # models write `Projects/`
    Field(description="a folder or a note; empty: the whole vault"),
]
_Limit = Annotated[PageSize, Field(description="the most to return")]
_Kind = Annotated[str, Field(min_length=1, max_length=200, description="the kind of a need")]
_Title = Annotated[str, Field(min_length=1, max_length=1000)]


class NeedRead(Need):
    """A need, and what its value should be like. proposed: the id of a waiting proposal."""

    instruction: str
    proposed: int | None


class NoteRead(Shape):
    """A note as a prompt shows it, its needs, and what in it is left alone."""

    path: str
    text: str
    needs: list[NeedRead]
    left: list[str]


class Agent:
    """What one agent may see of a vault, and do.

    name: that it gives itself. find_context: returns the names of the vault; from a new scan if
    called with True. decider: knows where a note is open.
    """

    def __init__(
        self,
        space: Workspace,
        name: str,
        find_context: Callable[[bool], VaultContext],
        decider: Decider,
    ) -> None:
        # private notes are left alone as if a model elsewhere asked: who reads this is not known
        self._space = replace(space, reader="elsewhere")
        self._program = f"mcp:{name}"
        self._by = f"agent:{self._program}"
        self._find_context = find_context
        self._decider = decider

    def scan(
        self,
        folder: _Folder = "",
        after: Annotated[FolderPath, Field(description="`next` of the page before")] = "",
        limit: _Limit = 50,
    ) -> NotePage:
        """Return the notes that need something, by path, and what they need."""
        context = self._find_context(True)
        report = report_notes(self._space, context.scan, [folder])
        seen = (each for path, each in sorted(report.notes.items()) if context.may_tell(path))
        notes = [each for each in seen if each.needs]
        rest = [each for each in notes if each.path > after]
        end = rest[limit - 1].path if len(rest) > limit else None
        return NotePage(notes=rest[:limit], next=end, total=len(notes))

    def read_note(self, path: _Path) -> NoteRead:
        """Return a note as a model is shown it, and its needs, each with an instruction.

        Raises NotThere, NoteError.
        """
        context, path = self._find_context(True), self._find_note(path)
        data = read_note(self._space.root, path, settle=0).data
        task = prepare_task(self._space, Job(path, explicit=True, retry=True), data)
        waiting = {each.need: each.id for each in task.pending if each.state == "open"}
        asker = make_asker(self._space, context, self._program)
        shown = asker.whole_question(path, task.parsed, task.all_needs).context
        prompts, read = self._space.prompts, []
        for need in task.all_needs:
            try:
                how = prompts.field_of(need.kind).instruction(shown, need.question, need.heading)
            except NothingToChoose as error:
                how = str(error)
            more = {"instruction": how, "proposed": waiting.get(need)}
            read.append(NeedRead.model_validate(need._asdict() | more))
        text = prompts.note.render(shown.values() | {"asked": []})
        return NoteRead(path=path, text=text, needs=read, left=list(task.unfilled))

    def list_proposals(
        self, folder: _Folder = "", state: ProposalState = "open", limit: _Limit = 50
    ) -> Proposals:
        """Return proposals in a state, newest first."""
        context, selection = self._find_context(False), store.Selection([folder], states=(state,))
        stored = self._space.journal.proposals.select(selection)
        told = (each for each in stored if context.may_tell(each.path))
        may_see = cache(self._may_see)  # a scan may not know yet that one became private
        seen = (Proposal.of(each) for each in told if may_see(each.path))
        return Proposals(proposals=list(islice(seen, limit)))

    def propose(
        self,
        path: _Path,
        kind: _Kind,
        value: Annotated[Value, Field(description="a text; a list for tags and aliases")],
        heading: Annotated[_Title | None, Field(description="the need's, for a callout")] = None,
        question: Annotated[_Title | None, Field(description="the need's question, if any")] = None,
    ) -> ProposalMade:
        """Propose a value for something that a note needs; it is checked, and waits for the user.

        Raises NotThere, UsageError, NoteError.
        """
        context, path = self._find_context(False), self._find_note(path)
        made = ProposedValue(kind=kind, value=value, heading=heading, question=question)
        place = find_place(self._space, path, made)
        if latest := self._space.journal.proposals.latest(path).get(place[-1].key):
            if latest.state == "open" and latest.origin.model != self._program:
                why = f"proposal {latest.id} for it is already waiting for the user"
                raise NoteRefused(why, path)
            if latest.state not in ("open", "rejected"):
                why = "it was filled or proposed before, and the user did not want it"
                raise NoteRefused(why, path)
        guarded = VaultContext(context.scan, is_guarded=True)
        return propose_value(make_asker(self._space, guarded, self._program), place, value)

    def accept(
        self, ids: Annotated[list[Id], Field(min_length=1, max_length=100)]
    ) -> DecisionsMade:
        """Accept proposals, as far as the settings allow; each has its own result."""
        reasons = {id_: self._why_not(id_) for id_ in dict.fromkeys(ids)}
        refused = [
            Result("", "failed", why, why_not={id_: why}) for id_, why in reasons.items() if why
        ]
        wishes = [Acceptance(id=id_) for id_, why in reasons.items() if not why]
        results = [*refused, *self._decider.accept(wishes, self._by)]
        return DecisionsMade(notes=list(map(NoteResult.of_decision, results)))

    def undo(self, change: Id) -> DecisionsMade:
        """Take back a change by which this agent accepted proposals.

        Raises NotThere.
        """
        made = self._space.journal.change(change)
        is_own = made and made.is_made and made.decided_by == self._by and made.proposals
        if not (made and is_own and self._may_see(made.path)):
            raise NotThere(f"you have no change {change} that can be taken back")
        results = self._decider.undo(made.proposals)
        return DecisionsMade(notes=list(map(NoteResult.of_decision, results)))

    def _find_note(self, path: str) -> str:
        """Return the path of the note as spelled on the disk. Raises NotThere."""
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

    def _may_see(self, path: str) -> bool:
        try:
            return bool(self._find_note(path))
        except NotThere:
            return False

    def _why_not(self, id_: int) -> str:
        """Return why the agent may not accept a proposal; empty: it may."""
        found = self._space.journal.proposals.get(id_)
        if found is None or not self._may_see(found.path):
            return f"there is no proposal {id_}"
        flags = set(found.flags) - {"program"}
        if found.state != "open":
            return describe_state(found)
        if found.kind not in self._space.config.agents.may_accept:
            return "it waits for the user: the settings do not let agents accept it"
        if flags:
            return f"it waits for the user because it is flagged: {', '.join(sorted(flags))}"
        return ""


def make_asker(space: Workspace, context: VaultContext, program: str) -> Asker:
    """Return an asker to check the values that a program gives. context: of the vault.

    program: its name, stored in proposals as a model's would be.
    """
    facts = ModelFacts(program, None, _PROSE_TOKENS, related_tokens=_RELATED_TOKENS)
    return Asker(space, context, model=facts)


def find_place(space: Workspace, path: str, made: ProposedValue) -> Place:
    """Return where the value goes: a need of the note that a field defines, with job and task.

    Raises UsageError if there is no such field, or the value is too long; NoteError if the note
    is left alone, cannot be read, or needs nothing there.
    """
    length = len(made.value if isinstance(made.value, str) else "\n".join(made.value))
    if length > _LONGEST_VALUE:
        raise UsageError(f"a value may have {_LONGEST_VALUE:,} characters, and this has {length:,}")
    space.refresh()
    if reason := skip_reason(space.root, path, space.ignore):
        raise NoteRefused(reason, path)
    kind = find_kind(space.prompts, made.kind)
    data = read_note(space.root, path).data
    jobs = [Job(path, explicit=True, retry=True, propose=True)]
    if kind == CALLOUT and made.heading is not None and made.question is None:
        jobs.append(jobs[0]._replace(explicit=False, section=Section(made.heading)))
    for each in jobs:
        task = prepare_task(space, each, data)
        if task.skipped:
            raise NoteRefused(task.skipped, path)
        for need in task.all_needs:
            if need.kind == kind and (kind != CALLOUT or _is_there(need, made)):
                return each, task, need
    about = made.question or made.heading
    where = f" “{about}”" if kind == CALLOUT and about else ""
    raise NoteRefused(f"it needs no {kind}{where}", path)


def propose_value(asker: Asker, place: Place, value: Value) -> ProposalMade:
    """Store the value as an open proposal, unless a check finds it unfit; return the outcome.

    It is sanitized, checked and flagged like a model's answer. It supersedes an open proposal
    for the same need. A rejected value is not stored: it says nothing about the note.

    Raises NoteError, JournalError.
    """
    job, task, need = place
    space, model = asker.workspace, asker.model
    made = asker.whole_question(job.path, task.parsed, [need]).accept_value(value)
    if made.state != "open":
        return ProposalMade(proposal=None, rejected=made.reason)
    [new] = complete_proposals(space, job, task, [made], model, new_run())
    flagged = replace(new, flags=(*new.flags, "program"), waits=True)
    [stored] = space.journal.proposals.add([flagged], task.data)
    return ProposalMade(proposal=Proposal.of(stored), rejected=None)


def propose_by_script(
    space: Workspace, context: VaultContext, script: str, path: str, made: ProposedValue
) -> ProposalMade:
    """Store the value that a script gives for a note; see Vault.propose."""
    if not re.fullmatch(PROGRAM_NAME, script):
        raise UsageError(f"{script[:80]} cannot be the name of a script; use letters and digits")
    place = find_place(space, spelled_path(space.root, path), made)
    return propose_value(make_asker(space, context, f"script:{script}"), place, made.value)


def _is_there(need: needs.Need, made: ProposedValue) -> bool:
    is_under = made.heading == need.heading or bool(made.question and made.heading is None)
    return is_under and made.question == need.question
