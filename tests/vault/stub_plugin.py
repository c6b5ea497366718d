"""A plugin as if it was built, for a vault to have it installed."""

import json
from pathlib import Path

from companion import __version__

PLUGIN = ".obsidian/plugins/callout-companion"


def build_plugin(folder: Path, version: str = __version__) -> Path:
    """Return the folder, with the files of a plugin in it, and one that is no part of it."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {"id": "callout-companion", "name": "Callout Companion", "version": version}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "main.js").write_text('"use strict"; // Ω\n')
    (folder / "styles.css").write_text(".callout-companion {}\n")
    (folder / "package.json").write_text("{}")
    return folder
