"""A note's properties, read with PyYAML's C loader, and refused where YAML is ambiguous.

Values are text as the author wrote it, since YAML 1.1 and 1.2 disagree on the meaning of `no`,
`012` and `1:30`, and `2023-02-30` is not a date at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import yaml
from frontmatter.default_handlers import YAMLHandler

from companion.errors import NoteRefused
from companion.note.text import NoteText

if TYPE_CHECKING:
    from yaml import SafeLoader as _Loader
else:
    _Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

PropertyValue: TypeAlias = "bool | str | list[PropertyValue] | dict[str, PropertyValue] | None"

_HANDLER = YAMLHandler()
_MAP = "tag:yaml.org,2002:map"
_SEQ = "tag:yaml.org,2002:seq"
_STR = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"

# YAML 1.2, section 5.1: what a stream may hold.
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BETWEEN_ALIASES = re.compile(",")
BETWEEN_TAGS = re.compile(r"[,\s]+")


class Properties:
    """A note's properties in the order written; empty if it has none.

    Values are None (`null`, `~`, nothing), True and False (`true`, `false` only), the text of any
    other scalar (numbers and dates too), lists, and mappings with text keys. Nodes that a YAML
    alias repeats are shared, so a value may be exponentially larger when it is printed.

    Names match regardless of case, as in Obsidian.
    """

    def __init__(self, values: Mapping[str, PropertyValue]) -> None:
        self.values = values
        self._spelled = {key.casefold(): [key] for key in values}
        if len(self._spelled) < len(values):
            for name, alike in self._spelled.items():
                alike[:] = [key for key in values if key.casefold() == name]

    def keys_of(self, name: str) -> Sequence[str]:
        """Return the keys of the property, as written: usually one or none."""
        return self._spelled.get(name.casefold(), ())

    def key_of(self, name: str) -> str | None:
        """Return the property's key, as written, None if the note has no such property."""
        if name in self.values:
            return name
        keys = self.keys_of(name)
        return keys[0] if keys else None

    def get(self, name: str) -> PropertyValue:
        """Return the property's value, None if it is missing or null."""
        key = self.key_of(name)
        return None if key is None else self.values[key]

    def is_empty(self, name: str) -> bool:
        """Return whether the property exists and has no content.

        That is: nothing, blanks, a comment only, `null`, `~`, `""`, `''`, `[]`, or, as in many
        templates, a list of one empty item. A missing property is not an empty one.
        """
        keys = self.keys_of(name)
        values = [self.values[key] for key in keys]
        lists = [value if isinstance(value, list) else [value] for value in values]
        items = [item for each in lists for item in each]
        has_content = any(
            item.strip() if isinstance(item, str) else item is not None for item in items
        )
        return bool(keys) and not has_content and all(len(each) < 2 for each in lists)

    @cached_property
    def tags(self) -> list[str]:
        """The tags, without `#`, as written, each once.

        Obsidian Help, "Tags" and "Properties": a list, or one text separated by commas or blanks;
        a tag has no blanks in it and is not only a number. `tag` is the older name.
        """
        names = [text.lstrip("#") for text in self._texts(("tags", "tag"), BETWEEN_TAGS)]
        valid = [tag for tag in names if not tag.isdecimal() and len(tag.split()) == 1]
        return list(dict.fromkeys(valid))

    @property
    def aliases(self) -> list[str]:
        """The aliases, each once: a list, or one text separated by commas (Help, "Aliases")."""
        return list(dict.fromkeys(self._texts(("aliases", "alias"), _BETWEEN_ALIASES)))

    def _texts(self, names: tuple[str, ...], between: re.Pattern[str]) -> list[str]:
        texts: list[str] = []
        for name in names:
            for key in self._spelled.get(name, ()):
                value = self.values[key]
                texts += property_texts(between.split(value) if isinstance(value, str) else value)
        return texts


def property_texts(value: object) -> list[str]:
    """Return the texts in a property's value: the text itself, or the texts in the list."""
    items = value if isinstance(value, list) else [value]
    texts = (str(item).lower() if isinstance(item, bool) else item for item in items)
    return [text.strip() for text in texts if isinstance(text, str) and text.strip()]


