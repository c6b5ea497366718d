"""Which file names are copies that a sync client made of a note it could not merge."""

from __future__ import annotations

import re
import unicodedata

# What sync clients write between the brackets, in the languages they write it in. Dropbox and
# Nextcloud translate the phrase; Obsidian Sync and OpenCloud use Dropbox's English one.
_PHRASES = (
    "conflicted copy",
    "conflicting copy",
    "case conflict",
    "selective sync conflict",
    "unicode encoding conflict",
    "in konflikt stehende kopie",
    "konfliktkopie",
    "copie en conflit",
    "copia en conflicto",
    "copia conflictiva",
    "copia in conflitto",
    "cópia em conflito",
    "cópia conflitante",
    "conflicterende kopie",
    "conflicterend exemplaar",
    "konfliktkopia",
    "konfliktkopi",
    "konfliktní kopie",
    "kopia powodująca konflikt",
    "конфликтующая копия",
    "конфликтная копия",
    "конфліктна копія",
    "競合コピー",
    "問題のあるコピー",
    "冲突副本",
    "冲突的副本",
    "衝突複本",
    "충돌된 사본",
    "충돌 사본",
)

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
    """Whether name, a note's file name with its `.md`, is that of a sync-conflict copy.

    Only marks that a client makes count, at the end of the name: a note called
    "Conflicted copy.md" is a note. OneDrive's `-HOSTNAME` and iCloud's ` 2` are left out on
    purpose, since people name notes so themselves.
    """
    if not name.isascii():
        name = unicodedata.normalize("NFC", name)
    return _CONFLICT.search(name) is not None
