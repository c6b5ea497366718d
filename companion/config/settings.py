"""All settings, table by table: what each expects, its default, and what follows from them."""

from __future__ import annotations

from operator import itemgetter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from companion.config.validators import (
    FolderName,
    NamedPath,
    Pattern,
    PostponedAfterwards,
    PropertyValues,
    TagName,
)
from companion.llm.catalog import is_small_model, model_path
from companion.llm.endpoint import Endpoint
from companion.note.callouts import Styles
from companion.vault.ignore import IgnoreRules, folder_key

DEFAULT_PORT = 27182


class Table(BaseModel):
    """Settings that belong together; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NotesTable(Table):
    """[notes]: which notes are candidates, and what is filled in them."""

    fields: tuple[str, ...] | None = None
    """what to fill, such as ["description", "callout"]; unset: everything there are prompts for"""
    postponed_tags: tuple[str, ...] = ("status/postponed",)
    """tags that mark a stub"""
    postponed_properties: dict[str, str] = {"status": "postponed"}
    """properties that mark a stub"""
    postponed_afterwards: PostponedAfterwards = "keep"
    """what happens to the mark: keep, remove, or a tag to replace it, such as #status/done"""
    language: str | None = None
    """what to write in, such as "English" or "中文"; unset: the note's own, else its folder's"""
    unfilled: dict[FolderName, tuple[str, ...]] = {}
    """properties, or callout, not to fill in a folder, such as { Journal = ["aliases"] }"""


class IgnoreTable(Table):
    """[ignore]: notes to leave alone, in addition to those that Obsidian itself excludes."""

    patterns: tuple[Pattern, ...] = ()
    """globs, such as ["Journal/**", "*.private.md"]"""
    folders: tuple[FolderName, ...] = ()
    """folders of the vault"""
    tags: tuple[TagName, ...] = ()
    """notes with one of these tags"""
    properties: PropertyValues = {}
    """notes with one of these properties, such as { status = "private" }"""


class PrivateTable(Table):
    """[private]: notes that only a model on this machine may read; others leave them alone."""

    folders: tuple[FolderName, ...] = ()
    """folders of the vault"""
    tags: tuple[TagName, ...] = ()
    """notes with one of these tags"""
    properties: PropertyValues = {}
    """notes with one of these properties, such as { private = "true" }"""
    _further_marks: tuple[tuple[str, str], ...] = ()

    @property
    def marks(self) -> tuple[tuple[str, str], ...]:
        """The properties, each with its value; a name may have several, as settings add up."""
        return tuple(dict.fromkeys((*self.properties.items(), *self._further_marks)))

    def with_marks(self, marks: tuple[tuple[str, str], ...]) -> PrivateTable:
        """Return the table with these properties, too: its own, and those of other settings."""
        table = self.model_copy()
        table._further_marks = (*self._further_marks, *marks)
        return table


class CalloutTable(Table):
    """[callout]: how a new callout begins, `> [!ai] Title`."""

    title: Annotated[str, Field(pattern=r"^[^\r\n]*$")] | None = None
    """its title; unset: that of most AI callouts in the vault, else AI"""
    links: bool = True
    """link the first mention of existing notes"""


class TagsTable(Table):
    """[tags]: tags that are never proposed."""

    never: tuple[TagName, ...] = ("status", "todo", "inbox", "draft", "wip")
    """tags about what is to be done, and those nested in them; never proposed"""


class SimilarTable(Table):
    """[similar]: comparing notes, to take tags and note types from similar ones."""

    enabled: bool = True
    """false: the model chooses all tags"""


Mode = Literal["write", "propose"]
"""what happens to an answer: it is written at once, or waits until somebody accepts it"""


class ReviewTable(Table):
    """[review]: what is written at once. Flagged values always wait until somebody accepts them."""

    mode: Mode = "write"
    """write, or propose: answers wait until somebody accepts them"""
    fields: dict[str, Mode] = {}
    """the same by field, such as { callout = "propose" }; overrides mode"""
    folders: dict[FolderName, Mode] = {}
    """the same by folder, such as { Work = "propose" }; the deepest one overrides fields"""


class AgentsTable(Table):
    """[agents]: what programs connected through companion mcp may do, besides proposing."""

    may_accept: tuple[str, ...] = ()
    """fields whose proposals they may accept, such as ["description"]; flagged ones wait for you"""


