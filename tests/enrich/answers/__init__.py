"""Answers of models, good and bad, a file a language."""

import tomllib
from pathlib import Path
from typing import Any


def read_answers() -> dict[str, dict[str, Any]]:
    """Return what the files hold, by language."""
    files = sorted(Path(__file__).parent.glob("*.toml"))
    return {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in files}
