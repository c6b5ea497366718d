"""Configuration files: their tables, and errors in them said in words of TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from companion.errors import UsageError
from companion.private_files import read_if_there

_EXPECTED = {
    "bool": "true or false",
    "dict": 'pairs, as { status = "postponed" }',
    "float": "a number",
    "int": "a whole number",
    "model": "settings of its own: begin them with its name in [ ] on a line",
    "path": "the path of a folder, in quotes",
    "string": "a text in quotes, on one line",
    "tuple": 'a list, as ["one", "two"]',
}


def read_tables(file: Path) -> dict[str, Any]:
    """Return the tables of the file; none where it does not exist.

    Raises UsageError if it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads((read_if_there(file) or b"").decode("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is no valid TOML: {error}; mend that line") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} cannot be read: {error}") from None


def describe_errors(
    error: ValidationError, file_of: Callable[[str], Path], elsewhere: str = ""
) -> str:
    """Return a line for each wrong setting; never its value, which may be the key.

    file_of: returns the file that a setting, as `endpoint.model`, stands in. elsewhere: where
    those of the endpoint may come from, too. What a setting expects is said in words of TOML, in
    place of pydantic's for Python's types.
    """
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in problem["loc"]) or "the file"
        file = file_of(name)
        if problem["type"] == "extra_forbidden":
            lines.append(f"{file}: unknown setting {name}; the README lists those there are")
            continue
        if expected := _EXPECTED.get(problem["type"].partition("_")[0]):
            message = f"this takes {expected}"
        else:
            message = problem["msg"].removeprefix("Value error, ")
            message = message.replace("Input should be", "this has to be")
        where = f"{file}{elsewhere}" if name.startswith("endpoint") else f"{file}"
        lines.append(f"{where}: {name}: {message}")
    return "\n".join(lines)
