"""The status of a vault and its daemon, and the settings that can be changed over the API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from companion.app.types.base import LARGEST, Moment, Name, Sent, Shape
from companion.config.settings import Mode


class Fault(Shape):
    """A fault of the model's endpoint."""

    kind: str
    reason: str
    since: Moment
    tries: int


class BacklogState(Shape):
    """The backlog: notes that were there before, or arrived many at once, filled only with consent.

    notes: how many wait for an answer. cost: where they would be sent, and what that may cost, in
    words; empty until it is known.
    """

    notes: int = 0
    cost: str = ""


class BacklogAnswer(Sent):
    """The user's answer about the backlog. fill: fill its notes over time; else leave them alone.

    notes: the number that the user was shown; if there are more now, the answer is refused.
    """

    fill: bool
    notes: Annotated[int, Field(ge=0, le=LARGEST)] | None = None


class BackgroundWork(Shape):
    """Background work. enabled: the setting. off: why it is held, in words; empty if it is not."""

    enabled: bool = True
    off: str
    waiting: int = 0
    notes_today: int
    notes_a_day: int
    backlog: BacklogState = BacklogState()


class SpentToday(Shape):
    """Today's work: the notes enriched in this vault, and what was spent for all vaults.

    dollars: null if the price is unknown. is_free: the model runs on this machine, and no setting
    gives it a price. tokens_a_day, dollars_a_day: the limits, if any.
    """

    notes: int
    input_tokens: int
    output_tokens: int
    dollars: float | None
    is_free: bool
    tokens_a_day: int | None
    dollars_a_day: float | None


class Status(Shape):
    """The state of a vault, and of its daemon. Without a daemon, its part has defaults.

    line: all of it in a few words. missing: what is to be done before it works, as one sentence.
    pid, started_at: the daemon's; null: none runs. vault: the folder's name. vault_missing: the
    folder is missing or empty. ready: the vault has been scanned. polls: why the vault is polled,
    in words, empty if file events work. retry_in: seconds until the endpoint is tried again.
    proposals: how many wait for a decision. notes: how many were scanned; to_do: how many need
    something that can be asked for. in_hand: the notes in progress. modes: by field, whether an
    answer is written at once (`write`) or waits for a decision (`propose`); folder_modes: the same
    by folder, which overrides a field's.
    settings_to_restart_for: changed settings that need a restart of the daemon, such as
    `server.port`. settings_fault: why nothing is asked or written, because a settings file is
    broken, with the file and the line; empty if none is.
    """

    version: str
    line: str = ""
    missing: str | None = None
    running: bool = False
    pid: int | None = None
    started_at: Moment | None = None
    vault: str
    vault_missing: bool = False
    ready: bool = False
    paused: bool
    polls: str = ""
    endpoint: str
    model: str
    is_embedded: bool
    is_remote: bool
    is_model_missing: bool = False
    modes: dict[str, Mode]
    folder_modes: dict[str, Mode]
    fault: Fault | None = None
    retry_in: int = 0
    background: BackgroundWork
    today: SpentToday
    proposals: int
    notes: int = 0
    to_do: int = 0
    open_notes: int = 0
    in_hand: list[str] = Field(default=[])
    runs: list[str] = Field(default=[])
    newest_change: int
    settings_to_restart_for: tuple[str, ...] = ()
    settings_fault: str = ""


_Entry = Annotated[str, Field(min_length=1, max_length=1000)]
_Entries = Annotated[list[_Entry], Field(max_length=1000)]


class PrivateNotes(Sent):
    """What only a model on this machine may read: folders, tags, and properties with their values.

    In a change, null leaves a list as it is; otherwise it is all that the list has then.
    """

    folders: _Entries | None = None
    tags: _Entries | None = None
    properties: dict[Name, _Entries] | None = None


class IgnoredNotes(Sent):
    """What is left alone: folders, tags, globs of notes, and fields, each in some folders.

    In a change, null leaves a list as it is; otherwise it is all that the list has then.
    """

    folders: _Entries | None = None
    tags: _Entries | None = None
    globs: _Entries | None = None
    fields: dict[Name, _Entries] | None = None


class SettingsChange(Sent):
    """A change of settings; what is null stays as it is.

    fields: whether each is filled, by its property, or `callout`. modes: by the same; folder_modes:
    by folder; null takes the folder's mode away. replace: also take something out of what is
    private or ignored; otherwise that is refused with 409, `takes-out`.
    """

    fields: dict[Name, bool] | None = None
    modes: dict[Name, Mode] | None = None
    folder_modes: dict[Name, Mode | None] | None = None
    private: PrivateNotes | None = None
    ignored: IgnoredNotes | None = None
    background: bool | None = None
    notes_a_day: Annotated[int, Field(ge=0, le=LARGEST)] | None = None
    replace: bool = False


class SettingsShape(Shape):
    """The settings, as in SettingsChange. fields, modes: of all fields that have a prompt."""

    fields: dict[str, bool]
    modes: dict[str, Mode]
    folder_modes: dict[str, Mode]
    private: PrivateNotes
    ignored: IgnoredNotes
    background: bool
    notes_a_day: int
