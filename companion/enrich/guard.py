"""Whether a note may still be asked about, kept and written, checked before each step.

A model takes seconds for an answer, and a call may wait for minutes. In that time the note may have
become private, or the settings may have changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Event

from companion.enrich.job import Job, Task
from companion.enrich.workspace import LEFT_ALONE, Workspace
from companion.errors import NoteBusy, NoteChanged, NoteRefused
from companion.note.facts import UNKNOWN, Facts, read_facts
from companion.store.proposals import Proposal
from companion.vault.files import (
    NoteFile,
    attachment_reason,
    describe_read_error,
    is_note_name,
    stat_note,
)

_BEGUN_AGAIN = (
    "the settings were changed in the meantime; the note is worked on again with the new ones"
)
_BACKGROUND_OFF = "background work was switched off in the meantime (background.enabled)"


class NoteExcluded(NoteRefused):
    """The note has become private or ignored: nothing from it is sent, kept or written."""


class SettingsChanged(NoteBusy):
    """The settings changed after the work on the note began; it has to start again."""


@dataclass
class NoteGuard:
    """Checks whether the work on a note may continue. job, task: made when it began.

    current_path: returns the note's present path. cancelled: ends the wait while settings are
    broken. sources: the other notes, and PDFs, that the prompts quote.
    """

    space: Workspace
    job: Job
    task: Task
    current_path: Callable[[], str]
    cancelled: Event
    sources: Sequence[NoteFile] = ()

    def check_call(self) -> None:
        """Check that the next call may go out; to be called right before it does.

        Raises SettingsChanged; NoteExcluded; NoteRefused if it is left alone for another reason;
        NoteChanged if it is gone; NoteBusy if background work is switched off.
        """
        waited = self.space.source.fault
        settings, path = self.space.wait_for_settings(self.cancelled), self.current_path()
        if waited or settings.version != self.task.settings_version:
            raise SettingsChanged(_BEGUN_AGAIN, path)
        if self.job.background and settings.config.background.enabled is False:
            raise NoteBusy(_BACKGROUND_OFF, path)
        if (facts := look_at_note(self.space, path, self.task.data)) and facts.skipped is not None:
            require_included(self.space, path, facts)
            raise (NoteChanged if facts is _GONE else NoteRefused)(facts.skipped, path)
        self._check_shown(path)

    def check_keeping(self) -> str:
        """Check that something from the note may be kept; return where it is now.

        Raises NoteExcluded; SettingsChanged if other notes may no longer reveal what the prompts
        quote.
        """
        settings, path = self.space.wait_for_settings(self.cancelled), self.current_path()
        is_as_before = settings.version == self.task.settings_version
        facts = look_at_note(self.space, path, self.task.data if is_as_before else None)
        require_included(self.space, path, facts)
        self._check_shown(path)
        return path

    def _check_shown(self, path: str) -> None:
        """Raise SettingsChanged if something that the prompts quote may no longer be revealed."""
        files = ((each, stat_note(self.space.root, each.path)) for each in self.sources)
        if not all(now and (now == then or may_tell(self.space, now)) for then, now in files):
            raise SettingsChanged("what other notes say about it was changed in the meantime", path)


def may_tell(space: Workspace, file: NoteFile) -> bool:
    """Return whether prompts for other notes may show what the note or the PDF says."""
    if not is_note_name(file.path):
        return attachment_reason(space.root, file.path, space.ignore) is None
    return space.read_source(file) is not None


def find_withheld(space: Workspace, proposals: Iterable[Proposal]) -> str:
    """Return a note or PDF that a batch's questions show and that is now gone or private; else "".

    proposals: those of the questions, in state `asked`.
    """
    for path in dict.fromkeys(path for each in proposals for path in each.shown):
        file = stat_note(space.root, path)
        if not (file and may_tell(space, file)):
            return path
    return ""


_GONE = Facts(skipped=describe_read_error(FileNotFoundError()), marks=(UNKNOWN,))


def look_at_note(space: Workspace, path: str, data: bytes | None) -> Facts | None:
    """Return the facts of the note at path as it is now; None if it still holds data.

    For a note in a private or ignored folder, they say so, too.
    """
    if reason := space.ignore.path_reason(path):
        return Facts(skipped=reason, marks=(reason,))
    try:
        now = (space.root / path).read_bytes()
    except FileNotFoundError:
        return _GONE
    except OSError as error:
        return Facts(skipped=describe_read_error(error), marks=(UNKNOWN,))
    return None if now == data else read_facts(now, space.rules)


def require_included(space: Workspace, path: str, facts: Facts | None) -> None:
    """Raise NoteExcluded if the note is now private or ignored; its proposals are forgotten."""
    if facts is None or facts.skipped is None or not facts.is_excluded:
        return
    space.journal.proposals.forget([path], LEFT_ALONE, "need", to="closed")
    raise NoteExcluded(facts.skipped, path)