def read_properties(note: NoteText) -> Properties:
    """Return the note's properties.

    Raises NoteRefused, with the line in the note, if they are never closed, are not valid YAML, are
    several documents, or are not a mapping; if a key is there twice, at any depth, or is a list, a
    mapping or `<<`; or if a value contains itself or is nested too deep.
    """
    text = note.yaml
    if not text.strip():
        return Properties({})
    try:
        values = _load(text)
    except RecursionError:
        raise _refusal(note, "the properties are nested too deep to be read", 0) from None
    except yaml.MarkedYAMLError as error:
        marks = [error.problem_mark, error.context_mark]
        if "end of stream" in (error.problem or ""):  # of a quote or bracket never closed
            marks.reverse()
        index = next((mark.index for mark in marks if mark), 0)
        raise _refusal(note, _reason(error), index) from None
    except (yaml.YAMLError, ValueError, OverflowError):
        odd = _UNPRINTABLE.search(text)
        reason = "the properties hold a character that YAML forbids; delete it"
        raise _refusal(note, reason, odd.start() if odd else 0) from None
    if not isinstance(values, dict):
        reason = "the properties are not a list of `name: value` lines; correct or remove them"
        raise _refusal(note, reason, 0)
    return Properties(values)


@lru_cache(maxsize=256)  # filling a note reads the same properties several times
def _load(text: str) -> object:
    return _HANDLER.load(text, Loader=_TextLoader)


class _TextLoader(_Loader):
    """Loads scalars as text, except for null and booleans that YAML 1.1 and 1.2 agree on."""

    def get_single_data(self) -> Any:
        """Return the document's value; an empty mapping if there is only a comment."""
        node = self.get_single_node()
        if isinstance(node, yaml.MappingNode) and node.tag != _MAP:
            _fail("the properties as a whole have a YAML tag; remove it", node)
        return {} if node is None else _value(node, {})

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: Any) -> str:
        """Return the YAML tag of a node that is written without one."""
        if kind is yaml.ScalarNode:
            is_plain = implicit[0]
            return _PLAIN.get(value or "", _STR) if is_plain else _STR
        return _MAP if kind is yaml.MappingNode else _SEQ


_PLAIN = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), _NULL),
    **dict.fromkeys(("true", "True", "TRUE", "false", "False", "FALSE"), _BOOL),
}


def _value(node: yaml.Node, done: dict[yaml.Node, PropertyValue]) -> PropertyValue:
    if isinstance(node, yaml.ScalarNode):
        if node.tag == _NULL:
            return None
        text: str = node.value
        return text.lower() == "true" if node.tag == _BOOL else text
    if node in done:
        value = done[node]
        if value is None:
            _fail("a value holds itself, by a YAML alias", node)
        return value
    done[node] = None
    is_list = isinstance(node, yaml.SequenceNode)
    done[node] = [_value(item, done) for item in node.value] if is_list else _mapping(node, done)
    return done[node]


def _mapping(node: yaml.Node, done: dict[yaml.Node, PropertyValue]) -> dict[str, PropertyValue]:
    values: dict[str, PropertyValue] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            _fail("a name is itself a list or a mapping; put quotes around [..] and {..}", key)
        name: str = key.value
        if name == "<<":
            _fail("programs differ on `<<`, which merges properties; write these out", key)
        if name in values:
            _fail(f"the property `{name}` is there twice; keep one of them", key)
        is_text = value.tag == _STR and isinstance(value, yaml.ScalarNode)
        values[name] = value.value if is_text else _value(value, done)
    return values


def _fail(reason: str, node: yaml.Node) -> NoReturn:
    raise yaml.constructor.ConstructorError(None, None, reason, node.start_mark)


def _reason(error: yaml.MarkedYAMLError) -> str:
    """Return what is wrong, in words for the user. Only _fail raises ConstructorError here."""
    problem = error.problem or ""
    if isinstance(error, yaml.constructor.ConstructorError):
        return problem
    details = ", ".join(filter(None, (error.context, problem)))
    mend = "text with : # [ { @ needs quotes, and blanks before a name are spaces, not tabs"
    return f"the properties are not valid YAML ({details}); {mend}"


def _refusal(note: NoteText, reason: str, index: int) -> NoteRefused:
    """Return the refusal for the line at index, which counts characters of the YAML."""
    start = note.frontmatter.start if note.frontmatter else 0
    return NoteRefused(reason, line=note.line_number(start + index))
