"""Configuration: `config.toml` and three environment variables, parsed once into typed values.

Both the configuration folder and the state folder are COMPANION_HOME where that is set, else
the platform's.
"""

from __future__ import annotations

import os
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, Self

from platformdirs import user_config_path, user_state_path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from companion.errors import UsageError
from companion.llm.endpoint import Endpoint
from companion.note.callout import Style, Styles
from companion.note.needs import CALLOUT, Rules
from companion.vault.ignore import IgnoreRules

APP = "callout-companion"
DEFAULT_MODEL = "qwen2.5-1.5b"


_TAKES = {
    "bool": "true or false",
    "dict": 'pairs, as { status = "postponed" }',
    "float": "a number",
    "int": "a whole number",
    "model": "settings of its own: begin them with its name in [ ] on a line",
    "path": "the path of a folder, in quotes",
    "string": "a text in quotes, on one line",
    "tuple": 'a list, as ["one", "two"]',
}


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class EndpointTable(_Table):
    """[endpoint]: who answers. Without `base_url` it is the embedded model on this machine."""

    base_url: str | None = None
    """an OpenAI-compatible API, as http://localhost:11434/v1; unset: the embedded model"""
    model: str = DEFAULT_MODEL
    """its name there; of the embedded one: see companion model list, or a .gguf file"""
    api_key: SecretStr = SecretStr("")
    """better in COMPANION_API_KEY"""
    json_mode: Literal["auto", "schema", "object", "text"] = "auto"
    """the JSON answers the server can give; text: one call a field"""
    timeout: Annotated[float, Field(gt=0)] = 120.0
    """seconds for one answer"""
    retries: Annotated[int, Field(ge=0)] = 3
    """further calls after a failed one"""
    context_tokens: Annotated[int, Field(ge=1024)] | None = None
    """longer notes are cut to fit; unset: 4096 embedded, no limit elsewhere"""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.2
    """how freely the model writes"""
    concurrency: Annotated[int, Field(ge=1, le=256)] | None = None
    """notes at once; unset: 2 embedded, 4 elsewhere"""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.base_url is not None and not self.base_url.startswith(("http://", "https://")):
            raise ValueError("base_url must begin with http:// or https://")
        if self.base_url is not None and "model" not in self.model_fields_set:
            raise ValueError("an endpoint with a base_url needs a model, too")
        return self


class NotesTable(_Table):
    """[notes]: which notes are candidates, and what is filled in them."""

    fields: tuple[str, ...] | None = None
    """what to fill, as ["description", "callout"]; unset: all there are prompts for"""
    postponed_tags: tuple[str, ...] = ("status/postponed",)
    """tags that mark a stub"""
    postponed_properties: dict[str, str] = {"status": "postponed"}
    """properties that mark a stub"""
    postponed_afterwards: str = "keep"
    """what becomes of the mark: keep, remove, or a tag to put in its place, as #status/done"""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.postponed_afterwards not in ("keep", "remove"):
            replacement = self.postponed_afterwards.removeprefix("#")
            if replacement == self.postponed_afterwards or not replacement:
                raise ValueError('write "keep", "remove" or a tag like "#status/done"')
        return self


class IgnoreTable(_Table):
    """[ignore]: notes that are left alone, beside what Obsidian itself excludes."""

    patterns: tuple[str, ...] = ()
    """globs, as ["Journal/**", "*.private.md"]"""
    folders: tuple[str, ...] = ()
    """folders of the vault"""
    tags: tuple[str, ...] = ()
    """notes with one of these tags"""
    max_kilobytes: Annotated[int, Field(ge=1)] = 1024
    """larger notes"""


class CalloutTable(_Table):
    """[callout]: how a new callout begins, `> [!ai]+ Title`."""

    title: Annotated[str, Field(pattern=r"^[^\r\n]*$")] = "AI"
    """its title"""
    fold: Literal["", "+", "-"] = ""
    """at the top of a note: + open, - folded"""
    section_fold: Literal["", "+", "-"] = "+"
    """the same under a heading"""
    links: bool = True
    """link the first mention of notes that exist"""


