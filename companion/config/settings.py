"""All settings, table by table: what each expects, its default, and what follows from them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from companion.llm.catalog import is_small_model, model_path
from companion.llm.endpoint import Endpoint
from companion.note.tags import is_tag
from companion.vault.ignore import IgnoreRules, folder_key

DEFAULT_PORT = 27182
_ABSOLUTE = re.compile(r"[/~]|[A-Za-z]:")


def normalize_folder(value: str) -> str:
    """Return the vault-relative path of a folder, with `/` between its parts and none at the end.

    Raises ValueError for a glob, an absolute path, a note, or anything but a folder in the vault.
    """
    folder = posixpath.normpath(value.strip().replace("\\", "/"))
    if _ABSOLUTE.match(folder) or folder == "." or folder.split("/")[0] == "..":
        raise ValueError(f"{value!r} is no folder relative to the vault, such as A/B")
    if "*" in folder or "?" in folder:
        raise ValueError(f"{value!r} is a glob; a folder is left out with everything in it")
    if folder.lower().endswith(".md"):
        raise ValueError(f"{value!r} is a note; give it `ai: false`, or a tag that is in tags")
    return folder


def normalize_tag(value: str) -> str:
    """Return the tag without `#`, and without blanks and slashes around it.

    Raises ValueError for a glob, or anything that is not a tag in Obsidian.
    """
    tag = value.strip().removeprefix("#").strip("/")
    if not is_tag(tag):
        raise ValueError(f"{value!r} is not a tag; a tag includes all that are nested in it")
    return tag


def _list_values(value: object) -> object:
    """Return the properties with a list of values each, of which a note has one."""
    if not isinstance(value, dict):
        return value
    listed = {
        name: each if isinstance(each, list | tuple) else [each] for name, each in value.items()
    }
    for name, each in listed.items():
        if (
            not name.strip()
            or "*" in name
            or any(not isinstance(v, str) or not v.strip() or "*" in v for v in each)
        ):
            raise ValueError(f'{name!r} has no plain value; write {{ name = "value" }}')
    return {name.strip(): [text.strip() for text in each] for name, each in listed.items()}


def _check_glob(value: str) -> str:
    if not value.strip() or value.startswith(("./", ".\\")):
        raise ValueError(f"{value!r} is no glob of notes in the vault, such as Journal/**")
    return value


def _check_afterwards(value: str) -> str:
    if value not in ("keep", "remove") and not (value.startswith("#") and is_tag(value[1:])):
        raise ValueError('write "keep", "remove" or a tag like "#status/done"')
    return value


def _check_path(value: object) -> object:
    if value == "":  # pathlib takes it for the current folder
        raise ValueError("the path is empty; name the vault's folder, or leave this out")
    return value


FolderName = Annotated[str, AfterValidator(normalize_folder)]
"""a folder of the vault"""
TagName = Annotated[str, AfterValidator(normalize_tag)]
"""a tag, without `#`"""
PropertyValues = Annotated[dict[str, tuple[str, ...]], BeforeValidator(_list_values)]
"""properties, each with its values"""
Mode = Literal["write", "propose"]
"""what happens to an answer: it is written at once, or waits until somebody accepts it"""


class Table(BaseModel):
    """Settings that belong together; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NotesTable(Table):
    """[notes]: which notes are candidates, and what is filled in them."""

    fields: tuple[str, ...] | None = Field(
        default=None,
        description='what to fill, such as ["description", "callout"]; unset: everything there are'
        " prompts for",
    )
    postponed_tags: tuple[str, ...] = Field(
        default=("status/postponed",), description="tags that mark a stub"
    )
    postponed_properties: dict[str, str] = Field(
        default={"status": "postponed"}, description="properties that mark a stub"
    )
    postponed_afterwards: Annotated[str, AfterValidator(_check_afterwards)] = Field(
        default="keep",
        description="what happens to the mark: keep, remove, or a tag to replace it, such as"
        " #status/done",
    )
    language: str | None = Field(
        default=None,
        description='what to write in, such as "English" or "中文"; unset: the note\'s own, else'
        " its folder's",
    )


class IgnoreTable(Table):
    """[ignore]: notes to leave alone, in addition to those that Obsidian itself excludes."""

    patterns: tuple[Annotated[str, AfterValidator(_check_glob)], ...] = Field(
        default=(), description='globs, such as ["Journal/**", "*.private.md"]'
    )
    folders: tuple[FolderName, ...] = Field(default=(), description="folders of the vault")
    tags: tuple[TagName, ...] = Field(default=(), description="notes with one of these tags")
    fields: dict[str, tuple[FolderName, ...]] = Field(
        default={}, description='fields to leave empty in folders, such as { tags = ["Projects"] }'
    )

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """The fields, each with one of its folders."""
        return tuple((name, each) for name, folders in self.fields.items() for each in folders)


