"""All settings as one typed value, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import field_validator

from companion.config.tables import (
    BackgroundTable,
    CalloutTable,
    EndpointTable,
    IgnoreTable,
    LimitsTable,
    NotesTable,
    PrivateTable,
    ServerTable,
    Table,
)
from companion.errors import UsageError
from companion.llm.endpoint import Endpoint
from companion.note.callout import Style, Styles
from companion.note.needs import CALLOUT, DESCRIPTION
from companion.note.rules import Rules
from companion.vault.ignore import IgnoreRules


class Config(Table):
    """All settings; every one has a default."""

    vault: Path | None = None
    """the vault's folder; unset: the nearest folder with .obsidian"""
    endpoint: EndpointTable = EndpointTable()
    notes: NotesTable = NotesTable()
    ignore: IgnoreTable = IgnoreTable()
    private: PrivateTable = PrivateTable()
    callout: CalloutTable = CalloutTable()
    background: BackgroundTable = BackgroundTable()
    limits: LimitsTable = LimitsTable()
    server: ServerTable = ServerTable()

    @field_validator("vault", mode="before")
    @classmethod
    def _check_vault(cls, named: object) -> object:
        if named == "":  # pathlib takes it for the current folder
            raise ValueError("an empty path; name the vault's folder, or leave this out")
        return named

    @property
    def is_embedded(self) -> bool:
        """Whether the model runs on this machine, started by Companion itself."""
        return self.endpoint.base_url is None

    @property
    def is_remote(self) -> bool:
        """Whether notes leave this machine."""
        return not self.is_embedded and not self.remote_endpoint().is_local

    @property
    def concurrency(self) -> int:
        """How many notes are worked on at once: 4, and 2 where the model is the embedded one."""
        return self.endpoint.concurrency or (2 if self.is_embedded else 4)

    def styles(self, usual: Styles) -> Styles:
        """Return how new callouts begin. usual: how they do in the vault where nothing is set."""
        table = self.callout
        return Styles(
            _style(usual.top, table.title, table.fold),
            _style(usual.section, table.title, table.section_fold),
        )

    def rules(
        self,
        fields: Mapping[str, str],
        vocabulary: tuple[str, ...],
        triggers: tuple[str, ...] = (DESCRIPTION,),
    ) -> Rules:
        """Return which notes are candidates.

        fields: the names of the files that there are prompts in, with the property that each
        fills; `callout` for the callout. triggers: of these, those that make a note a candidate.
        """
        wanted = tuple(dict.fromkeys(self._wanted(fields)))
        return Rules(
            fields=tuple(name for name in wanted if name != CALLOUT),
            callout=CALLOUT in wanted,
            postponed_tags=_plain(self.notes.postponed_tags),
            postponed_properties=tuple(self.notes.postponed_properties.items()),
            skip_tags=self.ignore.tags,
            skip_properties=tuple(self.ignore.properties.items()),
            private_tags=self.private.tags,
            private_properties=tuple(self.private.properties.items()),
            is_remote=self.is_remote,
            vocabulary=vocabulary,
            triggers=triggers,
        )

    def _wanted(self, fields: Mapping[str, str]) -> Iterator[str]:
        """Yield the properties to fill, which may be named by their file. Raises UsageError."""
        named = self.notes.fields
        for name in fields.values() if named is None else named:
            if name in fields.values():
                yield name
            elif name in fields:
                yield fields[name]
            else:
                there = ", ".join(
                    file if file == filled else f"{file} (fills {filled})"
                    for file, filled in fields.items()
                )
                raise UsageError(
                    f"notes.fields names {name}, but there is no such file in prompts/fields, and"
                    f" none fills such a property; there are: {there}"
                )

    def ignore_rules(self) -> IgnoreRules:
        """Return which files are left alone, without Obsidian's own settings."""
        return IgnoreRules(
            patterns=self.ignore.patterns,
            folders=self.ignore.folders,
            private_folders=self.private.folders if self.is_remote else (),
            max_bytes=self.ignore.max_kilobytes * 1024,
        )

    def remote_endpoint(self) -> Endpoint:
        """Return the configured endpoint; not for the embedded model, which has none yet."""
        table = self.endpoint
        return Endpoint(
            base_url=table.base_url or "",
            model=table.model,
            api_key=table.api_key.get_secret_value(),
            timeout=table.timeout,
            retries=table.retries,
            json=table.json_mode,
            context_tokens=table.context_tokens,
            temperature=table.temperature,
            max_output_tokens=table.max_output_tokens,
            reasoning_effort=table.reasoning_effort,
        )


def _style(usual: Style, title: str | None, fold: str | None) -> Style:
    return Style(usual.title if title is None else title, usual.fold if fold is None else fold)


def _plain(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(tag.removeprefix("#") for tag in tags)
