"""The generated part of README.md: what to type to install, which the plugin shows, too."""

from __future__ import annotations

import json
from pathlib import Path

LINES = Path(__file__).parents[2] / "obsidian-plugin" / "src" / "install-lines.json"


def install_lines() -> str:
    """Return, for each system, the lines that install uv and Companion, as Markdown."""
    blocks = []
    for each in json.loads(LINES.read_text(encoding="utf-8")):
        lines = "\n".join(each["lines"])
        blocks.append(f"{each['system']}, in {each['where']}:\n\n```\n{lines}\n```")
    return "\n\n".join(blocks)