class BackgroundTable(Table):
    """[background]: what the daemon does on its own."""

    enabled: bool | None = None
    """fill stubs automatically; unset: yes, if a model is set up"""
    backlog: Literal["ask", "all", "new"] = "ask"
    """notes from before, or over 50 that arrive at once: ask, fill all, or only new ones"""
    settle_seconds: Annotated[float, Field(ge=1)] = 30.0
    """a note is left alone until nobody has changed it for this long"""
    notes_a_day: Annotated[int, Field(ge=0)] = 100
    """ask about at most this many notes a day"""


class LimitsTable(Table):
    """[limits]: what all runs together may spend in a day, in all of your vaults."""

    tokens_a_day: Annotated[int, Field(ge=0)] | None = None
    """tokens in and out, including the embedded model's; unset: no limit"""
    dollars_a_day: Annotated[float, Field(ge=0)] | None = None
    """US dollars, at an endpoint whose price is known; unset: no limit"""


class ServerTable(Table):
    """[server]: where the daemon answers; always on 127.0.0.1, this machine only."""

    port: Annotated[int, Field(ge=0, le=65535)] = DEFAULT_PORT
    """0: any free one"""


class Config(Table):
    """All settings; every one has a default."""

    vault: NamedPath | None = None
    """the vault's folder; unset: the nearest folder with .obsidian"""
    endpoint: Endpoint = Endpoint()
    notes: NotesTable = NotesTable()
    ignore: IgnoreTable = IgnoreTable()
    private: PrivateTable = PrivateTable()
    callout: CalloutTable = CalloutTable()
    tags: TagsTable = TagsTable()
    similar: SimilarTable = SimilarTable()
    review: ReviewTable = ReviewTable()
    agents: AgentsTable = AgentsTable()
    background: BackgroundTable = BackgroundTable()
    limits: LimitsTable = LimitsTable()
    server: ServerTable = ServerTable()

    @property
    def is_embedded(self) -> bool:
        """Whether the model runs on this machine, started by Companion itself."""
        return self.endpoint.base_url is None

    @property
    def is_remote(self) -> bool:
        """Whether notes leave this machine."""
        return not self.is_embedded and not self.endpoint.is_local

    @property
    def has_small_model(self) -> bool:
        """Whether the model is known to be too small for its facts to be trusted."""
        if self.endpoint.small is None and self.is_embedded:
            return is_small_model(self.endpoint.model)
        return bool(self.endpoint.small)

    @property
    def is_model_missing(self) -> bool:
        """Whether the model is embedded and not fetched yet. Raises UsageError if unknown."""
        return self.is_embedded and model_path(self.endpoint.model) is None

    def describe_endpoint(self) -> str:
        """Return in words which model is asked, and at which endpoint."""
        endpoint = self.endpoint
        if self.is_embedded:
            return f"{endpoint.model}, the embedded model (nothing leaves this machine)"
        place = "on this machine" if endpoint.is_local else "not on this machine"
        return f"{endpoint.model} at {endpoint.address} ({place})"

    @property
    def concurrency(self) -> int:
        """How many notes are worked on at once; by default 2 with the embedded model, else 4."""
        return self.endpoint.concurrency or (2 if self.is_embedded else 4)

    def styles(self, usual: Styles) -> Styles:
        """Return the styles of new callouts. usual: the vault's, for anything not configured."""
        if (title := self.callout.title) is None:
            return usual
        top, section = (each._replace(title=title) for each in (usual.top, usual.section))
        return usual._replace(top=top, section=section)

    def ignore_rules(self) -> IgnoreRules:
        """Return the rules that exclude files, except those in Obsidian's own settings."""
        return IgnoreRules(
            patterns=self.ignore.patterns,
            folders=self.ignore.folders,
            private_folders=self.private.folders,
            is_remote=self.is_remote,
        )

    def review_mode(self, path: str, kind: str) -> Mode:
        """Return the review mode for a note: its deepest folder's with a setting, else the field's.

        path: vault-relative, with `/`. kind: of the need.
        """
        named = sorted(self.review.folders.items(), key=itemgetter(1), reverse=True)
        folders = {folder_key(folder): mode for folder, mode in named}  # of two alike: propose
        path = folder_key(path) if folders else ""
        while path := path.rpartition("/")[0]:
            if mode := folders.get(path):
                return mode
        return self.review.fields.get(kind, self.review.mode)

    def is_unfilled(self, path: str, kind: str) -> bool:
        """Return whether a field is not to be filled in the note's folder. kind: of its need."""
        key = folder_key(path) if self.notes.unfilled else ""
        return any(
            key.startswith(f"{folder_key(folder)}/") and kind in kinds
            for folder, kinds in self.notes.unfilled.items()
        )
