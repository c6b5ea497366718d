"""Conflict copies: files that a sync client made of a note whose edits it could not merge."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

# What sync clients write between the brackets, in each language. Dropbox and Nextcloud translate
# the phrase; Obsidian Sync and OpenCloud use Dropbox's English one.
_PHRASES = Path(__file__).with_name("conflict_phrases.txt").read_text(encoding="utf-8").splitlines()

_CONFLICT = re.compile(
    r"""
    (?: \( [^()]* (?: \([^()]*\) [^()]* )? (?:PHRASES) [^()]* (?: \([^()]*\) [^()]* )? \)
      | \( SFConflict \s [^()]* \)                        # Seafile
      | \s [\[(] conflict(?:ed)? (?:\s\d+)? [\])]         # pCloud, old Google Drive
      | \[ conflict (?:\s\d+)? \]
      | \. sync-conflict-\d{8}-\d{6} (?:-\w+)?            # Syncthing
      | \. conflict \d*                                   # Resilio
      | _conflict-\d{8}-\d{6}                             # ownCloud
      | _[^_]+ _ \w{3}-\d\d-\d{4}-\d{4} _ (?:Case)?Conflict  # Synology Drive
    )
    (?: \s \(\d+\) | \s \d+ )? \.md \Z
    """.replace("PHRASES", "|".join(re.escape(phrase) for phrase in _PHRASES)),
    re.IGNORECASE | re.VERBOSE,
)


def is_conflict_copy(name: str) -> bool:
    """Whether a sync client made the file of that name, for a note that it could not merge.

    OneDrive's `-HOSTNAME` and iCloud's ` 2` do not count, since people also name notes like that.
    """
    if not name.isascii():
        name = unicodedata.normalize("NFC", name)
    return _CONFLICT.search(name) is not None
