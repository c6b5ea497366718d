"""Parses a model's answer into a sanitized value of a field."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from companion.enrich.checks.typed_values import read_scalar
from companion.errors import AnswerError
from companion.language.words import find_sentence_ends
from companion.note.frontmatter import SCALARS
from companion.note.safe_text import inert_prose, inert_value
from companion.prompts import Field

_BULLET = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)])\s+")

_NEW_VALUE_WORDS = 3  # at most, of a choice; a longer one is a sentence about it


class NothingToSay(AnswerError):
    """The model answered with nothing, which is a valid answer: there is no such value."""


Resolve = Callable[[str], str | None]
"""Returns the name of the note that a wikilink means, None if there is none.

For a field of links: the link to the note of that name.
"""


def read_value(
    field: Field,
    answer: object,
    choices: Sequence[str] | None,
    taken: frozenset[str],
    resolve: Resolve,
) -> str | list[str]:
    """Return the value in the answer: a text, a list of texts, or the lines of a callout's body.

    answer: the value in a JSON answer. choices: the only values allowed;
    None: any. taken: names of other notes, casefolded, which no item of a list may be.

    Raises NothingToSay if it says nothing, AnswerError with the reason if it is unfit.
    """
    if field.kind in SCALARS:
        return _read_scalar(field, answer)
    if field.is_link:
        return _read_links(field, answer, resolve)
    if field.kind == "list":
        return _read_list(field, answer, choices, taken)
    if not isinstance(answer, str):
        raise AnswerError(f"the model gave no text for {field.name}")
    if field.kind == "prose":
        return _read_prose(field, answer, resolve)
    text = inert_value(_without_label(answer, field.name))
    if not text:
        raise _nothing_for(field)
    if field.kind != "choice":
        return _shorten(text, field)
    chosen = _match_choice(text.rstrip("."), choices)
    if chosen is None:
        raise AnswerError(f"“{text[:60]}” is no {field.name} that the vault uses")
    return chosen


def _nothing_for(field: Field) -> NothingToSay:
    return NothingToSay(f"the model had nothing to say for {field.name}")


def _read_prose(field: Field, answer: str, resolve: Resolve) -> list[str]:
    lines = inert_prose(answer.strip(), resolve)
    if not any(line.strip() for line in lines):
        raise _nothing_for(field)
    return lines


def _read_scalar(field: Field, answer: object) -> str:
    raw = _without_label(answer, field.name) if isinstance(answer, str) else answer
    if (value := read_scalar(field.kind, raw, field.name)) is None:
        raise _nothing_for(field)
    return value


def find_new_values(field: Field, answer: object, choices: Sequence[str] | None) -> list[str]:
    """Return the values in the answer that are not among the choices, to propose to the user."""
    if choices is None:
        return []
    items: list[str] = []
    if field.kind == "list":
        items = _read_items(answer)
    elif field.vocabulary == "vault" and isinstance(answer, str):
        text = inert_value(_without_label(answer, field.name)).rstrip(".")
        items = [text] if len(text.split()) <= _NEW_VALUE_WORDS else []
    items = [item for item in items if _match_choice(item, choices) is None]
    return [item for item in dict.fromkeys(items) if item and _fits(item, field)]


def _read_items(answer: object) -> list[str]:
    """Return the sanitized items of a list, given as JSON or as lines of text."""
    if isinstance(answer, list):
        items = [str(item) for item in answer]
    else:
        items = str(answer).splitlines()
        if len(items) == 1:
            items = re.split(r"[,，、;；]", items[0])
    return list(map(_clean_item, items))


def _clean_item(text: str) -> str:
    """Return an item of a list, sanitized, without the bullet, number or `#` before it."""
    return inert_value(_BULLET.sub("", text)).lstrip("#")


def _read_list(
    field: Field, answer: object, choices: Sequence[str] | None, taken: frozenset[str]
) -> list[str]:
    items: dict[str, str] = {}
    for text in _read_items(answer):
        chosen = _match_choice(text, choices)
        if chosen and chosen.casefold() not in taken and _fits(chosen, field):
            items.setdefault(chosen.casefold(), chosen)
    if not items:
        new = find_new_values(field, answer, choices)
        named = f"only what the vault does not use yet ({', '.join(new)})" if new else "nothing fit"
        raise NothingToSay(f"the model named {named} for {field.name}")
    return list(items.values())[: field.max_items]


def _read_links(field: Field, answer: object, resolve: Resolve) -> str | list[str]:
    """Return the links to notes that exist; at least one."""
    names = [str(each).strip() for each in answer] if isinstance(answer, list) else []
    if isinstance(answer, str):
        names = [_BULLET.sub("", line).strip() for line in answer.splitlines()]
    links = list(dict.fromkeys(filter(None, map(resolve, filter(None, names)))))
    if not links:
        unknown = f"only notes that are not there ({', '.join(names)[:60]})" if names else "nothing"
        raise NothingToSay(f"the model named {unknown} for {field.name}")
    return links[: field.max_items] if field.is_list else links[0]


def _match_choice(text: str, choices: Sequence[str] | None) -> str | None:
    if choices is None or not text:
        return text or None
    folded = text.casefold()
    return next((choice for choice in choices if choice.casefold() == folded), None)


def _fits(text: str, field: Field) -> bool:
    return not field.max_characters or len(text) <= field.max_characters


def _shorten(text: str, field: Field) -> str:
    """Return text, or its whole sentences that fit; a single one may be twice as long."""
    limit = field.max_characters
    if not limit or len(text) <= limit * 1.25:
        return text
    ends = list(find_sentence_ends(text)) or [len(text)]
    if ends[0] > 2 * limit:
        raise AnswerError(
            f"the {field.name} has {len(text):,} characters; at most {limit:,} were asked for"
        )
    return text[: max([end for end in ends if end <= limit], default=ends[0])]


def _without_label(text: str, name: str) -> str:
    """Return text without the field's name, or a heading, before it."""
    label = rf"^\W*{re.escape(name)}(?:\W*[:：]|\W*\n)\s*|^#{{1,6}} [^\n]*\n\s*"
    return re.sub(label, "", text.strip(), flags=re.IGNORECASE)


