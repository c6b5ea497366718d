"""Tell when a package is built without what Node builds; hatchling runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_STATIC = Path("companion", "daemon", "web", "static")
BUILT = (
    Path("obsidian-plugin", "main.js"),
    Path("obsidian-plugin", "styles.css"),
    _STATIC / "page.min.js",
    _STATIC / "page.min.css",
)
"""The files that Node makes."""


class BuiltFiles(BuildHookInterface[Any]):
    """Refuses to make an sdist without the Obsidian plugin and the page's files; warns of a wheel.

    An sdist is for people who may have no Node. A wheel works without: companion plugin install
    says that there is no plugin in it.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raise FileNotFoundError, or warn. version: "editable" for a checkout's own .venv."""
        root = Path(self.root)
        missing = [file.as_posix() for file in BUILT if not (root / file).is_file()]
        if version == "editable" or not missing:
            return
        said = (
            f"{', '.join(missing)}: missing; the Obsidian plugin and the page are built with Node"
            " 20 or newer, and make dev does it"
        )
        if self.target_name == "sdist":
            raise FileNotFoundError(said)
        self.app.display_warning(said)
