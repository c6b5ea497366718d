"""What is known of the whole vault while one of its notes is worked on: names and usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import PurePosixPath

from companion.llm.forecast import estimate_tokens
from companion.note.callout import Styles
from companion.note.style import SECTION, TOP, commonest_style
from companion.note.wikilink import LinkNames
from companion.prompts import Field
from companion.vault.index import Scan

_OFFERED = 60  # values of a vocabulary that a prompt offers at most
_OFFERED_TOKENS = 100  # about what they may take together


class Known:
    """The names, the vocabularies and the styles of a vault, from one scan of it."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan

    @cached_property
    def names(self) -> LinkNames:
        """What links may point to."""
        return LinkNames((path, _title(path), aliases) for path, aliases in self._scan.names())

    @cached_property
    def taken(self) -> frozenset[str]:
        """All titles and aliases, casefolded: none of them is a good alias of another note."""
        taken = set()
        for path, aliases in self._scan.names():
            taken.add(_title(path).casefold())
            taken.update(alias.casefold() for alias in aliases)
        return frozenset(taken)

    @cached_property
    def styles(self) -> Styles:
        """How its AI callouts begin most often; where it has too few, how ours do."""
        ours = Styles()
        return Styles(
            commonest_style(self._scan.styles(TOP), ours.top),
            commonest_style(self._scan.styles(SECTION), ours.section),
        )

    @cached_property
    def paths(self) -> Sequence[str]:
        """The paths of the vault's notes."""
        return [path for path, _ in self._scan.names()]

    def vocabulary(self, fields: Sequence[Field], text: str) -> Mapping[str, Sequence[str]]:
        """Return the values in use for each of the fields that chooses from them, by its name.

        Those whose words stand in text come first, then the most used ones.
        """
        words = text.casefold()
        chosen = {}
        for field in fields:
            if field.vocabulary == "vault" and field.property:
                used = self._vocabularies(field.property)
                chosen[field.name] = _fitting(_rank(used, words)[:_OFFERED])
        return chosen

    def is_used(self, field: Field, value: str) -> bool:
        """Whether a note has the value in the field's property; case does not matter."""
        used = self._vocabularies(field.property or "")
        return value.casefold() in (each.casefold() for each in used)

    def _vocabularies(self, name: str) -> Mapping[str, int]:
        if name not in self._counted:
            self._counted[name] = self._scan.vocabulary(name)
        return self._counted[name]

    @cached_property
    def _counted(self) -> dict[str, Mapping[str, int]]:
        return {}


def _rank(used: Mapping[str, int], words: str) -> list[str]:
    return sorted(used, key=lambda value: (not _occurs(value, words), -used[value], value))


def _fitting(values: Sequence[str]) -> list[str]:
    """Return the first values that a prompt has room for, one at least."""
    costs = accumulate(estimate_tokens(value) + 1 for value in values)  # 1: the comma
    fitting = sum(cost <= _OFFERED_TOKENS for cost in costs)
    return list(values[: max(1, fitting)])


def _occurs(value: str, words: str) -> bool:
    return value.rpartition("/")[2].replace("-", " ").replace("_", " ").casefold() in words


def _title(path: str) -> str:
    return PurePosixPath(path).stem
