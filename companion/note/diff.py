"""What changed between two texts of a note, as `diff -u` shows it."""

from __future__ import annotations

from difflib import unified_diff

from companion.note.text import split_lines


def diff_lines(path: str, old: str, new: str) -> list[str]:
    """Return the lines of a unified diff, each with its end."""
    before, after = split_lines(old), split_lines(new)
    lines = []
    for line in unified_diff(before, after, f"a/{path}", f"b/{path}"):
        ended = line.endswith(("\n", "\r"))
        lines.append(line if ended else f"{line}\n\\ No newline at end of file\n")
    return lines