_LONGEST_EDITED = 20_000  # characters


def read_edited_value(field: Field, text: str | Sequence[str], resolve: Resolve) -> str | list[str]:
    """Return the value that a user wrote in place of a proposed one, sanitized and unchecked.

    text: the items of a list may be given one by one, or each on a line.

    Raises AnswerError if it is too long, is not of the field's kind, or nothing of it is left.
    """
    raw = text if isinstance(text, str) else "\n".join(text)
    if len(raw) > _LONGEST_EDITED:
        said = f"{len(raw):,} characters, and at most {_LONGEST_EDITED:,} are possible"
        raise AnswerError(f"too long for a {field.name}: {said}")
    items = raw.splitlines() if isinstance(text, str) else text
    if field.is_link:
        if missing := next((each for each in items if each.strip() and not resolve(each)), None):
            raise AnswerError(f"there is no note {missing.strip()[:60]} to link to")
        items = [link for each in items if (link := resolve(each))]
    value: str | list[str] = inert_value(raw)
    if field.kind in SCALARS:
        value = read_scalar(field.kind, raw, field.name) or ""
    elif field.is_link:
        value = list(dict.fromkeys(items)) if field.is_list else "".join(items[:1])
    elif field.kind == "prose":
        value = inert_prose(raw.strip(), resolve)
    elif field.kind == "list":
        value = list(dict.fromkeys(filter(None, map(_clean_item, items))))
    if not "".join(value).strip():
        raise AnswerError(f"nothing would be left of the {field.name}; refuse it instead")
    return value
