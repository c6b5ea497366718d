"""What to say where the gate is switched off, for nobody to leave it so without a word."""

from __future__ import annotations

from companion.enrich.gate import checks_are_on

UNCHECKED = "COMPANION_CHECKS=off is set: what the model says goes into notes unchecked"


def find_unchecked() -> str | None:
    """Return what to say; None where answers are checked, in this process."""
    return None if checks_are_on() else UNCHECKED
