"""The settings that can be changed over the API: never an endpoint, a key, or a program."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from companion.app.types.base import LARGEST, Name, Sent, Shape
from companion.config.settings import Mode

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
