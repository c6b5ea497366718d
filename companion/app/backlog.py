"""The backlog: notes that need work and are filled only with the user's consent.

It holds the notes that were in the vault at the first scan, and those that arrive many at once by a
sync, a git pull or an import. A note that is edited later leaves the backlog.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError

from companion.app.jobs import choose_jobs
from companion.app.types.runs import RunOptions
from companion.app.types.status import BacklogAnswer, BacklogState
from companion.config import Config
from companion.enrich.cost import describe_cost
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.errors import ConsentMissing, UsageError
from companion.private_files import write_private
from companion.vault.files import is_vault_there
from companion.vault.notes import Scan

MANY = 50  # notes that arrive together; more of them are a backlog

_TOGETHER = 60.0  # seconds; a note must be unchanged for thirty before a model is asked
_log = logging.getLogger(__name__)

BacklogSetting = Literal["ask", "all", "new"]
Consent = Literal["asked", "left", "free"]


class BacklogEntry(NamedTuple):
    """A note that needed something at the last scan. size: bytes; mtime_ns: as in os.stat_result.

    consent: "asked": the user has not answered yet; "left": they want it left alone; "free": it
    may be filled.
    """

    consent: Consent
    size: int
    mtime_ns: int
    sha256: str


_ENTRIES = TypeAdapter(dict[str, BacklogEntry])


class Backlog:
    """The notes of the vault at root that need something, each with the user's consent.

    state: the vault's state folder; `backlog.json` in it keeps them across restarts.
    setting: background.backlog. Safe to use from any thread; paths are vault-relative.
    """

    def __init__(
        self,
        root: Path,
        state: Path,
        setting: BacklogSetting,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._file = state / "backlog.json"
        self._setting = setting
        self._clock = clock
        self._lock = threading.RLock()
        self._recent: dict[str, float] = {}  # time of arrival by path, the oldest first
        self._saved: Mapping[str, BacklogEntry] | None = None
        try:
            self._saved = _ENTRIES.validate_json(self._file.read_bytes())
        except FileNotFoundError:
            pass
        except (OSError, ValidationError) as error:
            said = "%s cannot be read (%s); it is started again"
            _log.warning(said, self._file, type(error).__name__)
        self._is_new = self._saved is None
        self._entries = self._follow_setting(self._saved or {})

    def update(self, paths: Collection[str], *, whole: bool) -> set[str]:
        """Add notes that need something; return those that became part of the backlog.

        whole: these are all such notes; entries of others are dropped, unless the drive is away.
        """
        if not is_vault_there(self._root):
            return set()
        with self._lock:
            before, others = self._held(), set(paths)
            former = self._paths_by_sha256() if others - self._entries.keys() else {}
            arrived = [path for path in paths if not self._recognise(path, others, former)]
            added = self._add(arrived)
            if whole:
                self._entries = {
                    path: entry
                    for path, entry in self._entries.items()
                    if entry.consent != "free" or path in others
                }
                if self._is_new:
                    self._is_new, self._recent = False, {}
            if self._held() != before or (whole and self._entries != self._saved):
                try:
                    self._save(self._entries)
                except UsageError as error:
                    _log.warning("which notes were here before is not stored: %s", error)
            return added

    def holds_back(self, path: str) -> bool:
        """Return whether the note may be filled only with the user's consent."""
        with self._lock:
            return path in self._entries and self._entries[path].consent != "free"

    def waiting(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return those of these notes that wait for the user's answer, sorted."""
        with self._lock:
            waiting = {path for path, entry in self._entries.items() if entry.consent == "asked"}
            return tuple(sorted(waiting.intersection(paths)))

    def apply(self, setting: BacklogSetting) -> None:
        """Apply the current value of background.backlog."""
        with self._lock:
            if setting != self._setting:
                self._setting = setting
                self._entries = self._follow_setting(self._entries)

    def answer(self, *, fill: bool) -> None:
        """Save whether the notes that wait for the user's answer may be filled.

        Raises UsageError if it cannot be saved; nothing is changed then.
        """
        consent: Consent = "free" if fill else "left"
        with self._lock:
            entries = {
                path: entry._replace(consent=consent) if entry.consent == "asked" else entry
                for path, entry in self._entries.items()
            }
            self._save(entries)
            self._entries, self._recent = entries, {}

    def _add(self, arrived: Sequence[str]) -> set[str]:
        """Add notes without an entry; return those that become part of the backlog."""
        now = self._clock()
        self._recent = {path: at for path, at in self._recent.items() if now - at <= _TOGETHER}
        self._recent |= dict.fromkeys(arrived, now)
        self._entries |= {path: self._read(path, "free") for path in arrived}
        consent = self._apply_setting("asked")
        if consent == "free" or not (self._is_new or len(self._recent) > MANY):
            return set()
        added = {
            path: entry._replace(consent=consent)
            for path in self._recent
            if (entry := self._entries.get(path)) and entry.consent == "free"
        }
        self._entries |= added
        return set(added)

    def _recognise(self, path: str, others: set[str], former: Mapping[str, Sequence[str]]) -> bool:
        """Return whether the note already has an entry, under this path or its former one.

        A note of the backlog that was edited since counts as new. others, former: as in _follow.
        """
        entry = self._entries.get(path) or self._follow(path, others, former)
        if entry is None:
            return False
        try:
            stat = (self._root / path).stat()
        except OSError:  # it cannot be read now
            return True
        if (stat.st_size, stat.st_mtime_ns) == (entry.size, entry.mtime_ns):
            return True
        read = self._read(path, entry.consent)
        if entry.consent != "free" and read.sha256 != entry.sha256:
            del self._entries[path]
            return False
        self._entries[path] = read
        return True

    def _follow(
        self, path: str, others: set[str], former: Mapping[str, Sequence[str]]
    ) -> BacklogEntry | None:
        """Move the entry of a note that was renamed to path, found by its content, and return it.

        others: paths of notes that were not renamed. former: the earlier paths by content's hash.
        """
        digest = self._read(path, "free").sha256 if former else ""
        for old in former.get(digest, ()):
            if old in others or old not in self._entries:
                continue
            with suppress(OSError):
                if not (self._root / old).samefile(self._root / path):
                    continue
            entry = self._entries[path] = self._entries.pop(old)
            return entry
        return None

    def _read(self, path: str, consent: Consent) -> BacklogEntry:
        file = self._root / path
        try:
            stat, data = file.stat(), file.read_bytes()
        except OSError:
            return BacklogEntry(consent, -1, 0, "")
        return BacklogEntry(consent, len(data), stat.st_mtime_ns, sha256(data).hexdigest())

    def _apply_setting(self, consent: Consent) -> Consent:
        if self._setting == "all":
            return "free"
        return "left" if consent == "asked" and self._setting == "new" else consent

    def _follow_setting(self, entries: Mapping[str, BacklogEntry]) -> dict[str, BacklogEntry]:
        return {
            path: entry._replace(consent=self._apply_setting(entry.consent))
            for path, entry in entries.items()
        }

    def _held(self) -> dict[str, Consent]:
        return {
            path: each.consent for path, each in self._entries.items() if each.consent != "free"
        }

    def _paths_by_sha256(self) -> dict[str, list[str]]:
        paths: dict[str, list[str]] = defaultdict(list)
        for path, entry in self._entries.items():
            if entry.sha256:
                paths[entry.sha256].append(path)
        return paths

    def _save(self, entries: Mapping[str, BacklogEntry]) -> None:
        write_private(self._file, json.dumps(entries, separators=(",", ":")).encode())
        self._saved = dict(entries)


class BacklogConsent:
    """The question to the user about the backlog of one vault: how many notes, and at what cost.

    scan: returns the last scan. waiting: returns the notes that are held until the user answers.
    answered: called after each answer. Nothing is asked while background work is disabled.
    """

    def __init__(
        self,
        space: Workspace,
        backlog: Backlog,
        scan: Callable[[], Scan],
        waiting: Callable[[], Sequence[str]],
        answered: Callable[[], object] = bool,
    ) -> None:
        self._space = space
        self._backlog = backlog
        self._scan = scan
        self._all_waiting = waiting
        self._answered = answered
        self._estimated_for: Sequence[str] = ()
        self._cost = ""

    def _waiting(self) -> Sequence[str]:
        is_off = self._space.config.background.enabled is False
        return () if is_off else self._all_waiting()

    def state(self) -> BacklogState:
        """Return how many notes wait for an answer; the cost is empty until it is estimated."""
        waiting = self._waiting()
        cost = self._cost if waiting == self._estimated_for else ""
        return BacklogState(notes=len(waiting), cost=cost)

    def update_cost(self) -> None:
        """Estimate the cost if the notes have changed, within a second. Raises JournalError."""
        waiting = self._waiting()
        if waiting == self._estimated_for:
            return
        cost = ""
        if waiting:
            jobs = [Job(path) for path in waiting]
            cost = describe_cost(self._space, self._scan(), jobs)
        if len(waiting) > len(self._estimated_for):
            said = "notes that were here before, or arrived together, wait: %d; %s asks"
            _log.info(said, len(waiting), "companion service backlog")
        self._estimated_for, self._cost = waiting, cost

    def answer(self, answer: BacklogAnswer) -> None:
        """Save the user's answer: fill the notes of the backlog, or leave them alone.

        Raises ConsentMissing if there are more now; UsageError if none wait, or it cannot be saved.
        """
        waiting, notes = len(self._waiting()), answer.notes
        if notes is not None and waiting > notes:
            raise ConsentMissing(
                f"the backlog has grown from {notes:,} notes to {waiting:,} in the meantime; "
                "look again"
            )
        if not waiting:
            raise UsageError("no notes wait for an answer; see companion status")
        self._backlog.answer(fill=answer.fill)
        self._answered()


def find_backlog(space: Workspace) -> BacklogConsent:
    """Scan the vault, and return the question about its backlog, with the estimated cost.

    Raises JournalError.
    """
    scan = space.scan()
    paths = [job.path for job in choose_jobs(space, scan, RunOptions(paths=[""])).jobs]
    backlog = Backlog(space.root, space.state, space.config.background.backlog)
    backlog.update(paths, whole=True)
    consent = BacklogConsent(space, backlog, lambda: scan, lambda: backlog.waiting(paths))
    consent.update_cost()
    return consent


def may_ask(config: Config) -> bool:
    """Return whether the settings allow asking the user about a backlog unprompted."""
    table = config.background
    return table.backlog == "ask" and table.enabled is not False and not config.is_model_missing
