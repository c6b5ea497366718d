"""Tell when a package is built without the Obsidian plugin; hatchling runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_MISSING = (
    "obsidian-plugin/main.js is missing: the Obsidian plugin was not built, which takes Node 20 or"
    " newer; make dev builds it"
)


class PluginCheck(BuildHookInterface[Any]):
    """Refuses to make an sdist without the built plugin, and warns of a wheel without it.

    An sdist is for people who may have no Node. A wheel works, but for companion plugin install.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raise FileNotFoundError, or warn. version: "editable" for a checkout's own .venv."""
        if version == "editable" or Path(self.root, "obsidian-plugin", "main.js").is_file():
            return
        if self.target_name == "sdist":
            raise FileNotFoundError(_MISSING)
        self.app.display_warning(_MISSING)
