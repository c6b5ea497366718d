"""The configuration: all settings, and what follows from them for the rest of the program."""

from __future__ import annotations

from companion.config.settings import (
    AgentsTable,
    BackgroundTable,
    CalloutTable,
    EndpointTable,
    IgnoreTable,
    LimitsTable,
    Mode,
    NotesTable,
    PrivateTable,
    ReviewTable,
    ServerTable,
    SimilarTable,
    Table,
    TagsTable,
)
from companion.config.validators import NamedPath
from companion.llm.endpoint import Endpoint
from companion.note.callouts import Style, Styles
from companion.vault.ignore import IgnoreRules


class Config(Table):
    """All settings; every one has a default."""

    vault: NamedPath | None = None
    """the vault's folder; unset: the nearest folder with .obsidian"""
    endpoint: EndpointTable = EndpointTable()
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
        return not self.is_embedded and not self.remote_endpoint().is_local

    @property
    def concurrency(self) -> int:
        """How many notes are worked on at once; by default 2 with the embedded model, else 4."""
        return self.endpoint.concurrency or (2 if self.is_embedded else 4)

    def styles(self, usual: Styles) -> Styles:
        """Return the styles of new callouts. usual: the vault's, for what is not configured."""
        table = self.callout
        return Styles(
            _override(usual.top, table.title, table.fold),
            _override(usual.section, table.title, table.section_fold),
        )

    def ignore_rules(self) -> IgnoreRules:
        """Return the rules that exclude files, Obsidian's own settings left out."""
        return IgnoreRules(
            patterns=self.ignore.patterns,
            folders=self.ignore.folders,
            private_folders=self.private.folders,
            is_remote=self.is_remote,
            max_bytes=self.ignore.max_kilobytes * 1024,
        )

    def review_mode(self, path: str, kind: str) -> Mode:
        """Return what becomes of answers for a note: that of its deepest folder with a setting.

        path: vault-relative, with `/`. kind: of the need. Without such a folder, the field's.
        """
        while path := path.rpartition("/")[0]:
            if mode := self.review.folders.get(path):
                return mode
        return self.review.fields.get(kind, self.review.mode)

    def may_agents_accept(self, path: str, kind: str) -> bool:
        """Return whether agents may accept proposals for such needs of the note at path."""
        folders = self.agents.folders
        is_there = folders is None or any(path.startswith(f"{folder}/") for folder in folders)
        return kind in self.agents.may_accept and is_there

    def remote_endpoint(self) -> Endpoint:
        """Return the configured endpoint. The embedded model has none before it is started."""
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
            requests_a_minute=table.requests_a_minute,
            tokens_a_minute=table.tokens_a_minute,
            service_tier=table.service_tier,
        )

    def similar_endpoint(self) -> Endpoint | None:
        """Return the endpoint that encodes texts; None: the built-in encoder does."""
        table = self.similar
        if table.base_url is None:
            return None
        main, secret = self.endpoint, table.api_key.get_secret_value()
        if not secret and table.base_url == main.base_url:
            secret = main.api_key.get_secret_value()
        return Endpoint(table.base_url, table.model, secret, main.timeout, main.retries)


def _override(usual: Style, title: str | None, fold: str | None) -> Style:
    return Style(usual.title if title is None else title, usual.fold if fold is None else fold)