class PrivateTable(Table):
    """[private]: notes that only a model on this machine may read; others leave them alone."""

    folders: tuple[FolderName, ...] = Field(default=(), description="folders of the vault")
    tags: tuple[TagName, ...] = Field(default=(), description="notes with one of these tags")
    properties: PropertyValues = Field(
        default={}, description='notes with one of these properties, such as { private = "true" }'
    )

    @property
    def marks(self) -> tuple[tuple[str, str], ...]:
        """The properties, each with one of its values."""
        return tuple((name, text) for name, texts in self.properties.items() for text in texts)


class ReviewTable(Table):
    """[review]: what is written at once. Flagged values always wait until somebody accepts them."""

    mode: Mode = Field(
        default="write", description="write, or propose: answers wait until somebody accepts them"
    )
    fields: dict[str, Mode] = Field(
        default={}, description='the same by field, such as { callout = "propose" }; overrides mode'
    )
    folders: dict[FolderName, Mode] = Field(
        default={},
        description='the same by folder, such as { Work = "propose" }; the deepest one overrides'
        " fields",
    )


class AgentsTable(Table):
    """[agents]: what programs connected through companion mcp may do, besides proposing."""

    may_accept: tuple[str, ...] = Field(
        default=(),
        description='fields whose proposals they may accept, such as ["description"]; flagged ones'
        " wait for you",
    )


class BackgroundTable(Table):
    """[background]: what the daemon does on its own."""

    enabled: bool | None = Field(
        default=None, description="fill stubs automatically; unset: yes, if a model is set up"
    )
    backlog: Literal["ask", "all", "new"] = Field(
        default="ask",
        description="notes from before, or over 50 that arrive at once: ask, fill all, or only new"
        " ones",
    )
    settle_seconds: Annotated[float, Field(ge=1)] = Field(
        default=30.0, description="a note is left alone until nobody has changed it for this long"
    )
    notes_a_day: Annotated[int, Field(ge=0)] = Field(
        default=100, description="ask about at most this many notes a day"
    )


class LimitsTable(Table):
    """[limits]: what all runs together may spend in a day, in all of your vaults."""

    tokens_a_day: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="tokens in and out, including the embedded model's; unset: no limit",
    )
    dollars_a_day: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="US dollars, at an endpoint whose price is known; unset: no limit"
    )


class ServerTable(Table):
    """[server]: where the daemon answers; always on 127.0.0.1, this machine only."""

    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=DEFAULT_PORT, description="0: any free one"
    )


class Config(Table):
    """All settings; every one has a default."""

    vault: Annotated[Path, BeforeValidator(_check_path)] | None = Field(
        default=None, description="the vault's folder; unset: the nearest folder with .obsidian"
    )
    endpoint: Endpoint = Endpoint()
    notes: NotesTable = NotesTable()
    ignore: IgnoreTable = IgnoreTable()
    private: PrivateTable = PrivateTable()
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

    def ignore_rules(self) -> IgnoreRules:
        """Return the rules that exclude files, except those in Obsidian's own settings."""
        return IgnoreRules(
            patterns=self.ignore.patterns,
            folders=self.ignore.folders,
            private_folders=self.private.folders,
            is_remote=self.is_remote,
        )

    def ignored_folder(self, path: str, kind: str) -> str | None:
        """Return the folder around a note in which this kind of need is left alone; None: none is.

        path: vault-relative, with `/`.
        """
        key = folder_key(path)
        folders = self.ignore.fields.get(kind, ())
        return next((each for each in folders if key.startswith(f"{folder_key(each)}/")), None)

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


class Setting(NamedTuple):
    """A setting. name: such as `endpoint.model`. default: None if it has none."""

    name: str
    description: str
    default: Any
    is_list: bool


def all_settings() -> Iterator[Setting]:
    """Yield all settings, in the order of the file."""
    yield from _settings_of(Config, "")


def _settings_of(table: type[BaseModel], head: str) -> Iterator[Setting]:
    for name, field in table.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from _settings_of(type(field.default), f"{name}.")
        else:
            kinds = [field.annotation, *get_args(field.annotation)]
            origins = [get_origin(kind) for kind in kinds]
            is_list = origins[0] is not dict and tuple in origins
            yield Setting(head + name, field.description or "", field.default, is_list)


def value_of(config: Config, name: str) -> Any:
    """Return the value of a setting; for the key, only whether it is set."""
    value: Any = config
    for part in name.split("."):
        value = getattr(value, part)
    return bool(value.get_secret_value()) if isinstance(value, SecretStr) else value