class Config(_Table):
    """All settings; every one has a default."""

    vault: Path | None = None
    """the vault's folder; unset: the nearest folder with .obsidian"""
    endpoint: EndpointTable = EndpointTable()
    notes: NotesTable = NotesTable()
    ignore: IgnoreTable = IgnoreTable()
    callout: CalloutTable = CalloutTable()

    @property
    def is_embedded(self) -> bool:
        """Whether the model runs on this machine, started by Companion itself."""
        return self.endpoint.base_url is None

    @property
    def concurrency(self) -> int:
        """How many notes are worked on at once: 4, and 2 where the model is the embedded one."""
        return self.endpoint.concurrency or (2 if self.is_embedded else 4)

    @property
    def styles(self) -> Styles:
        """How new callouts begin."""
        table = self.callout
        return Styles(Style(table.title, table.fold), Style(table.title, table.section_fold))

    def rules(self, fields: tuple[str, ...], vocabulary: tuple[str, ...]) -> Rules:
        """Return which notes are candidates; fields: those there are prompts for."""
        wanted = fields if self.notes.fields is None else self.notes.fields
        if unknown := [name for name in wanted if name not in fields]:
            raise UsageError(
                f"notes.fields names {', '.join(unknown)}, but there is no such file in "
                f"prompts/fields; there are: {', '.join(fields)}"
            )
        return Rules(
            fields=tuple(name for name in wanted if name != CALLOUT),
            callout=CALLOUT in wanted,
            postponed_tags=tuple(tag.removeprefix("#") for tag in self.notes.postponed_tags),
            postponed_properties=tuple(self.notes.postponed_properties.items()),
            skip_tags=tuple(tag.removeprefix("#") for tag in self.ignore.tags),
            vocabulary=vocabulary,
        )

    def ignore_rules(self) -> IgnoreRules:
        """Return which files are left alone, without Obsidian's own settings."""
        return IgnoreRules(
            patterns=self.ignore.patterns,
            folders=self.ignore.folders,
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
        )


def config_folder() -> Path:
    """Return the folder of `config.toml`, `prompts/` and `token`."""
    return _home() or user_config_path(APP, appauthor=False)


def state_folder(root: Path) -> Path:
    """Return the folder of what is kept for one vault: journal, index, lock."""
    folder = _home() or user_state_path(APP, appauthor=False)
    digest = sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return folder / "vaults" / f"{root.name or 'vault'}-{digest}"


def load_config() -> Config:
    """Return the configuration; the environment wins over the file.

    Raises UsageError: the file is no TOML, or a key in it is unknown or has a wrong value.
    """
    file = config_folder() / "config.toml"
    tables = _read_toml(file)
    endpoint = tables.setdefault("endpoint", {})
    if isinstance(endpoint, dict):
        endpoint.update(_from_environment(endpoint))
    try:
        return Config.model_validate(tables)
    except ValidationError as error:
        raise UsageError("\n".join(_explain(error, file))) from None


def _read_toml(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is no valid TOML: {error}; mend that line") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from None


def _from_environment(endpoint: dict[str, object]) -> dict[str, object]:
    """Return what the environment sets; another base URL takes no key meant for the file's."""
    names = {
        "base_url": "COMPANION_BASE_URL",
        "api_key": "COMPANION_API_KEY",
        "model": "COMPANION_MODEL",
    }
    found: dict[str, object] = {
        key: value for key, name in names.items() if (value := os.environ.get(name))
    }
    if "base_url" in found and found["base_url"] != endpoint.get("base_url"):
        found.setdefault("api_key", "")
    return found


def _explain(error: ValidationError, file: Path) -> list[str]:
    """Return a line for each wrong setting; never its value, which may be the key."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in problem["loc"]) or "the file"
        if problem["type"] == "extra_forbidden":
            lines.append(f"{file}: unknown setting {name}; the README lists those there are")
        else:
            where = f"{file} or the environment" if name.startswith("endpoint") else f"{file}"
            lines.append(f"{where}: {name}: {_in_words(problem)}")
    return lines


def _in_words(problem: ErrorDetails) -> str:
    """Return what a setting takes, in place of pydantic's words for types of Python."""
    if takes := _TAKES.get(problem["type"].partition("_")[0]):
        return f"this takes {takes}"
    message = problem["msg"].removeprefix("Value error, ")
    return message.replace("Input should be", "this has to be")


def _home() -> Path | None:
    home = os.environ.get("COMPANION_HOME")
    return Path(home).expanduser().absolute() if home else None
